import { resourceName } from '../../../../lambdas/domain/kubernetes/objects.ts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consumersOf, DETECTORS, findConsumers } from '../../../../lambdas/domain/consumers/find.ts';
import { partOf } from '../../../../lambdas/domain/kubernetes/parts.ts';
import { nameOfConsumer } from '../../../../lambdas/domain/consumers/model.ts';
import { CONSUMER_RESOURCES } from '../../../../lambdas/domain/access/consumer-resources.ts';
import { isAcceptable } from '../../../../lambdas/domain/acceptance/accept.ts';
import { isPrintable } from '../../../../lambdas/domain/text/text.ts';
import { anObject, consumersIn, podOf } from './cluster.ts';
import { forAll, forAllIn } from '../../../for-all.ts';
import { matching } from '../../matchers.ts';

const RULES = DETECTORS.flatMap(({ rules }) => rules);
const RESOURCES = CONSUMER_RESOURCES.map(resourceName);
const STORES = 'secretstores.external-secrets.io';
const PODS = [
  podOf('shop', 'api', { claims: ['photos'] }),
  podOf('keda', 'op', { labels: { app: 'keda-operator' } }),
  podOf('crossplane-system', 'aws', { labels: { 'pkg.crossplane.io/provider': 'provider-aws-s3' } }),
];

const jwt = { serviceAccountRef: { name: 'api', namespace: 'shop' } };
const ofApi = { serviceAccountRef: { name: 'api' } };
const storeRef = { name: 'aws', kind: 'ClusterSecretStore' };
const aws = { provider: 'aws', identityOwner: 'workload' };
const ofIrsa = { irsaServiceAccount: 'api' };
/** An object of each resource that is a consumer, or decides about one, by the resource. */
const CONSUMERS: Readonly<Record<string, unknown>> = {
  [STORES]: anObject('shop/aws', { provider: { aws: { auth: { jwt } }, vault: { auth: { iam: { jwt } } } } }),
  'clustersecretstores.external-secrets.io': anObject('aws', { provider: { aws: { auth: { jwt: ofApi } } } }),
  'externalsecrets.external-secrets.io': anObject('shop/db', {
    secretStoreRef: storeRef,
    dataFrom: [{ sourceRef: { generatorRef: { kind: 'ClusterGenerator', name: 'ecr' } } }],
  }),
  'pushsecrets.external-secrets.io': anObject('bank/db', { secretStoreRefs: [storeRef] }),
  'ecrauthorizationtokens.generators.external-secrets.io': anObject('shop/ecr', { auth: { jwt } }),
  'codeartifactauthorizationtokens.generators.external-secrets.io': anObject('shop/ca', { auth: { jwt } }),
  'resourcesetinputproviders.fluxcd.controlplane.io': anObject('shop/tags', {
    type: 'ECRArtifactTag',
    serviceAccountName: 'api',
  }),
  'clustergenerators.generators.external-secrets.io': anObject('ecr', {
    generator: { ecrAuthorizationTokenSpec: { auth: { jwt } } },
  }),
  'issuers.cert-manager.io': anObject('shop/le', {
    acme: { solvers: [{ dns01: { route53: { role: 'a', auth: { kubernetes: jwt } } } }] },
    vault: { auth: { aws: { ...jwt, iamRoleArn: 'a' } } },
  }),
  'vaultauths.secrets.hashicorp.com': anObject('shop/vault', { aws: ofIrsa, allowedNamespaces: ['a'] }),
  'buckets.source.toolkit.fluxcd.io': anObject('shop/charts', { provider: 'aws', serviceAccountName: 'api' }),
  'kustomizations.kustomize.toolkit.fluxcd.io': anObject('shop/apps', {
    decryption: { serviceAccountName: 'api' },
    kubeConfig: { configMapRef: { name: 'remote' } },
  }),
  'triggerauthentications.keda.sh': anObject('shop/sqs', { podIdentity: aws, awsSecretManager: { podIdentity: aws } }),
  'scaledobjects.keda.sh': anObject('shop/api', {
    scaleTargetRef: { name: 'api' },
    triggers: [{ authenticationRef: { name: 'sqs' } }],
  }),
  'scaledjobs.keda.sh': anObject('shop/job', {
    jobTargetRef: { template: { spec: { serviceAccountName: 'api' } } },
    triggers: [{ authenticationRef: { name: 'sqs' } }],
  }),
  'providerconfigs.aws.upbound.io': anObject('default', {
    credentials: { source: 'WebIdentity', webIdentity: { roleARN: 'a', tokenConfig: {} } },
  }),
  'providerconfigs.aws.crossplane.io': anObject('default', {
    credentials: { source: 'InjectedIdentity' },
    assumeRoleWithWebIdentity: { roleARN: 'a' },
  }),
  persistentvolumes: anObject('photos', {
    claimRef: { namespace: 'shop', name: 'photos' },
    csi: { driver: 's3.csi.aws.com', volumeAttributes: { authenticationSource: 'pod' } },
  }),
  'secretproviderclasses.secrets-store.csi.x-k8s.io': anObject('shop/db', {
    provider: 'aws',
    parameters: { usePodIdentity: 'false' },
  }),
};

