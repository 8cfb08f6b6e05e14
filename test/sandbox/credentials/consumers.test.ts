/** Consumers of web identities, as the sandbox plays them: what each gets now, and what takes it away. */
import { describe, expect, it } from 'vitest';
import { consumersIn } from '../../../sandbox/consumers/index.ts';
import {
  API,
  ES,
  ROLE,
  annotated,
  custom,
  deployment,
  flux,
  issuer,
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

type Works = { unannotated?: true; untrusted?: true };
const using = (...customResources: CustomInput[]): Partial<ClusterInput> => ({ customResources });
const api = { serviceAccountRef: { name: 'api' } };
const storeFor = (kind: 'SecretStore' | 'ClusterSecretStore', provider: object) => store(kind, { spec: { provider } });
const vault = storeFor('SecretStore', { vault: { auth: { iam: { jwt: api } } } });
const inShop = { name: 'api', namespace: 'shop' };
const named = storeFor('ClusterSecretStore', { aws: { auth: { jwt: { serviceAccountRef: inShop } } } });
const external = (spec: object, namespace = 'shop', name = 'aws'): CustomInput =>
  custom(ES, 'ExternalSecret', 'externalsecrets', { namespace, name, spec: spec as CustomInput['spec'] });
const secret = external({ secretStoreRef: { kind: 'ClusterSecretStore', name: 'aws' } });
const generator = flux('generators.external-secrets.io/v1alpha1', 'ECRAuthorizationToken', 'ecrauthorizationtokens', {
  auth: { jwt: api },
});
const vaultAuth = flux('secrets.hashicorp.com/v1beta1', 'VaultAuth', 'vaultauths', {
  method: 'aws',
  aws: { irsaServiceAccount: 'api' },
});
const ofFlux = { provider: 'aws', serviceAccountName: 'api' };
const bucket = flux('source.toolkit.fluxcd.io/v1', 'Bucket', 'buckets', ofFlux);
const decryption = { provider: 'sops', serviceAccountName: 'api' };
const kustomization = flux('kustomize.toolkit.fluxcd.io/v1', 'Kustomization', 'kustomizations', { decryption });
const registry = flux('source.toolkit.fluxcd.io/v1', 'OCIRepository', 'ocirepositories', { serviceAccountName: 'api' });
const withToken = deployment({
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
});
const workload = using(...keda({ provider: 'aws', identityOwner: 'workload' }));
const vaultIssuer = issuer({ vault: { auth: { aws: { ...api, iamRoleArn: ROLE } } } });

/** What is there, the consumer's name, and whether it still works without the annotation, and without the OIDC trust. */
const PRODUCTS: [string, Partial<ClusterInput>, name: string, Works?][] = [
  ['a SecretStore', using(store('SecretStore')), 'SecretStore/shop/aws'],
  ['a SecretStore for Vault', using(vault), 'SecretStore/shop/aws'],
  ['a ClusterSecretStore that names the namespace', using(named), 'ClusterSecretStore/aws'],
  [
    'a ClusterSecretStore that an ExternalSecret uses',
    using(store('ClusterSecretStore'), secret),
    'ClusterSecretStore/aws',
  ],
  ['a generator of ECR tokens', using(generator), 'ECRAuthorizationToken/shop/aws'],
  ['an Issuer', using(issuer(solvers(ROLE))), 'Issuer/shop/aws', { unannotated: true }],
  ['an Issuer for Vault', using(vaultIssuer), 'Issuer/shop/aws', { unannotated: true }],
  ['a VaultAuth', using(vaultAuth), 'VaultAuth/shop/aws'],
  ['a Bucket of Flux', using(bucket), 'Bucket/shop/aws'],
  ['a Kustomization of Flux that decrypts', using(kustomization), 'Kustomization/shop/aws'],
  ['a TriggerAuthentication of the workload', workload, 'TriggerAuthentication/shop/aws', { untrusted: true }],
  [
    'a TriggerAuthentication of the deprecated provider',
    using(...keda({ provider: 'aws-eks' })),
    'TriggerAuthentication/shop/aws',
    { untrusted: true },
  ],
  ['a SecretProviderClass', { ...using(secretClass({})), workloads: [mounting] }, 'SecretProviderClass/shop/aws'],
  ['a token of its own', { workloads: [withToken] }, 'Deployment/shop/api', { unannotated: true }],
];

describe('a played consumer', () => {
  it.each(PRODUCTS)('%s', (_, cluster, name, { unannotated = false, untrusted = false } = {}) => {
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

  const podIdentity = secretClass({ usePodIdentity: 'true' });
  const anonymous = issuer({ acme: { solvers: [{ dns01: { route53: { role: ROLE } } }] } });
  it.each<[string, Partial<ClusterInput>]>([
    ['a store without jwt', using(storeFor('SecretStore', { aws: { region: 'x' } }))],
    ['a ClusterSecretStore that nothing uses', using(store('ClusterSecretStore'))],
    ['an OCIRepository for another registry', using(registry)],
    ["a TriggerAuthentication with KEDA's own role", using(...keda({ provider: 'aws' }))],
    ['a SecretProviderClass that uses EKS Pod Identity', { ...using(podIdentity), workloads: [mounting] }],
    ['a SecretProviderClass that nothing mounts', using(secretClass({}))],
    ['an Issuer without a service account', using(anonymous)],
  ])('%s is none', (_, cluster) =>
    expect(seen(opened({ serviceAccounts: [API], workloads: [deployment()], ...cluster }))).toEqual([]),
  );

  it('is listed once for each namespace that uses a ClusterSecretStore', () => {
    const user = (namespace: string, kind: string): CustomInput =>
      external({ dataFrom: [{ sourceRef: { storeRef: { kind, name: 'aws' } } }] }, namespace, 'db');
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
      storeFor('SecretStore', { aws: { auth: { jwt: { serviceAccountRef: { name: 'api', audiences: own } } } } });
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
    const cluster = custom('cert-manager.io/v1', 'ClusterIssuer', 'clusterissuers', { spec: solvers(ROLE) });
    const stage = opened({ serviceAccounts: [annotated('cert-manager', 'api')], customResources: [cluster] });
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
