import { findConsumers } from '../../../../lambdas/domain/consumers/find.ts';
import { describe, expect, it } from 'vitest';
import { aContainer, aPod, aWorkload, envOf, mountsOf, TOKENS } from '../../fixtures.ts';
import { anObject, consumersIn, linesOf, podOf } from './cluster.ts';

const ROLE_ARN = 'arn:aws:iam::111122223333:role/a';

describe('Crossplane', () => {
  const UPJET = 'providerconfigs.aws.upbound.io';
  const CLASSIC = 'providerconfigs.aws.crossplane.io';
  const labelled = (provider: string) => ({ labels: { 'pkg.crossplane.io/provider': provider } });
  const provider = podOf('crossplane-system', 'provider-aws-s3', labelled('provider-aws-s3'));
  const credentials = (source: string, more: object = {}): unknown => ({ credentials: { source, ...more } });
  const webIdentity = { roleARN: ROLE_ARN };

  it.each([
    ['ProviderConfig/default', UPJET, 'default'],
    ['ProviderConfig/shop/default', 'providerconfigs.aws.m.upbound.io', 'shop/default'],
    ['ClusterProviderConfig/default', 'clusterproviderconfigs.aws.m.upbound.io', 'default'],
  ])('%s with the source IRSA needs the IRSA environment of the pods', (text, resource, name) => {
    const objects = { [resource]: [anObject(name, credentials('IRSA'))] };
    expect(linesOf({ objects, pods: [provider] })).toEqual([`${text} uses crossplane-system/provider-aws-s3: pods`]);
  });

  it('needs the trust of the role of a web identity too, and that alone with a token of its own', () => {
    const byToken = { webIdentity: { ...webIdentity, tokenConfig: { source: 'Filesystem' } } };
    const injected = { credentials: { source: 'InjectedIdentity' }, assumeRoleWithWebIdentity: webIdentity };
    const objects = {
      [UPJET]: Object.entries({ web: { webIdentity }, token: byToken }).map(([name, more]) =>
        anObject(name, credentials('WebIdentity', more)),
      ),
      [CLASSIC]: [anObject('classic', injected)],
    };
    expect(linesOf({ objects, pods: [provider] })).toEqual([
      `ProviderConfig.aws.crossplane.io/classic uses crossplane-system/provider-aws-s3: pods, trust ${ROLE_ARN}`,
      `ProviderConfig/token uses crossplane-system/provider-aws-s3: trust ${ROLE_ARN}`,
      `ProviderConfig/web uses crossplane-system/provider-aws-s3: pods, trust ${ROLE_ARN}`,
    ]);
  });

  it('needs nothing with other sources, or without providers for AWS', () => {
    const assumed = { assumeRoleWithWebIdentity: webIdentity };
    const objects = {
      [UPJET]: [
        anObject('pod', credentials('PodIdentity')),
        anObject('secret', credentials('Secret', { secretRef: { name: 'aws' } })),
        anObject('upbound', credentials('Upbound', { upbound: { webIdentity } })),
      ],
      [CLASSIC]: [
        anObject('own', { credentials: { source: 'InjectedIdentity' } }),
        anObject('chain', { ...(credentials('InjectedIdentity') as object), assumeRoleARN: ROLE_ARN, ...assumed }),
      ],
    };
    expect(linesOf({ objects, pods: [provider] })).toEqual([]);
    const gcp = podOf('crossplane-system', 'gcp', labelled('provider-gcp-storage'));
    expect(linesOf({ objects: { [UPJET]: [anObject('default', credentials('IRSA'))] }, pods: [gcp] })).toEqual([]);
  });

  it('finds a provider without pods by its workload', () => {
    const family = { namespace: 'crossplane-system', serviceAccount: 'family', ...labelled('provider-family-aws') };
    const found = linesOf({
      objects: { [UPJET]: [anObject('default', credentials('IRSA'))] },
      workloads: [aWorkload(family)],
    });
    expect(found).toEqual(['ProviderConfig/default uses crossplane-system/family: pods']);
  });
});

