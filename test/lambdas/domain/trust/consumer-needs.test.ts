/** What else uses the OIDC trust: the check of a retirement, in both directions. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkConsumers } from '../../../../lambdas/domain/trust/consumer-needs.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import { aSecretStore, CLUSTER_STORES, notAllowed, readStores, SECRET_STORES } from '../../consumer-objects.ts';
import { aPod, OTHER_ROLE, ROLE } from '../../fixtures.ts';
import { said, matching } from '../../matchers.ts';
import { forAllIn } from '../../../for-all.ts';

type Needs = Parameters<typeof checkConsumers>[0];

const SHOP = { namespace: 'shop', serviceAccount: 'cart' };
const checks = (change: Partial<Needs>): Check[] =>
  checkConsumers({
    roleArn: ROLE,
    cluster: 'dev',
    serviceAccounts: [SHOP],
    pods: [aPod('pod-identity')],
    consumers: readStores([]),
    ...change,
  });
const only = (change: Partial<Needs>): Check => {
  const found = checks(change);
  expect(found.map(({ id }) => id)).toEqual(['retire-consumers']);
  return found[0]!;
};
const store = (name = 'aws'): object => aSecretStore(name, 'shop', 'cart');
/** An issuer that names its role itself. */
const issuer = (role: string): object => ({
  metadata: { namespace: 'shop', name: 'dns' },
  spec: {
    acme: {
      solvers: [{ dns01: { route53: { role, auth: { kubernetes: { serviceAccountRef: { name: 'cart' } } } } } }],
    },
  },
});
const withIssuer = (role: string) => ({ objects: { 'issuers.cert-manager.io': [issuer(role)] }, unread: [] });

describe('the check of a retirement', () => {
  it('fails for a SecretStore that names the service account, and passes for another one', () => {
    expect(only({ consumers: readStores([store()]) })).toMatchObject({
      status: 'fail',
      message: `1 object uses the web identity of shop/cart, and loses AWS access without the OIDC trust of ${ROLE}: SecretStore/shop/aws gets tokens for it (spec.provider.aws.auth.jwt).`,
      remedy: matching(/: --accept consumer:SecretStore\/shop\/aws$/),
    });
    expect(only({ consumers: readStores([aSecretStore('aws', 'shop', 'web')]) })).toEqual({
      id: 'retire-consumers',
      status: 'pass',
      message: 'Nothing else was found that uses the web identity of shop/cart.',
    });
  });

  it('fails for an object that names the role itself, and passes for one that names another', () => {
    expect(only({ consumers: withIssuer(ROLE) }).status).toBe('fail');
    expect(only({ consumers: withIssuer(OTHER_ROLE) }).status).toBe('pass');
  });

  it('warns once each is accepted by name', () => {
    const consumers = readStores([store(), store('other')]);
    expect(only({ consumers, accept: ['consumer:SecretStore/shop/aws'] })).toMatchObject(
      said('fail', 'SecretStore/shop/other gets tokens'),
    );
    expect(
      only({ consumers, accept: ['consumer:SecretStore/shop/aws', 'consumer:SecretStore/shop/other'] }),
    ).toMatchObject({
      status: 'warn',
      message: 'The request accepts that 2 objects may lose AWS access: SecretStore/shop/aws, SecretStore/shop/other.',
    });
  });

  it('is unknown for what could not be read, until that is accepted', () => {
    const consumers = readStores([], [notAllowed(CLUSTER_STORES)]);
    expect(only({ consumers })).toMatchObject(
      said(
        'unknown',
        `could not be read: ${CLUSTER_STORES} (The API server answered 403`,
        /^Give the service access: pod-identity grant-access .* --accept consumer:\S+$/,
      ),
    );
    expect(only({ consumers, accept: [`consumer:${CLUSTER_STORES}`] }).status).toBe('warn');
  });

  it('is unknown if nothing could be read', () =>
    expect(only({ consumers: undefined, pods: undefined, kubernetesError: 'HTTP 401' })).toMatchObject(
      said('unknown', 'HTTP 401'),
    ));

  it('warns of an accepted name that is not found, but not of patterns', () => {
    const acceptedConsumers = ['SecretStore/shop/typo', 'system:serviceaccount:shop:*', 'ServiceAccount/shop/web'];
    expect(checks({ accept: acceptedConsumers.map((one) => `consumer:${one}`) })).toMatchObject([
      { id: 'retire-consumers', status: 'pass' },
      {
        id: 'retire-accepted-consumers',
        status: 'warn',
        message: 'The request accepts 1 consumer that was not found: SecretStore/shop/typo.',
      },
    ]);
  });
});

it('never blocks what is accepted, and always what is not', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
  forAllIn(
    60,
    fc.uniqueArray(name, { maxLength: 8 }),
    fc.subarray([SECRET_STORES, CLUSTER_STORES, 'issuers.cert-manager.io']),
    fc.infiniteStream(fc.boolean()),
    (stores, unread, chosen) => {
      const all = [...stores.map((one) => `SecretStore/shop/${one}`), ...unread];
      const acceptedConsumers = all.filter(() => chosen.next().value as boolean);
      const check = only({
        consumers: readStores(stores.map(store), unread.map(notAllowed)),
        accept: acceptedConsumers.map((one) => `consumer:${one}`),
      });
      expect(check.status === 'fail' || check.status === 'unknown').toBe(acceptedConsumers.length < all.length);
    },
  );
});
