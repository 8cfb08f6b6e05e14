import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consumersOf, DETECTORS, findConsumers } from '../../../../lambdas/domain/consumers/find.ts';
import { nameOfConsumer } from '../../../../lambdas/domain/consumers/model.ts';
import { CONSUMER_RESOURCES, resourceName } from '../../../../lambdas/domain/consumers/resources.ts';
import { consumerName } from '../../../../lambdas/domain/migration/accepted.ts';
import { isPrintable } from '../../../../lambdas/domain/text/text.ts';
import { anObject, consumersIn, podOf } from './cluster.ts';

const RULES = DETECTORS.flatMap(({ rules }) => rules);
const RESOURCES = CONSUMER_RESOURCES.map(resourceName);
const STORES = 'secretstores.external-secrets.io';
const PODS = [podOf('shop', 'api'), podOf('keda', 'op', { labels: { app: 'keda-operator' } })];

/** The names of fields that the rules read, so that arbitrary objects come close to what they look for. */
const FIELD = fc.constantFrom(
  ...new Set(
    RULES.flatMap(({ field }) => field.match(/\w+/g) ?? []).concat(
      'spec metadata name namespace kind labels secretStoreRef secretStoreRefs data dataFrom sourceRef storeRef triggers authenticationRef scaleTargetRef csi claimRef allowedNamespaces'.split(
        ' ',
      ),
    ),
  ),
);
const VALUE = fc.constantFrom<unknown>(
  'aws',
  'aws-eks',
  'workload',
  'IRSA',
  'WebIdentity',
  'pod',
  's3.csi.aws.com',
  '__proto__',
  '',
  null,
  7,
  true,
);
const { object: OBJECT } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 7 }, VALUE, fc.array(tie('value'), { maxLength: 2 }), tie('object')),
  object: fc.dictionary(fc.oneof(FIELD, fc.constant('__proto__')), tie('value'), { maxKeys: 5 }),
}));
const ANYTHING = fc.oneof(
  fc.jsonValue(),
  OBJECT,
  OBJECT.map((spec) => anObject('shop/aws', spec)),
  OBJECT.map((spec) => anObject('aws', spec)),
);
const FACTS = fc.record({
  objects: fc.dictionary(fc.constantFrom(...RESOURCES), fc.array(ANYTHING, { maxLength: 3 })),
  unread: fc.array(fc.record({ resource: fc.constantFrom(...RESOURCES), error: fc.string() }), { maxLength: 2 }),
});

describe('resources', () => {
  it('have each resource of a rule, and each only once', () => {
    expect(new Set(RESOURCES).size).toBe(RESOURCES.length);
    const ofRules = RULES.map(({ resource }) => resource).filter((resource) => resource !== 'pods');
    expect(ofRules.filter((resource) => !RESOURCES.includes(resource))).toEqual([]);
  });

  it('are named as kubectl names them', () => {
    expect(resourceName({ group: 'external-secrets.io', plural: 'secretstores' })).toBe(STORES);
    expect(resourceName({ group: '', plural: 'persistentvolumes' })).toBe('persistentvolumes');
  });

  it('are named as requests accept them', () => {
    for (const resource of RESOURCES) expect(consumerName.safeParse(resource).success, resource).toBe(true);
  });

  it('are all read by the detectors', () => {
    const read = new Set<string>();
    const objects = new Proxy<Record<string, unknown[]>>(
      {},
      {
        getOwnPropertyDescriptor: (_, resource) => {
          read.add(String(resource));
          return { configurable: true, enumerable: true, value: [] };
        },
        get: () => [],
      },
    );
    findConsumers({ objects, unread: [] }, { pods: [] });
    // These are read only for a cluster-wide store that uses them.
    const objectsOfStores = ['externalsecrets.external-secrets.io', 'pushsecrets.external-secrets.io'];
    expect([...new Set([...read, ...objectsOfStores])].sort()).toEqual([...RESOURCES].sort());
  });
});

describe('consumers', () => {
  it('of arbitrary objects are found without an error, are printable, and can be accepted', () => {
    fc.assert(
      fc.property(FACTS, (facts) => {
        for (const one of findConsumers(facts, { pods: PODS })) {
          const { serviceAccount, roleArn = '', how } = one;
          for (const text of [nameOfConsumer(one), serviceAccount.namespace, serviceAccount.name, roleArn, how])
            expect(isPrintable(text), text).toBe(true);
          if (/^[a-z/]+$/.test(`${one.namespace ?? ''}${one.name}`))
            expect(consumerName.safeParse(nameOfConsumer(one)).success, nameOfConsumer(one)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('are the same in any order of the objects, and each is there once', () => {
    fc.assert(
      fc.property(FACTS, (facts) => {
        const reversed = Object.fromEntries(
          Object.entries(facts.objects).map(([resource, objects]) => [resource, [...objects, ...objects].reverse()]),
        );
        const names = (of: typeof facts.objects): string[] =>
          findConsumers({ ...facts, objects: of }, { pods: PODS }).map((one) => {
            const { serviceAccount } = one;
            return `${nameOfConsumer(one)} ${serviceAccount.namespace}/${serviceAccount.name}`;
          });
        expect([...new Set(names(reversed))].sort()).toEqual([...new Set(names(facts.objects))].sort());
      }),
    );
  });

  it('show control characters of third-party names as escapes', () => {
    const spec = { provider: { aws: { auth: { jwt: { serviceAccountRef: { name: 'api\u001b[31m' } } } } } };
    const [one] = consumersIn({ objects: { [STORES]: [anObject('shop/aws\u202e', spec)] } });
    expect(one).toMatchObject({ name: String.raw`aws\u202e`, serviceAccount: { name: String.raw`api\x1b[31m` } });
  });
});

describe('consumers of service accounts', () => {
  const found = consumersIn({
    objects: {
      [STORES]: [
        anObject('shop/a', { provider: { aws: { auth: { jwt: { serviceAccountRef: { name: 'api' } } } } } }),
        anObject('shop/b', { provider: { aws: { auth: { jwt: {} } } } }),
      ],
      'clusterissuers.cert-manager.io': [
        anObject('le', {
          acme: { solvers: [{ dns01: { route53: { auth: { kubernetes: { serviceAccountRef: { name: 'api' } } } } } }] },
        }),
      ],
    },
  });
  const namesFor = (...accounts: string[]): string[] =>
    consumersOf(
      found,
      accounts.map((account) => {
        const [namespace = '', name = ''] = account.split('/');
        return { namespace, name };
      }),
    ).map(nameOfConsumer);

  it('are those that name one of them, or that may be about it', () => {
    expect(namesFor('shop/api')).toEqual(['ClusterIssuer/le', 'SecretStore/shop/a', 'SecretStore/shop/b']);
    expect(namesFor('shop/web')).toEqual(['SecretStore/shop/b']);
    expect(namesFor('bank/api')).toEqual(['ClusterIssuer/le']);
    expect(namesFor('bank/web')).toEqual([]);
    expect(namesFor('bank/web', 'shop/web')).toEqual(['SecretStore/shop/b']);
    expect(namesFor()).toEqual([]);
  });
});

describe('rules', () => {
  it('have texts that fit into sentences', () => {
    for (const { how, instead, source, field, kind } of RULES) {
      expect(how, kind).toMatch(/^[a-z].*[^.]$/);
      expect(instead, kind).toMatch(/^[A-Z].*\.$/);
      expect(source, kind).toMatch(/[a-z]/);
      expect(field, kind).not.toBe('');
      for (const text of [how, instead, source]) expect(isPrintable(text), text).toBe(true);
    }
  });
});