describe('Mountpoint for Amazon S3', () => {
  const volume = (name: string, source: string | undefined, claimRef: unknown, driver = 's3.csi.aws.com') => {
    const volumeAttributes = { bucketName: 'b', ...(source === undefined ? {} : { authenticationSource: source }) };
    return anObject(name, { claimRef, csi: { driver, volumeAttributes } });
  };
  const claimRef = { namespace: 'shop', name: 'photos' };
  const objects = { persistentvolumes: [volume('photos', 'pod', claimRef)] };
  const reader = podOf('shop', 'reader', { claims: ['photos'] });
  const driver = (tag: string): ReturnType<typeof podOf> => {
    const image = `public.ecr.aws/mountpoint-s3-csi-driver/aws-mountpoint-s3-csi-driver:${tag}`;
    return podOf('kube-system', 's3-csi-driver-sa', { containers: [aContainer({ image })] });
  };

  it('uses the service accounts of the pods that mount a volume with pod-level credentials', () => {
    const pods = [
      reader,
      podOf('shop', 'writer', { claims: ['photos', 'scratch'] }),
      podOf('bank', 'other', { claims: ['photos'] }),
      podOf('shop', 'without'),
    ];
    expect(linesOf({ objects, pods })).toEqual([
      'PersistentVolume/photos uses shop/reader: annotation, trust',
      'PersistentVolume/photos uses shop/writer: annotation, trust',
    ]);
  });

  it.each([
    ['v2.3.0', 'trust'],
    ['v1.15.0', 'annotation, trust'],
    ['latest', 'annotation, trust'],
  ])('needs what the driver %s needs: %s', (tag, needs) =>
    expect(linesOf({ objects, pods: [reader, driver(tag)] })).toEqual([
      `PersistentVolume/photos uses shop/reader: ${needs}`,
    ]),
  );

  it('counts as an earlier driver while both versions run', () => {
    const pods = [reader, driver('v2.3.0'), driver('v1.15.0')];
    expect(linesOf({ objects, pods })).toEqual(['PersistentVolume/photos uses shop/reader: annotation, trust']);
  });

  it.each([
    [['v2.3.0'], 'trust'],
    [['v2.3.0', 'v1.15.0'], 'annotation, trust'],
    [[], 'annotation, trust'],
  ])("needs what the driver's pods of another namespace need: %j: %s", (tags, needs) => {
    const driverImages = tags.map((tag) => `example.com/aws-mountpoint-s3-csi-driver:${tag}`);
    const found = findConsumers({ objects, unread: [], driverImages }, { pods: [reader] });
    expect(found.map((one) => one.needs.join(', '))).toEqual([needs]);
  });

  it('may use any service account of the namespace if no pod mounts the volume now', () => {
    expect(linesOf({ objects })).toEqual(['PersistentVolume/photos uses shop/*: annotation, trust']);
    expect(consumersIn({ objects })[0]?.how).toContain('no pod mounts it now');
  });

  it('uses none for volumes with the credentials of the driver, of other drivers, and without a claim', () => {
    const others = {
      persistentvolumes: [
        volume('driver', 'driver', claimRef),
        volume('default', undefined, claimRef),
        volume('efs', 'pod', claimRef, 'efs.csi.aws.com'),
        volume('unbound', 'pod', undefined),
      ],
    };
    expect(linesOf({ objects: others, pods: [reader] })).toEqual([]);
  });
});

describe('Secrets Store CSI driver', () => {
  const CLASSES = 'secretproviderclasses.secrets-store.csi.x-k8s.io';
  const aws = (name: string, parameters: unknown = {}): unknown => anObject(name, { provider: 'aws', parameters });
  const pod = podOf('shop', 'api', { secretClasses: ['db'] });

  it('uses the service accounts of the pods that mount a class without usePodIdentity', () => {
    for (const parameters of [{}, { usePodIdentity: 'false' }, { usePodIdentity: 'yes' }])
      expect(linesOf({ objects: { [CLASSES]: [aws('shop/db', parameters)] }, pods: [pod] })).toEqual([
        'SecretProviderClass/shop/db uses shop/api: annotation, trust',
      ]);
  });

  it('uses none with usePodIdentity, as Go reads it, or with another provider', () => {
    const objects = {
      [CLASSES]: [
        ...['true', 'True', 't', '1'].map((usePodIdentity) => aws('shop/db', { usePodIdentity })),
        anObject('shop/db', { provider: 'vault' }),
      ],
    };
    expect(linesOf({ objects, pods: [pod] })).toEqual([]);
  });

  it('may use any service account of the namespace if no pod mounts it now', () =>
    expect(linesOf({ objects: { [CLASSES]: [aws('shop/nightly')] }, pods: [pod] })).toEqual([
      'SecretProviderClass/shop/nightly uses shop/*: annotation, trust',
    ]));
});