const eachConsumer = (map: (one: unknown, resource: string) => unknown[]): Record<string, unknown[]> =>
  Object.fromEntries(Object.entries(CONSUMERS).map(([resource, one]) => [resource, map(one, resource)]));
const WHOLE = eachConsumer((one) => [one]);

/** Returns the value with some of its parts replaced: each with the chance of one in `rarity`. */
function spoiled(value: unknown, rarity: number, next: () => number, other: () => unknown): unknown {
  if (next() % rarity === 0) return other();
  if (Array.isArray(value)) return value.map((one) => spoiled(one, rarity, next, other));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, spoiled(one, rarity, next, other)]));
}
const odd = fc.constantFrom<unknown>('__proto__', {}, [], null, '');
const OBJECTS = fc
  .record({
    rarity: fc.constantFrom(4, 15, 60),
    others: fc.array(fc.oneof(fc.jsonValue(), odd), { minLength: 1 }),
    seed: fc.infiniteStream(fc.nat(10_000)),
  })
  .map(({ rarity, others, seed }) => {
    const next = (): number => seed.next().value ?? 0;
    const other = (): unknown => others[next() % others.length];
    return eachConsumer((one) => [one, one].map((each) => spoiled(each, rarity, next, other)));
  });
const FACTS = fc.record({
  objects: fc.oneof(OBJECTS, fc.dictionary(fc.constantFrom(...RESOURCES), fc.array(fc.jsonValue(), { maxLength: 3 }))),
  unread: fc.array(fc.record({ resource: fc.constantFrom(...RESOURCES), error: fc.string() }), { maxLength: 2 }),
});

describe('resources', () => {
  it('have each resource of a rule, and each only once', () => {
    expect(new Set(RESOURCES).size).toBe(RESOURCES.length);
    const ofRules = RULES.map(({ resource }) => resource).filter((resource) => resource !== 'pods');
    expect(ofRules.filter((resource) => !RESOURCES.includes(resource))).toEqual([]);
  });

  it('keep the fields by which their objects are found', () => {
    const kept = Object.fromEntries(CONSUMER_RESOURCES.map((resource) => [resourceName(resource), resource.fields]));
    const parts = eachConsumer((one, resource) => [partOf(one, kept[resource] ?? [])]);
    const found = (objects: Record<string, unknown[]>) => findConsumers({ objects, unread: [] }, { pods: PODS });
    expect(found(parts)).toEqual(found(WHOLE));
  });

  it('have no kind in common in what a request accepts by name', () => {
    const resources = new Map<string, Set<string>>();
    for (const { kind, resource } of RULES) resources.set(kind, (resources.get(kind) ?? new Set()).add(resource));
    const shared = [...resources].filter(([, of]) => of.size > 1).map(([kind, of]) => [kind, [...of]]);
    // One is cluster-scoped, the other one is not.
    const resourcesOfUpbound = ['providerconfigs.aws.upbound.io', 'providerconfigs.aws.m.upbound.io'];
    expect(shared).toEqual([['ProviderConfig', resourcesOfUpbound]]);
  });

  it('are named as kubectl names them', () => {
    expect(resourceName({ group: 'external-secrets.io', plural: 'secretstores' })).toBe(STORES);
    expect(resourceName({ group: '', plural: 'persistentvolumes' })).toBe('persistentvolumes');
  });

  it('are named as requests accept them', () =>
    expect(RESOURCES.filter((resource) => !isAcceptable('consumer', resource))).toEqual([]));

  it('are all read by the detectors', () => {
    const read = new Set<string>();
    const getOwnPropertyDescriptor = (_: object, resource: string | symbol): PropertyDescriptor => {
      read.add(String(resource));
      return { configurable: true, enumerable: true, value: [] };
    };
    const objects = new Proxy<Record<string, unknown[]>>({}, { getOwnPropertyDescriptor, get: () => [] });
    findConsumers({ objects, unread: [] }, { pods: [] });
    // These are read only for a cluster-wide store that uses them.
    const objectsOfStores = ['externalsecrets.external-secrets.io', 'pushsecrets.external-secrets.io'];
    expect([...new Set([...read, ...objectsOfStores])].sort()).toEqual([...RESOURCES].sort());
  });
});

