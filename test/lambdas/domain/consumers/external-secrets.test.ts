import { describe, expect, it } from 'vitest';
import { aContainer } from '../../fixtures.ts';
import { consumersIn, linesOf, anObject, podOf } from './cluster.ts';

const STORES = 'secretstores.external-secrets.io';
const CLUSTER_STORES = 'clustersecretstores.external-secrets.io';
const SECRETS = 'externalsecrets.external-secrets.io';
const PUSHES = 'pushsecrets.external-secrets.io';
const GENERATORS = 'clustergenerators.generators.external-secrets.io';

const HOW = 'gets tokens for it (spec.provider.aws.auth.jwt)';
const jwt = (serviceAccountRef: unknown): unknown => ({
  provider: { aws: { service: 'SecretsManager', region: 'eu-west-1', auth: { jwt: { serviceAccountRef } } } },
});

describe('SecretStore', () => {
  it('uses the service account of auth.jwt in its own namespace, whatever namespace the reference has', () => {
    const other = anObject('shop/other', jwt({ name: 'api', namespace: 'elsewhere' }));
    const objects = { [STORES]: [anObject('shop/aws', jwt({ name: 'api' })), other] };
    expect(linesOf({ objects })).toEqual([
      'SecretStore/shop/aws uses shop/api: annotation, trust',
      'SecretStore/shop/other uses shop/api: annotation, trust',
    ]);
    expect(consumersIn({ objects })[0]).toMatchObject({ resource: STORES, how: HOW });
  });

  it('uses none without auth.jwt: with the pods of the operator, with keys, or with another provider', () => {
    const spec = (auth: unknown): unknown => ({ provider: { aws: { region: 'eu-west-1', auth } } });
    const vault = { provider: { vault: { auth: { jwt: { kubernetesServiceAccountToken: {} } } } } };
    const objects = {
      [STORES]: [
        anObject('shop/own', { provider: { aws: { region: 'eu-west-1', role: 'arn:aws:iam::111122223333:role/a' } } }),
        anObject('shop/empty', spec({})),
        anObject('shop/keys', spec({ secretRef: { accessKeyIDSecretRef: { name: 'aws', key: 'id' } } })),
        anObject('shop/null', spec({ jwt: null })),
        anObject('shop/vault', vault),
        anObject('shop/gcp', { provider: { gcpsm: { auth: { workloadIdentity: { serviceAccountRef: {} } } } } }),
      ],
    };
    expect(linesOf({ objects })).toEqual([]);
  });

  it('uses the service account of the IAM authentication of Vault', () => {
    const iam = { jwt: { serviceAccountRef: { name: 'api' } }, vaultRole: 'shop' };
    const objects = { [STORES]: [anObject('shop/vault', { provider: { vault: { auth: { iam } } } })] };
    expect(linesOf({ objects })).toEqual(['SecretStore/shop/vault uses shop/api: annotation, trust']);
  });

  const odd = [undefined, {}, { name: 7 }, 'api', []];
  it.each(odd)('may use any service account of its namespace if its reference is %j', (reference) => {
    const objects = { [STORES]: [anObject('shop/aws', jwt(reference))] };
    expect(linesOf({ objects })).toEqual(['SecretStore/shop/aws uses shop/*: annotation, trust']);
  });
});

describe('ClusterSecretStore', () => {
  const secret = (name: string, spec: unknown): unknown => anObject(name, spec);
  const ref = (name: string): unknown => ({ name, kind: 'ClusterSecretStore' });

  it('uses the service account in the namespace that it names', () => {
    const objects = {
      [CLUSTER_STORES]: [anObject('aws', jwt({ name: 'api', namespace: 'shop' }))],
      [SECRETS]: [secret('other/db', { secretStoreRef: ref('aws') })],
    };
    expect(linesOf({ objects })).toEqual(['ClusterSecretStore/aws uses shop/api: annotation, trust']);
  });

  it('without a namespace, uses the service account in each namespace of what refers to it', () => {
    const objects = {
      [CLUSTER_STORES]: [anObject('aws', jwt({ name: 'api' }))],
      [SECRETS]: [
        secret('shop/db', { secretStoreRef: ref('aws') }),
        secret('shop/mail', { data: [{ sourceRef: { storeRef: ref('aws') } }] }),
        secret('bank/keys', { dataFrom: [{ sourceRef: { storeRef: ref('aws') } }] }),
        // A SecretStore of the same name, and another cluster-wide store.
        secret('garden/db', { secretStoreRef: { name: 'aws' } }),
        secret('office/db', { secretStoreRef: ref('gcp') }),
      ],
      [PUSHES]: [secret('push/db', { secretStoreRefs: [ref('aws')] })],
    };
    expect(linesOf({ objects })).toEqual([
      'ClusterSecretStore/aws uses bank/api: annotation, trust',
      'ClusterSecretStore/aws uses push/api: annotation, trust',
      'ClusterSecretStore/aws uses shop/api: annotation, trust',
    ]);
    const users = 'ExternalSecret/shop/db, ExternalSecret/shop/mail';
    expect(consumersIn({ objects }).at(-1)?.how).toBe(`${HOW} for ${users}`);
  });

  it('is looked up in the namespace of a PushSecret that pushes all of a Secret to it', () => {
    const objects = {
      [CLUSTER_STORES]: [anObject('aws', jwt({ name: 'api' }))],
      [PUSHES]: [secret('push/db', { dataTo: [{ storeRef: ref('aws') }] })],
    };
    expect(linesOf({ objects })).toEqual(['ClusterSecretStore/aws uses push/api: annotation, trust']);
  });

  it('is found with many others by one look at each object that uses stores', () => {
    let reads = 0;
    const counted = (name: string): unknown => ({
      metadata: { namespace: 'shop', name },
      get spec(): unknown {
        reads += 1;
        return { secretStoreRef: ref('store-7') };
      },
    });
    const found = (stores: number): string[] => {
      reads = 0;
      const all = Array.from({ length: stores }, (_, index) => anObject(`store-${index}`, jwt({ name: 'api' })));
      const secrets = Array.from({ length: 9 }, (_, at) => counted(`db-${at}`));
      return linesOf({ objects: { [CLUSTER_STORES]: all, [SECRETS]: secrets } });
    };
    expect(found(8)).toEqual(['ClusterSecretStore/store-7 uses shop/api: annotation, trust']);
    const few = reads;
    found(200);
    expect(reads).toBe(few);
  });

  it('counts a selector of stores as a reference to each of the kind', () => {
    const selector = { kind: 'ClusterSecretStore', labelSelector: { matchLabels: {} } };
    const objects = {
      [CLUSTER_STORES]: [anObject('aws', jwt({ name: 'api' }))],
      [PUSHES]: [secret('push/db', { secretStoreRefs: [selector] })],
    };
    expect(linesOf({ objects })).toEqual(['ClusterSecretStore/aws uses push/api: annotation, trust']);
  });

  it('without a namespace, uses none if nothing refers to it', () =>
    expect(linesOf({ objects: { [CLUSTER_STORES]: [anObject('aws', jwt({ name: 'api' }))] } })).toEqual([]));

  it.each([SECRETS, PUSHES])('may use it in any namespace if %s could not be read', (unread) => {
    const objects = { [CLUSTER_STORES]: [anObject('aws', jwt({ name: 'api' }))] };
    expect(linesOf({ objects, unread: [unread] })).toEqual(['ClusterSecretStore/aws uses */api: annotation, trust']);
  });
});