describe('pods', () => {
  const own = { volume: 'sts', audience: 'sts.amazonaws.com', path: 'token' };
  const byHand = aContainer({
    name: 'app',
    env: { AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/sts/token', AWS_ROLE_ARN: ROLE_ARN },
    mounts: [{ volume: 'sts', path: '/var/run/sts' }],
  });

  it.each(['irsa', 'pod-identity', 'mixed', 'node-role'] as const)(
    'use none with what the webhook adds: %s',
    (identity) => expect(linesOf({ pods: [aPod(identity)] })).toEqual([]),
  );

  it('use the trust with a token for AWS STS of their own, and with a token file that is set by hand', () => {
    const pods = [podOf('shop', 'api', { tokens: [own], containers: [byHand] })];
    expect(consumersIn({ pods }).map(({ how }) => how)).toEqual([
      'has a token for sts.amazonaws.com of its own (volume sts)',
      'sets AWS_WEB_IDENTITY_TOKEN_FILE (container app)',
    ]);
    expect(linesOf({ pods })).toEqual([
      'Deployment/shop/api uses shop/api: trust',
      `Deployment/shop/api uses shop/api: trust ${ROLE_ARN}`,
    ]);
  });

  it('are named by their workload once, with the template and several pods', () => {
    const of = { tokens: [own], containers: [aContainer()] };
    const pods = ['a', 'b'].map((name) => podOf('shop', 'api', { name, ...of }));
    const workloads = [aWorkload({ namespace: 'shop', name: 'api', serviceAccount: 'api', ...of })];
    expect(linesOf({ pods, workloads })).toEqual(['Deployment/shop/api uses shop/api: trust']);
    expect(linesOf({ workloads })).toEqual(['Deployment/shop/api uses shop/api: trust']);
  });

  it.each([
    ['SecretStore', 'aws'],
    ['ProviderConfig', 'default'],
    ['ServiceAccount', 'api'],
    ['Deployment', 'a/b'],
    ['evil kind', 'x'],
    ['Dep\u001bloyment', 'x'],
  ])('with an owner that must not be accepted, or cannot be, are named by themselves: %j %j', (kind, name) => {
    const pods = [podOf('shop', 'api', { name: 'lone', tokens: [own], owner: { kind, name } })];
    expect(linesOf({ pods })).toEqual(['Pod/shop/lone uses shop/api: trust']);
  });

  it('of a CronJob are named by it, and not by the Job of the minute', () => {
    const named = (owner?: { kind: string; name: string }): string[] => {
      const { owner: _, ...pod } = podOf('shop', 'api', { name: 'lone', tokens: [own] });
      return linesOf({ pods: [owner === undefined ? pod : { ...pod, owner }] });
    };
    expect(named({ kind: 'Job', name: 'nightly-29384756' })).toEqual(['CronJob/shop/nightly uses shop/api: trust']);
    expect(named({ kind: 'Job', name: 'import-2' })).toEqual(['Job/shop/import-2 uses shop/api: trust']);
    expect(named(undefined)).toEqual(['Pod/shop/lone uses shop/api: trust']);
  });

  it('that have ended use none, unless a CronJob will make others', () => {
    const of = (phase: string, owner: { kind: string; name: string }): string[] =>
      linesOf({ pods: [podOf('shop', 'api', { tokens: [own], phase, owner })] });
    for (const phase of ['Succeeded', 'Failed']) {
      expect(of(phase, { kind: 'Job', name: 'import-2' })).toEqual([]);
      const ofCronJob = of(phase, { kind: 'Job', name: 'nightly-29384756' });
      expect(ofCronJob).toEqual(['CronJob/shop/nightly uses shop/api: trust']);
    }
    expect(of('Pending', { kind: 'Job', name: 'import-2' })).toEqual(['Job/shop/import-2 uses shop/api: trust']);
  });

  it('use none with a token for another audience, or with the file of a token for EKS Pod Identity', () => {
    const vault = { volume: 'vault', audience: 'vault', path: 'token' };
    const token = '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token';
    const eks = aContainer({ env: { AWS_WEB_IDENTITY_TOKEN_FILE: token }, mounts: mountsOf['pod-identity'] });
    const pods = [
      podOf('shop', 'vault', { tokens: [vault] }),
      podOf('shop', 'eks', { tokens: [TOKENS.podIdentity], containers: [eks] }),
    ];
    expect(linesOf({ pods })).toEqual([]);
  });

  it('use the trust with a token file whose value the spec does not show', () => {
    const hidden = aContainer({ env: { ...envOf['node-role'], AWS_WEB_IDENTITY_TOKEN_FILE: undefined } });
    const pods = [podOf('shop', 'api', { containers: [hidden] })];
    expect(linesOf({ pods })).toEqual(['Deployment/shop/api uses shop/api: trust']);
  });
});
