/** Consumers of web identities, as the sandbox plays them: what each gets now, and what takes it away. */
import { describe, expect, it } from 'vitest';
import { consumersIn } from '../../../sandbox/credentials/consumers/index.ts';
import {
  API,
  ES,
  ROLE,
  annotated,
  custom,
  deployment,
  flux,
  keda,
  mounting,
  opened,
  removeAnnotation,
  retire,
  secretClass,
  seen,
  solvers,
  store,
  type ClusterInput,
  type CustomInput,
  type Stage,
} from './consumer-support.ts';

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
    'an Issuer for Vault',
    {
      customResources: [
        custom('cert-manager.io/v1', 'Issuer', 'issuers', {
          namespace: 'shop',
          spec: { vault: { auth: { aws: { serviceAccountRef: { name: 'api' }, iamRoleArn: ROLE } } } },
        }),
      ],
    },
    { name: 'Issuer/shop/aws', unannotated: true, untrusted: false },
  ],
  [
    'a VaultAuth',
    {
      customResources: [
        custom('secrets.hashicorp.com/v1beta1', 'VaultAuth', 'vaultauths', {
          namespace: 'shop',
          spec: { method: 'aws', aws: { irsaServiceAccount: 'api' } },
        }),
      ],
    },
    { name: 'VaultAuth/shop/aws', unannotated: false, untrusted: false },
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
