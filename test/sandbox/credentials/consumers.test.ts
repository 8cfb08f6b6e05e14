/** Consumers of web identities, as the sandbox plays them: what each gets now, and what takes it away. */
import { describe, expect, it } from 'vitest';
import { consumersIn } from '../../../sandbox/credentials/consumers/index.ts';
import { ROLE_ANNOTATION } from '../../../sandbox/kubernetes/webhook.ts';
import { getObject } from '../../../sandbox/kubernetes/store.ts';
import type { KubeObject } from '../../../sandbox/kubernetes/objects.ts';
import { buildWorld, parseScenario } from '../../../sandbox/world/load.ts';
import type { ScenarioInput } from '../../../sandbox/world/scenario.ts';
import { findCluster, findRole, type ClusterState, type World } from '../../../sandbox/world/world.ts';
import { ACCOUNT, REGION } from '../support.ts';
import { ISSUER, OIDC } from './support.ts';

type ClusterInput = NonNullable<ScenarioInput['accounts'][number]['clusters']>[number];
type CustomInput = NonNullable<ClusterInput['customResources']>[number];

const ROLE = `arn:aws:iam::${ACCOUNT}:role/shop`;
const CREATED = '2025-06-01T00:00:00.000Z';
/** Any service account of the cluster. */
const TRUST = {
  Effect: 'Allow',
  Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${ISSUER}` },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition: {
    StringLike: { [`${ISSUER}:sub`]: 'system:serviceaccount:*:*', [`${ISSUER}:aud`]: 'sts.amazonaws.com' },
  },
};
const POD_IDENTITY = {
  Effect: 'Allow',
  Principal: { Service: 'pods.eks.amazonaws.com' },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
};

interface Stage {
  world: World;
  cluster: ClusterState;
}
const opened = (cluster: Partial<ClusterInput>): Stage => {
  const world = buildWorld(
    parseScenario(
      {
        accounts: [
          {
            id: ACCOUNT,
            roles: [{ arn: ROLE, trustPolicy: { Version: '2012-10-17', Statement: [TRUST, POD_IDENTITY] } }],
            clusters: [
              {
                name: 'dev',
                region: REGION,
                version: '1.31',
                oidcId: OIDC,
                addons: [{ name: 'eks-pod-identity-agent', version: 'v1.3.4-eksbuild.1' }],
                ...cluster,
              },
            ],
          },
        ],
      },
      'test',
    ),
  );
  return { world, cluster: findCluster(world, ACCOUNT, REGION, 'dev')! };
};

const annotated = (namespace: string, name: string) => ({
  namespace,
  name,
  annotations: { [ROLE_ANNOTATION]: ROLE },
});
const API = annotated('shop', 'api');
const deployment = (more: Partial<NonNullable<ClusterInput['workloads']>[number]> = {}) => ({
  kind: 'Deployment' as const,
  namespace: 'shop',
  name: 'api',
  serviceAccount: 'api',
  createdAt: CREATED,
  ...more,
});
const custom = (apiVersion: string, kind: string, plural: string, more: Partial<CustomInput>): CustomInput => ({
  apiVersion,
  kind,
  plural,
  name: 'aws',
  ...more,
});

const accountOf = ({ cluster }: Stage, namespace: string, name: string): KubeObject =>
  getObject(cluster.kube, 'ServiceAccount', namespace, name)!;
const removeAnnotation = (stage: Stage, namespace: string, name: string): void => {
  accountOf(stage, namespace, name).metadata.annotations = {};
};
const retire = ({ world }: Stage): void => {
  findRole(world, ROLE)!.trustPolicy = JSON.stringify({ Version: '2012-10-17', Statement: [POD_IDENTITY] });
};
const seen = ({ world, cluster }: Stage): [string, string, boolean][] =>
  consumersIn(world, cluster).map(({ name, serviceAccount, works }) => [
    name,
    `${serviceAccount.namespace}/${serviceAccount.name}`,
    works,
  ]);
const ES = 'external-secrets.io/v1';
const store = (kind: 'SecretStore' | 'ClusterSecretStore', more: Partial<CustomInput> = {}): CustomInput =>
  custom(ES, kind, kind === 'SecretStore' ? 'secretstores' : 'clustersecretstores', {
    ...(kind === 'SecretStore' ? { namespace: 'shop' } : {}),
    spec: { provider: { aws: { region: REGION, auth: { jwt: { serviceAccountRef: { name: 'api' } } } } } },
    ...more,
  });
const flux = (group: string, kind: string, plural: string, spec: Record<string, unknown>): CustomInput =>
  custom(group, kind, plural, { namespace: 'shop', spec });

const solvers = (role?: string) => ({
  acme: {
    solvers: [
      {
        dns01: {
          route53: {
            auth: { kubernetes: { serviceAccountRef: { name: 'api' } } },
            ...(role === undefined ? {} : { role }),
          },
        },
      },
    ],
  },
});
const keda = (podIdentity: object): CustomInput[] => [
  custom('keda.sh/v1alpha1', 'TriggerAuthentication', 'triggerauthentications', {
    namespace: 'shop',
    spec: { podIdentity },
  }),
  custom('keda.sh/v1alpha1', 'ScaledObject', 'scaledobjects', {
    namespace: 'shop',
    name: 'api',
    spec: {
      scaleTargetRef: { name: 'api' },
      triggers: [{ type: 'aws-sqs-queue', authenticationRef: { name: 'aws' } }],
    },
  }),
];
const secretClass = (parameters: Record<string, string>): CustomInput =>
  custom('secrets-store.csi.x-k8s.io/v1', 'SecretProviderClass', 'secretproviderclasses', {
    namespace: 'shop',
    spec: { provider: 'aws', parameters },
  });
const mounting = deployment({ volumes: [{ name: 'secrets', mountPath: '/secrets', secretProviderClass: 'aws' }] });

/** What is there, the consumer's name, and whether it still works without the annotation, and without the OIDC trust. */
const PRODUCTS: [string, Partial<ClusterInput>, { name: string; unannotated: boolean; untrusted: boolean }][] = [
  [
    'a SecretStore',
    { customResources: [store('SecretStore')] },
    { name: 'SecretStore/shop/aws', unannotated: false, untrusted: false },
  ],
  [
    'a SecretStore for Vault',
    {
      customResources: [
        store('SecretStore', {
          spec: { provider: { vault: { auth: { iam: { jwt: { serviceAccountRef: { name: 'api' } } } } } } },
        }),
      ],
    },
    { name: 'SecretStore/shop/aws', unannotated: false, untrusted: false },
  ],
  [
    'a ClusterSecretStore that names the namespace',
    {
      customResources: [
        store('ClusterSecretStore', {
          spec: { provider: { aws: { auth: { jwt: { serviceAccountRef: { name: 'api', namespace: 'shop' } } } } } },
        }),
      ],
    },
    { name: 'ClusterSecretStore/aws', unannotated: false, untrusted: false },
  ],
  [
    'a ClusterSecretStore that an ExternalSecret uses',
    {
      customResources: [
        store('ClusterSecretStore'),
        custom(ES, 'ExternalSecret', 'externalsecrets', {
          namespace: 'shop',
          spec: { secretStoreRef: { kind: 'ClusterSecretStore', name: 'aws' } },
        }),
      ],
    },
    { name: 'ClusterSecretStore/aws', unannotated: false, untrusted: false },
  ],
  [
    'a generator of ECR tokens',
    {
      customResources: [
        custom('generators.external-secrets.io/v1alpha1', 'ECRAuthorizationToken', 'ecrauthorizationtokens', {
          namespace: 'shop',
          spec: { auth: { jwt: { serviceAccountRef: { name: 'api' } } } },
        }),
      ],
    },
    { name: 'ECRAuthorizationToken/shop/aws', unannotated: false, untrusted: false },
  ],
  [
    'an Issuer',
    {
      customResources: [custom('cert-manager.io/v1', 'Issuer', 'issuers', { namespace: 'shop', spec: solvers(ROLE) })],
    },
    { name: 'Issuer/shop/aws', unannotated: true, untrusted: false },
  ],
  [
    'a Bucket of Flux',
    {
      customResources: [
        flux('source.toolkit.fluxcd.io/v1', 'Bucket', 'buckets', { provider: 'aws', serviceAccountName: 'api' }),
      ],
    },
    { name: 'Bucket/shop/aws', unannotated: false, untrusted: false },
  ],
  [
    'a Kustomization of Flux that decrypts',
    {
      customResources: [
        flux('kustomize.toolkit.fluxcd.io/v1', 'Kustomization', 'kustomizations', {
          decryption: { provider: 'sops', serviceAccountName: 'api' },
        }),
      ],
    },
    { name: 'Kustomization/shop/aws', unannotated: false, untrusted: false },
  ],
  [
    'a TriggerAuthentication of the workload',
    { customResources: keda({ provider: 'aws', identityOwner: 'workload' }) },
    { name: 'TriggerAuthentication/shop/aws', unannotated: false, untrusted: true },
  ],
  [
    'a TriggerAuthentication of the deprecated provider',
    { customResources: keda({ provider: 'aws-eks' }) },
    { name: 'TriggerAuthentication/shop/aws', unannotated: false, untrusted: true },
  ],
  [
    'a SecretProviderClass',
    { customResources: [secretClass({})], workloads: [mounting] },
    { name: 'SecretProviderClass/shop/aws', unannotated: false, untrusted: false },
  ],
  [
    'a token of its own',
    {
      workloads: [
        deployment({
          volumes: [{ name: 'aws', mountPath: '/aws', token: { audience: 'sts.amazonaws.com', path: 'token' } }],
          containers: [
            {
              name: 'api',
              image: 'api',
              env: [
                { name: 'AWS_ROLE_ARN', value: ROLE },
                { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: '/aws/token' },
              ],
            },
          ],
        }),
      ],
    },
    { name: 'Deployment/shop/api', unannotated: true, untrusted: false },
  ],
];

describe('a played consumer', () => {
  it.each(PRODUCTS)('%s', (_, cluster, { name, unannotated, untrusted }) => {
    const open = (): Stage => opened({ serviceAccounts: [API], workloads: [deployment()], ...cluster });
    const now = open();
    expect(seen(now)).toEqual([[name, 'shop/api', true]]);
    expect(consumersIn(now.world, now.cluster)[0]).toMatchObject({ role: ROLE });
    const withoutAnnotation = open();
    removeAnnotation(withoutAnnotation, 'shop', 'api');
    expect(seen(withoutAnnotation)).toEqual([[name, 'shop/api', unannotated]]);
    const withoutTrust = open();
    retire(withoutTrust);
    expect(seen(withoutTrust)).toEqual([[name, 'shop/api', untrusted]]);
  });

  it.each<[string, Partial<ClusterInput>]>([
    [
      'a store without jwt',
      { customResources: [store('SecretStore', { spec: { provider: { aws: { region: 'x' } } } })] },
    ],
    ['a ClusterSecretStore that nothing uses', { customResources: [store('ClusterSecretStore')] }],
    [
      'an OCIRepository for another registry',
      {
        customResources: [
          flux('source.toolkit.fluxcd.io/v1', 'OCIRepository', 'ocirepositories', { serviceAccountName: 'api' }),
        ],
      },
    ],
    ["a TriggerAuthentication with KEDA's own role", { customResources: keda({ provider: 'aws' }) }],
    [
      'a SecretProviderClass that uses EKS Pod Identity',
      { customResources: [secretClass({ usePodIdentity: 'true' })], workloads: [mounting] },
    ],
    ['a SecretProviderClass that nothing mounts', { customResources: [secretClass({})] }],
    [
      'an Issuer without a service account',
      {
        customResources: [
          custom('cert-manager.io/v1', 'Issuer', 'issuers', {
            namespace: 'shop',
            spec: { acme: { solvers: [{ dns01: { route53: { role: ROLE } } }] } },
          }),
        ],
      },
    ],
  ])('%s is none', (_, cluster) => {
    expect(seen(opened({ serviceAccounts: [API], workloads: [deployment()], ...cluster }))).toEqual([]);
  });

  it('is listed once for each namespace that uses a ClusterSecretStore', () => {
    const user = (namespace: string, kind: string): CustomInput =>
      custom(ES, 'ExternalSecret', 'externalsecrets', {
        namespace,
        name: 'db',
        spec: { dataFrom: [{ sourceRef: { storeRef: { kind, name: 'aws' } } }] },
      });
    const stage = opened({
      serviceAccounts: [API],
      customResources: [
        store('ClusterSecretStore'),
        user('shop', 'ClusterSecretStore'),
        user('blog', 'ClusterSecretStore'),
        user('docs', 'SecretStore'),
      ],
    });
    expect(seen(stage)).toEqual([
      ['ClusterSecretStore/aws', 'blog/api', false],
      ['ClusterSecretStore/aws', 'shop/api', true],
    ]);
    expect(consumersIn(stage.world, stage.cluster)[0]?.why).toBe('serviceaccounts "api" not found');
  });

  it('asks for a token with the audiences of the annotation and of the reference', () => {
    const audiences = (own: string[]): CustomInput =>
      store('SecretStore', {
        spec: { provider: { aws: { auth: { jwt: { serviceAccountRef: { name: 'api', audiences: own } } } } } },
      });
    const account = { ...API, annotations: { ...API.annotations, 'eks.amazonaws.com/audience': 'vault' } };
    const without = opened({ serviceAccounts: [account], customResources: [audiences([])] });
    expect(consumersIn(without.world, without.cluster)).toMatchObject([
      { works: false, why: 'InvalidIdentityToken: Incorrect token audience' },
    ]);
    expect(seen(opened({ serviceAccounts: [account], customResources: [audiences(['sts.amazonaws.com'])] }))).toEqual([
      ['SecretStore/shop/aws', 'shop/api', true],
    ]);
  });

  it('of a ClusterIssuer uses the namespace of cert-manager', () => {
    const issuer = custom('cert-manager.io/v1', 'ClusterIssuer', 'clusterissuers', { spec: solvers(ROLE) });
    const stage = opened({ serviceAccounts: [annotated('cert-manager', 'api')], customResources: [issuer] });
    expect(seen(stage)).toEqual([['ClusterIssuer/aws', 'cert-manager/api', true]]);
  });

  it('says what STS answers', () => {
    const stage = opened({ serviceAccounts: [API], customResources: [store('SecretStore')] });
    retire(stage);
    expect(consumersIn(stage.world, stage.cluster)).toEqual([
      {
        name: 'SecretStore/shop/aws',
        serviceAccount: { namespace: 'shop', name: 'api' },
        works: false,
        why: 'AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity',
        role: ROLE,
      },
    ]);
  });
});

describe('KEDA with an operator in the cluster', () => {
  const operator = (annotations: Record<string, string>): Partial<ClusterInput> => ({
    serviceAccounts: [API],
    customResources: keda({ provider: 'aws', identityOwner: 'workload' }),
    workloads: [
      deployment(),
      {
        kind: 'Deployment',
        namespace: 'keda',
        name: 'keda-operator',
        serviceAccount: 'keda-operator',
        serviceAccountAnnotations: annotations,
        labels: { 'app.kubernetes.io/name': 'keda-operator' },
        createdAt: CREATED,
      },
    ],
  });

  it('uses its own token, so that the trust of its own service account counts', () => {
    const stage = opened(operator({ [ROLE_ANNOTATION]: `arn:aws:iam::${ACCOUNT}:role/keda` }));
    expect(seen(stage)).toEqual([['TriggerAuthentication/shop/aws', 'shop/api', true]]);
    retire(stage);
    expect(seen(stage)).toEqual([['TriggerAuthentication/shop/aws', 'shop/api', false]]);
  });
});

describe('Crossplane', () => {
  const provider = (source: object, more: object = {}): Partial<ClusterInput> => ({
    serviceAccounts: [annotated('crossplane-system', 'provider-aws')],
    customResources: [
      custom('aws.upbound.io/v1beta1', 'ProviderConfig', 'providerconfigs', { spec: { credentials: source } }),
    ],
    workloads: [
      {
        kind: 'Deployment',
        namespace: 'crossplane-system',
        name: 'provider-aws-s3',
        serviceAccount: 'provider-aws',
        labels: { 'pkg.crossplane.io/provider': 'provider-aws-s3' },
        createdAt: CREATED,
      },
    ],
    ...more,
  });
  const association = {
    associations: [
      {
        namespace: 'crossplane-system',
        serviceAccount: 'provider-aws',
        roleArn: ROLE,
        createdAt: '2025-05-01T00:00:00.000Z',
      },
    ],
  };
  const WEB = { source: 'WebIdentity', webIdentity: { roleARN: ROLE } };
  const NAME = ['ProviderConfig/aws', 'crossplane-system/provider-aws'] as const;

  it.each([
    ['IRSA', { source: 'IRSA' }, true],
    ['PodIdentity', { source: 'PodIdentity' }, true],
    ['WebIdentity', WEB, false],
  ])('with the source %s works with EKS Pod Identity: %o, %s', (_, source, works) => {
    expect(seen(opened(provider(source)))).toEqual([[...NAME, true]]);
    expect(seen(opened(provider(source, association)))).toEqual([[...NAME, works]]);
  });

  it.each([
    ['Secret', { source: 'Secret' }],
    ['Upbound', { source: 'Upbound' }],
  ])('with the source %s is none', (_, source) => {
    expect(seen(opened(provider(source)))).toEqual([]);
  });
});

describe('Mountpoint for Amazon S3', () => {
  const volume = (authenticationSource: string) => ({
    name: 'assets',
    driver: 's3.csi.aws.com',
    volumeAttributes: { bucketName: 'assets', authenticationSource },
    claim: { namespace: 'shop', name: 'assets' },
  });
  const mounted = (more: Partial<ClusterInput> = {}): Stage =>
    opened({
      serviceAccounts: [API],
      persistentVolumes: [volume('pod')],
      workloads: [deployment({ volumes: [{ name: 'assets', mountPath: '/assets', claim: 'assets' }] })],
      ...more,
    });
  const association = {
    namespace: 'shop',
    serviceAccount: 'api',
    roleArn: ROLE,
    createdAt: '2025-05-01T00:00:00.000Z',
  };
  const NAME = ['PersistentVolume/assets', 'shop/api'] as const;

  it('keeps the role that it read when it mounted, until the trust is gone', () => {
    const stage = mounted({ associations: [association] });
    expect(seen(stage)).toEqual([[...NAME, true]]);
    removeAnnotation(stage, 'shop', 'api');
    expect(seen(stage)).toEqual([[...NAME, true]]);
    retire(stage);
    expect(seen(stage)).toEqual([[...NAME, false]]);
  });

  it('uses EKS Pod Identity if there was no annotation when it mounted', () => {
    expect(seen(mounted({ serviceAccounts: [], associations: [association] }))).toEqual([[...NAME, true]]);
    expect(seen(mounted({ serviceAccounts: [] }))).toEqual([[...NAME, false]]);
  });

  it('reads the annotation each time in version 1', () => {
    const stage = mounted({
      addons: [{ name: 'aws-mountpoint-s3-csi-driver', version: 'v1.15.0-eksbuild.1' }],
      associations: [association],
    });
    expect(seen(stage)).toEqual([[...NAME, true]]);
    removeAnnotation(stage, 'shop', 'api');
    expect(seen(stage)).toEqual([[...NAME, false]]);
  });

  it("is none with the driver's own role", () => {
    expect(seen(mounted({ persistentVolumes: [volume('driver')] }))).toEqual([]);
  });
});
