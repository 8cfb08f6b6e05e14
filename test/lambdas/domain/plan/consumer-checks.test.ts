/** Who else uses the web identity: the check of a plan, in both directions, and what the plan lists. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_ACCEPTED } from '../../../../lambdas/domain/acceptance/accept.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { Plan } from '../../../../lambdas/domain/record/plan.ts';
import type { Facts, ServiceAccountFacts } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { planServiceAccount } from '../../../../lambdas/domain/plan/service-account.ts';
import { accountFacts, ACCOUNT_NAME, ACCOUNT_NAMESPACE, anAccountRequest, SUBJECT } from '../../account-fixtures.ts';
import { aSecretStore, CLUSTER_STORES, notAllowed, readStores, SECRET_STORES } from '../../consumer-objects.ts';
import { aRequest, NAMESPACE, planned, someFacts } from '../../fixtures.ts';
import { containing, said, matching } from '../../matchers.ts';
import { forAllIn } from '../../../for-all.ts';

const aStore = (name = 'aws'): object => aSecretStore(name, ACCOUNT_NAMESPACE, ACCOUNT_NAME);
const STORE = `SecretStore/${ACCOUNT_NAMESPACE}/aws`;

const account = (
  consumers: Facts['consumers'],
  request: Partial<MigrationRequestInput> = {},
  change: Partial<ServiceAccountFacts> = {},
): Plan => planServiceAccount(accountFacts({ request: anAccountRequest(request), consumers, ...change }));
const addon = (consumers: Facts['consumers'], request: Partial<MigrationRequestInput> = {}): Plan =>
  planMigration(someFacts({ request: aRequest(request), consumers }));

const checkOf = (plan: Plan, id = 'consumers'): Check => {
  const [found, ...others] = plan.checks.filter((check) => check.id === id);
  expect(others).toEqual([]);
  if (!found) throw new Error(`no check ${id}`);
  return found;
};
const remove = { annotation: 'remove' } as const;

describe('a service account whose annotation is removed', () => {
  it('blocks for a SecretStore that names it, with what to do and the option that accepts it', () => {
    const plan = account(readStores([aStore()]), remove);
    const check = checkOf(plan);
    expect(plan.verdict).toBe('blocked');
    expect(check).toMatchObject({
      status: 'fail',
      message: `1 object uses the web identity of ${SUBJECT}, and loses AWS access when the annotation is removed: ${STORE} gets tokens for it (spec.provider.aws.auth.jwt).`,
      source: matching(/^docs\/consumers\.md; github\.com\/external-secrets/),
    });
    expect(check.remedy).toMatch(/^Change how it gets credentials first\. Remove auth\.jwt/);
    expect(check.remedy).toContain('Or keep the annotation: omit --annotation remove.');
    const accepting = `accept it (in a request: accept): --accept consumer:${STORE}`;
    expect(check.remedy?.endsWith(`If it may lose AWS access, ${accepting}`)).toBe(true);
    const consumer = { name: STORE, serviceAccount: SUBJECT, breaks: true, accepted: false };
    expect(plan.consumers).toMatchObject([consumer]);
  });

  it('goes on once each is accepted by its name, and not before', () => {
    const consumers = readStores([aStore(), aStore('other')]);
    expect(account(consumers, { ...remove, accept: [`consumer:${STORE}`] }).verdict).toBe('blocked');
    const plan = account(consumers, {
      ...remove,
      accept: [`consumer:${STORE}`, 'consumer:SecretStore/payments/other'],
    });
    const message = `The request accepts that 2 objects may lose AWS access: ${STORE}, SecretStore/payments/other.`;
    expect(checkOf(plan)).toMatchObject({ status: 'warn', message });
    expect([plan.verdict, plan.consumers?.map(({ accepted }) => accepted)]).toEqual(['migrate', [true, true]]);
  });

  it('passes for stores of other service accounts', () => {
    const others = [aSecretStore('aws', 'shop', ACCOUNT_NAME), aSecretStore('web', ACCOUNT_NAMESPACE, 'web')];
    const plan = account(readStores(others), remove);
    const message = `Nothing else was found that uses the web identity of ${SUBJECT}.`;
    expect(checkOf(plan)).toEqual({ id: 'consumers', status: 'pass', message });
    expect([plan.verdict, plan.consumers]).toEqual(['migrate', undefined]);
  });

  it('blocks for what could not be read, until that is accepted by its resource', () => {
    const consumers = readStores([], [notAllowed(CLUSTER_STORES), notAllowed(SECRET_STORES)]);
    const plan = account(consumers, remove);
    expect(plan.verdict).toBe('blocked');
    const check = checkOf(plan);
    expect(check).toMatchObject(
      said(
        'unknown',
        `${CLUSTER_STORES}, ${SECRET_STORES} (The API server answered 403`,
        /^Give the service access: pod-identity grant-access .* --annotation remove --deployed \./,
      ),
    );
    const unread = [CLUSTER_STORES, SECRET_STORES];
    expect(check.remedy).toMatch(new RegExp(`:${unread.map((one) => ` --accept consumer:${one}`).join('')}$`));
    const accepted = account(consumers, { ...remove, accept: unread.map((name) => `consumer:${name}`) });
    expect(accepted.verdict).toBe('migrate');
    const message = `The request accepts that this was not read: ${unread.join(', ')}.`;
    expect(checkOf(accepted)).toMatchObject({ status: 'warn', message });
  });

  it('does not pass if the API server could not be read at all', () => {
    const plan = account(undefined, { ...remove, verification: 'api' }, { kubernetesError: 'HTTP 401' });
    expect(checkOf(plan)).toMatchObject(said('unknown', 'HTTP 401'));
    expect(account(undefined, { verification: 'api' }).checks.map(({ id }) => id)).not.toContain('consumers');
  });

  it('names twenty objects in a few lines, and every one of them in the option and in the plan', () => {
    const names = Array.from({ length: 20 }, (_, index) => `store-${String(index).padStart(2, '0')}`);
    const plan = account(readStores(names.map(aStore)), remove);
    const { message, remedy = '' } = checkOf(plan);
    expect(message.length).toBeLessThan(800);
    expect(message).toContain('20 objects use the web identity');
    expect(message).toContain('and 15 more, each of which gets tokens for it');
    for (const name of names) expect(remedy).toContain(`--accept consumer:SecretStore/payments/${name}`);
    expect(plan.consumers).toHaveLength(20);
  });

  it('lists no more than a request can accept, and says how many must be changed first', () => {
    const stores = (length: number): object[] => Array.from({ length }, (_, index) => aStore(`store-${index}`));
    const most = checkOf(account(readStores(stores(MAX_ACCEPTED)), remove)).remedy;
    expect(most?.match(/--accept consumer:/g)).toHaveLength(MAX_ACCEPTED);
    const plan = account(readStores(stores(MAX_ACCEPTED + 20)), remove);
    expect(plan.consumers).toHaveLength(100);
    const many = /A request can accept 100 of these 120 by name: change at least 20 of them first\.$/;
    expect(checkOf(plan).remedy).toMatch(many);
  });

  it('has a plan that fits into an item of DynamoDB, with the longest names and the longest texts', () => {
    const long = (letter: string, length: number): string => letter.repeat(length);
    const route53 = { role: long('r', 99_999), auth: { kubernetes: { serviceAccountRef: {} } } };
    const issuers = Array.from({ length: 2_000 }, (_, index) => ({
      metadata: { namespace: ACCOUNT_NAMESPACE, name: `${long('i', 248)}-${index}` },
      spec: { acme: { solvers: [{ dns01: { route53 } }] } },
    }));
    const stores = Array.from({ length: MAX_ACCEPTED }, (_, index) => aStore(`${long('s', 248)}-${index}`));
    const acceptedConsumers = stores.map((_, index) => `Issuer/${ACCOUNT_NAMESPACE}/${long('i', 248)}-${index}`);
    const objects = { [SECRET_STORES]: stores, 'issuers.cert-manager.io': issuers };
    const plan = account(
      { objects, unread: [] },
      { ...remove, accept: acceptedConsumers.map((one) => `consumer:${one}`) },
    );
    expect(plan.consumers!.length).toBeGreaterThan(50);
    expect(JSON.stringify(plan).length).toBeLessThan(250_000);
  });
});

it('a service account whose annotation stays warns of what a later removal would break, and blocks nothing', () => {
  const plan = account(readStores([aStore()], [notAllowed(CLUSTER_STORES)]));
  expect(plan.verdict).toBe('migrate');
  const check = checkOf(plan);
  expect(check).toMatchObject(
    said(
      'warn',
      `1 object uses the web identity of ${SUBJECT}, and keeps AWS access after this migration, but not after --annotation remove or retire: ${STORE} gets tokens`,
    ),
  );
  expect(check.message).toContain(`not known of what could not be read: ${CLUSTER_STORES}`);
  expect(check.remedy).toContain('Before that: Remove auth.jwt');
  expect(plan.consumers).toMatchObject([{ breaks: false, accepted: false }]);
});

describe('an add-on', () => {
  const store = aSecretStore('aws', NAMESPACE, planned.serviceAccount);
  const name = `SecretStore/${NAMESPACE}/aws`;

  it('blocks for a SecretStore of its service account, whose annotation EKS removes', () => {
    const plan = addon(readStores([store]));
    expect(plan.verdict).toBe('blocked');
    const check = checkOf(plan);
    expect(check.message).toContain("loses AWS access when EKS removes the annotation together with the add-on's role");
    expect(check.remedy).not.toContain('annotation remove');
    expect(addon(readStores([store]), { accept: [`consumer:${name}`] }).verdict).toBe('migrate');
  });

  it('blocks for one of another service account that has its role', () => {
    const other = { namespace: NAMESPACE, name: 'ebs-csi-node-sa', roleArn: planned.roleArn };
    const annotated = [{ ...other, annotatedBy: ['eks'], labels: {}, annotations: {}, managers: ['eks'] }];
    const consumers = readStores([aSecretStore('node', NAMESPACE, other.name)]);
    const facts = someFacts({ annotated: { seen: annotated }, consumers });
    expect(checkOf(planMigration(facts))).toMatchObject({ status: 'fail' });
    expect(checkOf(planMigration({ ...facts, annotated: { seen: [] } }))).toMatchObject({ status: 'pass' });
  });

  it('warns of what could not be read', () => {
    const plan = addon(readStores([], [notAllowed(SECRET_STORES)]));
    const remedy = matching(/^Give the service access: pod-identity grant-access/);
    expect(plan.verdict).toBe('migrate');
    expect(checkOf(plan)).toMatchObject({ status: 'warn', remedy });
  });

  it('warns that what keeps the trust is interrupted while the add-on is deleted', () => {
    const auth = { kubernetes: { serviceAccountRef: { name: planned.serviceAccount } } };
    const issuer = {
      kind: 'Issuer',
      metadata: { namespace: NAMESPACE, name: 'acme' },
      spec: { acme: { solvers: [{ dns01: { route53: { role: planned.roleArn, auth } } }] } },
    };
    const consumers = { objects: { 'issuers.cert-manager.io': [issuer] }, unread: [] };
    const interrupted = 'its service accounts do not exist, which interrupts AWS access';
    expect(checkOf(addon(consumers, { strategy: 'recreate' }))).toMatchObject(said('warn', interrupted));
    expect(checkOf(addon(consumers, { strategy: 'in-place' })).message).not.toContain(interrupted);
    expect(checkOf(addon(consumers, { strategy: 'recreate', preserve: true })).message).not.toContain(interrupted);
    // No attempt is left, and the plan names what those that the request asks for would interrupt.
    const offered = [{ version: 'v2', default: true, requiresIamPermissions: true }];
    const none = planMigration(someFacts({ request: aRequest({ strategy: 'recreate' }), consumers, offered }));
    expect([none.attempts, checkOf(none).message]).toEqual([[], containing(interrupted)]);
  });

  it('blocks for both, and has the option for what blocks alone', () => {
    const check = checkOf(addon(readStores([store], [notAllowed(CLUSTER_STORES)])));
    expect(check).toMatchObject(said('fail', CLUSTER_STORES, new RegExp(`: --accept consumer:${name}$`)));
  });
});

describe('an accepted name that is not found', () => {
  it('is a warning, as is one of another service account', () => {
    const others = ['SecretStore/payments/typo', 'SecretStore/shop/aws'];
    const stores = readStores([aStore(), aSecretStore('aws', 'shop', 'cart')]);
    const plan = account(stores, {
      ...remove,
      accept: [`consumer:${STORE}`, ...others.map((name) => `consumer:${name}`)],
    });
    expect(plan.verdict).toBe('migrate');
    const message = `The request accepts 2 consumers that were not found: ${others.join(', ')}.`;
    expect(checkOf(plan, 'accepted-consumers')).toMatchObject({ status: 'warn', message });
  });

  it('is none for patterns of a trust policy, and where the options are those of many plans', () => {
    const patterns = ['system:serviceaccount:*:api', '*', 'ServiceAccount/shop/cart'];
    const ids = ({ checks }: Plan): string[] => checks.map(({ id }) => id);
    expect(ids(account(readStores([]), { accept: patterns.map((name) => `consumer:${name}`) }))).not.toContain(
      'accepted-consumers',
    );
    const found = ids(account(readStores([]), { accept: ['consumer:SecretStore/payments/typo'] }, { oneOfMany: true }));
    expect(found).not.toContain('accepted-consumers');
  });
});

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);

it('never blocks what is accepted, and always what is not', () => {
  const RESOURCES = [SECRET_STORES, CLUSTER_STORES, 'issuers.cert-manager.io'];
  forAllIn(
    60,
    fc.uniqueArray(name, { maxLength: 8 }),
    fc.subarray(RESOURCES),
    fc.infiniteStream(fc.boolean()),
    (stores, unread, chosen) => {
      const consumers = readStores(stores.map(aStore), unread.map(notAllowed));
      const all = [...stores.map((one) => `SecretStore/payments/${one}`), ...unread];
      const acceptedConsumers = all.filter(() => chosen.next().value as boolean);
      const plan = account(consumers, { ...remove, accept: acceptedConsumers.map((one) => `consumer:${one}`) });
      expect(plan.verdict).toBe(acceptedConsumers.length === all.length ? 'migrate' : 'blocked');
      const { remedy = '' } = checkOf(plan);
      const options = remedy.match(/(?<=--accept consumer:)\S+/g) ?? [];
      expect([...acceptedConsumers, ...options].sort()).toEqual(all.sort());
    },
  );
});