describe('consumers', () => {
  it('are found in each of the objects that the properties spoil, or by it', () => {
    const found = findConsumers({ objects: WHOLE, unread: [] }, { pods: PODS });
    const decide = ['externalsecrets', 'pushsecrets', 'scaledobjects', 'scaledjobs'];
    const consumers = Object.keys(CONSUMERS).filter((resource) => !decide.includes(resource.split('.')[0] ?? ''));
    expect(new Set(found.map(({ resource }) => resource))).toEqual(new Set(consumers));
  });

  it('of arbitrary objects are found without an error, are printable, and can be accepted', () =>
    forAllIn(500, FACTS, (facts) => {
      const found = findConsumers(facts, { pods: PODS });
      const texts = found.flatMap((one) => {
        const { serviceAccount, roleArn = '', how } = one;
        return [nameOfConsumer(one), serviceAccount.namespace, serviceAccount.name, roleArn, how];
      });
      expect(texts.filter((text) => !isPrintable(text))).toEqual([]);
      // Kubernetes accepts no other names.
      const named = found.filter((one) => [one.namespace ?? 'a', one.name].every((name) => /^[a-z]+$/.test(name)));
      expect(named.map(nameOfConsumer).filter((name) => !isAcceptable('consumer', name))).toEqual([]);
    }));

  it('are the same in any order of the objects, and each is there once', () =>
    forAll(FACTS, (facts) => {
      const reversed = Object.fromEntries(
        Object.entries(facts.objects).map(([resource, objects]) => [resource, [...objects, ...objects].toReversed()]),
      );
      const names = (of: typeof facts.objects): string[] =>
        findConsumers({ ...facts, objects: of }, { pods: PODS }).map((one) => {
          const { serviceAccount } = one;
          return `${nameOfConsumer(one)} ${serviceAccount.namespace}/${serviceAccount.name}`;
        });
      expect([...new Set(names(reversed))].sort()).toEqual([...new Set(names(facts.objects))].sort());
    }));

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
        anObject('shop/a', { provider: { aws: { auth: { jwt: ofApi } } } }),
        anObject('shop/b', { provider: { aws: { auth: { jwt: {} } } } }),
      ],
      'clusterissuers.cert-manager.io': [
        anObject('le', { acme: { solvers: [{ dns01: { route53: { auth: { kubernetes: ofApi } } } }] } }),
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
    expect([namesFor('shop/web'), namesFor('bank/api')]).toEqual([['SecretStore/shop/b'], ['ClusterIssuer/le']]);
    expect([namesFor('bank/web'), namesFor('bank/web', 'shop/web')]).toEqual([[], ['SecretStore/shop/b']]);
    expect(namesFor()).toEqual([]);
  });
});

it('rules have texts that fit into sentences', () => {
  for (const { how, instead, source, field } of RULES) {
    expect([how, instead, source]).toEqual([matching(/^[a-z].*[^.]$/), matching(/^[A-Z].*\.$/), matching(/[a-z]/)]);
    expect(field).not.toBe('');
    expect([how, instead, source].filter((text) => !isPrintable(text))).toEqual([]);
  }
});