describe('generators', () => {
  it.each(['ECRAuthorizationToken', 'CodeArtifactAuthorizationToken'])(
    '%s uses the service account of auth.jwt in its own namespace',
    (kind) => {
      const objects = {
        [`${kind.toLowerCase()}s.generators.external-secrets.io`]: [
          anObject('shop/aws', { region: 'eu-west-1', auth: { jwt: { serviceAccountRef: { name: 'api' } } } }),
          anObject('shop/own', { region: 'eu-west-1' }),
        ],
      };
      expect(linesOf({ objects })).toEqual([`${kind}/shop/aws uses shop/api: annotation, trust`]);
    },
  );

  it('VaultDynamicSecret uses that of the IAM authentication', () => {
    const provider = { auth: { iam: { jwt: { serviceAccountRef: { name: 'api' } } } } };
    const objects = { 'vaultdynamicsecrets.generators.external-secrets.io': [anObject('shop/db', { provider })] };
    expect(linesOf({ objects })).toEqual(['VaultDynamicSecret/shop/db uses shop/api: annotation, trust']);
  });

  it.each(['ecrAuthorizationTokenSpec', 'ecrRAuthorizationTokenSpec', 'codeArtifactAuthorizationTokenSpec'])(
    'ClusterGenerator uses it in the namespaces of what refers to it: %s',
    (field) => {
      const auth = { jwt: { serviceAccountRef: { name: 'api', namespace: 'ignored' } } };
      const generatorRef = { kind: 'ClusterGenerator', name: 'ecr' };
      const objects = {
        [GENERATORS]: [
          anObject('ecr', { kind: 'ECRAuthorizationToken', generator: { [field]: { auth } } }),
          anObject('own', { kind: 'ECRAuthorizationToken', generator: { [field]: {} } }),
        ],
        [SECRETS]: [anObject('shop/pull', { dataFrom: [{ sourceRef: { generatorRef } }] })],
        [PUSHES]: [anObject('push/pull', { selector: { generatorRef } })],
      };
      expect(linesOf({ objects })).toEqual([
        'ClusterGenerator/ecr uses push/api: annotation, trust',
        'ClusterGenerator/ecr uses shop/api: annotation, trust',
      ]);
    },
  );
});

describe('Vault with the identity of the operator', () => {
  const store = (iam: unknown): unknown => ({ provider: { vault: { auth: { iam } } } });
  const objects = {
    [STORES]: [
      anObject('shop/own', store({ vaultRole: 'shop' })),
      anObject('shop/keys', store({ secretRef: { accessKeyIDSecretRef: {} } })),
    ],
  };
  const operator = (image: string, name = 'external-secrets'): ReturnType<typeof podOf> => {
    const labels = { 'app.kubernetes.io/name': name };
    return podOf('external-secrets', name, { labels, containers: [aContainer({ image })] });
  };
  const IMAGE = 'ghcr.io/external-secrets/external-secrets';

  it.each([
    [`${IMAGE}:v0.19.2`, true],
    [`${IMAGE}:v0.20.0`, false],
    [`${IMAGE}:v2.1.0`, false],
    [`${IMAGE}@sha256:${'a'.repeat(64)}`, true],
    ['registry.example.com/mirror/eso:v1', true],
  ])('needs the IRSA environment of its pods with %s: %s', (image, needs) =>
    expect(linesOf({ objects, pods: [operator(image)] })).toEqual(
      needs ? ['SecretStore/shop/own uses external-secrets/external-secrets: pods'] : [],
    ),
  );

  it('needs nothing of the webhook and the controller of certificates, which have the same image', () => {
    const names = ['external-secrets-webhook', 'external-secrets-cert-controller'];
    const pods = names.map((name) => operator(`${IMAGE}:v0.19.2`, name));
    expect(linesOf({ objects, pods })).toEqual([]);
  });
});
