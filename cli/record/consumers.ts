/**
 * Records what uses web identities: the definitions of the products' resources, their objects with the fields that the
 * service decides on, and volumes of CSI drivers. Of an object, only names of service accounts, roles and settings are
 * recorded, never a secret.
 */
import { z } from 'zod';
import { listOf, strings } from '../../lambdas/adapters/api-schemas.ts';
import { apiGroups } from '../../lambdas/adapters/kubernetes-objects.ts';
import { type KubernetesApi, unlessNotFound } from '../../lambdas/adapters/kubernetes-api.ts';
import { CONSUMER_RESOURCES } from '../../lambdas/domain/access/consumer-resources.ts';
import type { ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import { keptAudience, NOT_RECORDED } from './keep.ts';
import type { Reader } from './reader.ts';

type Cluster = NonNullable<ScenarioInput['accounts'][number]['clusters']>[number];
type Definition = NonNullable<Cluster['customResourceDefinitions']>[number];
type CustomInput = NonNullable<Cluster['customResources']>[number];
type VolumeInput = NonNullable<Cluster['persistentVolumes']>[number];

export interface RecordedConsumers {
  definitions: Definition[];
  objects: CustomInput[];
  volumes: VolumeInput[];
}

const REFERENCE = ['name', 'namespace', 'audiences'];
const STORE = ['kind', 'name'];
const under = (path: string, fields: readonly string[]): string[] => fields.map((field) => `${path}.${field}`);

/**
 * The fields of a spec that are recorded, as paths without the positions in lists: names of objects, ARNs of roles, and
 * settings.
 */
export const CONSUMER_FIELDS: ReadonlySet<string> = new Set([
  // External Secrets
  ...under('provider.aws.auth.jwt.serviceAccountRef', REFERENCE),
  ...under('provider.vault.auth.iam.jwt.serviceAccountRef', REFERENCE),
  ...under('secretStoreRef', STORE),
  ...under('secretStoreRefs', STORE),
  ...under('selector.generatorRef', STORE),
  ...['data', 'dataFrom'].flatMap((list) => [
    ...under(`${list}.sourceRef.storeRef`, STORE),
    ...under(`${list}.sourceRef.generatorRef`, STORE),
  ]),
  ...under('auth.jwt.serviceAccountRef', REFERENCE),
  ...under('provider.auth.iam.jwt.serviceAccountRef', REFERENCE),
  ...['ecrAuthorizationTokenSpec.auth', 'stsSessionTokenSpec.auth', 'vaultDynamicSecretSpec.provider.auth.iam'].flatMap(
    (generator) => under(`generator.${generator}.jwt.serviceAccountRef`, REFERENCE),
  ),
  // cert-manager
  'acme.solvers.dns01.route53.role',
  ...under('acme.solvers.dns01.route53.auth.kubernetes.serviceAccountRef', REFERENCE),
  'vault.auth.aws.iamRoleArn',
  ...under('vault.auth.aws.serviceAccountRef', REFERENCE),
  // Flux
  'provider',
  'type',
  'serviceAccountName',
  ...under('decryption', ['provider', 'serviceAccountName']),
  'kubeConfig.configMapRef.name',
  // KEDA
  ...['podIdentity', 'awsSecretManager.podIdentity'].flatMap((path) =>
    under(path, ['provider', 'identityOwner', 'roleArn']),
  ),
  ...under('scaleTargetRef', ['kind', 'name']),
  ...under('triggers.authenticationRef', STORE),
  'triggers.metadata.identityOwner',
  ...under('jobTargetRef.template.spec', ['serviceAccountName', 'serviceAccount']),
  // Crossplane
  'credentials.source',
  ...under('credentials.webIdentity', ['roleARN', 'tokenConfig.source', 'tokenConfig.fs.path']),
  'assumeRole.roleARN',
  'assumeRoleARN',
  'assumeRoleWithWebIdentity.roleARN',
  // Vault Secrets Operator
  'aws.irsaServiceAccount',
  'allowedNamespaces',
  // Secrets Store CSI driver
  'parameters.usePodIdentity',
]);

/** Fields with one of a few words. Any other text is another word still. */
const SETTING = /(^|\.)(provider|identityOwner|source|usePodIdentity|type)$/;
const SETTINGS: ReadonlySet<string> = new Set(
  `aws aws-eks azure azure-workload gcp generic none sops ECRArtifactTag
  keda operator pod workload driver
  IRSA WebIdentity InjectedIdentity PodIdentity Upbound None Secret Environment Filesystem
  1 t T true TRUE True 0 f F false FALSE False`.split(/\s+/),
);

/** Returns a setting if it is a known word. */
const keptSetting = (value: string): string => (SETTINGS.has(value) ? value : NOT_RECORDED);

const keptText = (path: string, value: string): string => {
  if (path.endsWith('.audiences')) return keptAudience(value);
  return SETTING.test(path) ? keptSetting(value) : value;
};

/** Whether anything is selected by labels decides; the labels do not. */
const PRESENT: ReadonlySet<string> = new Set(['secretStoreRefs.labelSelector']);

const keptAt = (value: unknown, path: string): unknown => {
  if (PRESENT.has(path)) return value === undefined || value === null ? undefined : {};
  if (Array.isArray(value)) {
    const items: unknown[] = value.map((item: unknown) => keptAt(item, path)).filter((item) => item !== undefined);
    return items.length > 0 ? items : undefined;
  }
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
      const kept = keptAt(inner, path === '' ? key : `${path}.${key}`);
      return kept === undefined ? [] : [[key, kept] as const];
    });
    return fields.length > 0 ? Object.fromEntries(fields) : undefined;
  }
  if (!CONSUMER_FIELDS.has(path)) return undefined;
  if (typeof value === 'string') return keptText(path, value);
  return typeof value === 'boolean' ? value : undefined;
};

/** Returns the fields of a spec by which a consumer of a web identity is found, and nothing else. */
export const keptSpec = (spec: unknown): Record<string, unknown> => (keptAt(spec, '') ?? {}) as Record<string, unknown>;

const resourceList = z.looseObject({
  resources: listOf(z.looseObject({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});
const customObject = z.looseObject({
  kind: z.string().nullish(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().nullish() }),
  spec: z.unknown(),
});
const persistentVolume = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    csi: z.looseObject({ driver: z.string(), volumeAttributes: strings }).nullish(),
    claimRef: z.looseObject({ namespace: z.string(), name: z.string() }).nullish(),
  }),
});

/** Returns the definitions of the resources that the service looks for, with the versions that the API server serves. */
const readDefinitions = async (api: KubernetesApi): Promise<Definition[]> => {
  const wanted = new Set(CONSUMER_RESOURCES.map(({ group, plural }) => `${plural}.${group}`));
  const names = new Set(CONSUMER_RESOURCES.map(({ group }) => group));
  const { groups } = await api.call({ what: 'list API groups', method: 'GET', path: '/apis' }, apiGroups);
  const found = new Map<string, Definition>();
  for (const { name: group, versions } of groups.filter(({ name }) => names.has(name)))
    for (const { version } of versions) {
      const path = `/apis/${group}/${version}`;
      const what = `list the resources of ${group}/${version}`;
      const { resources } = await api.call({ what, method: 'GET', path }, resourceList);
      for (const { name: plural, kind, namespaced } of resources) {
        const key = `${plural}.${group}`;
        const known = found.get(key);
        if (known) known.versions.push(version);
        else if (wanted.has(key))
          found.set(key, { group, versions: [version], plural, kind, ...(namespaced ? {} : { namespaced }) });
      }
    }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, definition]) => definition);
};

const readObjects = async (
  reader: Reader,
  api: KubernetesApi,
  { group, plural, kind, versions }: Definition,
): Promise<CustomInput[]> => {
  const resource = `${plural}.${group}`;
  const [version = ''] = versions;
  reader.verbs.add(`list ${resource}`);
  const effect = 'in the rehearsal, none of them uses a service account';
  const path = `/apis/${group}/${version}/${plural}`;
  const read = async () =>
    (await unlessNotFound(() => api.list({ path, what: `list ${resource}` }, customObject))) ?? [];
  const items = await reader.attempt(`the ${resource}`, effect, [], read);
  return items
    .map(({ metadata: { name, namespace }, spec }) => ({
      apiVersion: `${group}/${version}`,
      kind,
      plural,
      ...(namespace ? { namespace } : {}),
      name,
      spec: keptSpec(spec),
    }))
    .filter(({ spec }) => Object.keys(spec).length > 0);
};

/** The driver whose volumes may use the identity of their pods. */
const MOUNTPOINT = 's3.csi.aws.com';

const readVolumes = async (reader: Reader, api: KubernetesApi): Promise<VolumeInput[]> => {
  reader.verbs.add('list persistentvolumes');
  const path = '/api/v1/persistentvolumes';
  const effect = 'in the rehearsal, no volume uses the identity of its pods';
  const items = await reader.attempt('the persistentvolumes', effect, [], () =>
    api.list({ path, what: 'list persistentvolumes' }, persistentVolume),
  );
  return items.flatMap(({ metadata: { name }, spec: { csi, claimRef } }): VolumeInput[] => {
    if (csi?.driver !== MOUNTPOINT) return [];
    const { authenticationSource } = csi.volumeAttributes;
    return [
      {
        name,
        driver: csi.driver,
        ...(authenticationSource === undefined
          ? {}
          : { volumeAttributes: { authenticationSource: keptSetting(authenticationSource) } }),
        ...(claimRef ? { claim: { namespace: claimRef.namespace, name: claimRef.name } } : {}),
      },
    ];
  });
};

/** Reads what uses web identities. What may not be read is noted, and left out. */
export const readRecordedConsumers = async (reader: Reader, api: KubernetesApi): Promise<RecordedConsumers> => {
  const effect = 'the rehearsal has no objects of products such as External Secrets';
  const definitions = await reader.attempt('the API groups', effect, [], () => readDefinitions(api));
  const objects: CustomInput[] = [];
  for (const definition of definitions) objects.push(...(await readObjects(reader, api, definition)));
  return { definitions, objects, volumes: await readVolumes(reader, api) };
};
