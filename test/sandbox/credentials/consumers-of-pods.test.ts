/** Consumers that use the identity of pods, as the sandbox plays them: KEDA, Crossplane and CSI drivers. */
import { describe, expect, it } from 'vitest';
import { findRole } from '../../../sandbox/world/world.ts';
import { ACCOUNT } from '../support.ts';
import {
  API,
  CREATED,
  POD_IDENTITY,
  ROLE,
  annotated,
  custom,
  deployment,
  keda,
  opened,
  removeAnnotation,
  retire,
  seen,
  type ClusterInput,
  type Stage,
} from './consumer-support.ts';

const running = (namespace: string, name: string, serviceAccount: string, labels: Record<string, string>) => ({
  kind: 'Deployment' as const,
  namespace,
  name,
  serviceAccount,
  labels,
  createdAt: CREATED,
});
const associated = (namespace: string, serviceAccount: string, roleArn = ROLE) => ({
  namespace,
  serviceAccount,
  roleArn,
  createdAt: '2025-05-01T00:00:00.000Z',
});

describe('KEDA with an operator in the cluster', () => {
  const KEDA_ROLE = `arn:aws:iam::${ACCOUNT}:role/keda`;
  const AUTH = 'TriggerAuthentication/shop/aws';
  const operator = (podIdentity: object, more: Partial<ClusterInput> = {}): Partial<ClusterInput> => ({
    serviceAccounts: [API, annotated('keda', 'keda-operator')],
    customResources: keda({ provider: 'aws', ...podIdentity }),
    workloads: [
      deployment(),
      running('keda', 'keda-operator', 'keda-operator', { 'app.kubernetes.io/name': 'keda-operator' }),
    ],
    ...more,
  });
  const association = { associations: [associated('keda', 'keda-operator', KEDA_ROLE)] };

  it('uses its own token, so that the trust of its own service account counts', () => {
    const stage = opened(operator({ identityOwner: 'workload' }));
    expect(seen(stage)).toEqual([
      [AUTH, 'keda/keda-operator', true],
      [AUTH, 'shop/api', true],
    ]);
    retire(stage);
    expect(seen(stage)).toEqual([
      [AUTH, 'keda/keda-operator', false],
      [AUTH, 'shop/api', false],
    ]);
  });

  it('assumes a role that it names with the web identity of its operator alone', () => {
    const stage = opened(operator({ roleArn: ROLE }));
    expect(seen(stage)).toEqual([[AUTH, 'keda/keda-operator', true]]);
    removeAnnotation(stage, 'shop', 'api');
    expect(seen(stage)).toEqual([[AUTH, 'keda/keda-operator', true]]);
  });

  it.each([
    ['is not', undefined, false],
    ['is', { Effect: 'Allow', Principal: { AWS: KEDA_ROLE }, Action: 'sts:AssumeRole' }, true],
  ])('with EKS Pod Identity, needs a role that %s allowed to assume the other', (_, statement, works) => {
    const stage = opened(operator({ roleArn: ROLE }, association), [
      { arn: KEDA_ROLE, trustPolicy: { Version: '2012-10-17', Statement: [POD_IDENTITY] } },
    ]);
    const role = findRole(stage.world, ROLE)!;
    const policy = JSON.parse(role.trustPolicy) as { Statement: object[] };
    if (statement) role.trustPolicy = JSON.stringify({ ...policy, Statement: [...policy.Statement, statement] });
    expect(seen(stage)).toEqual([[AUTH, 'keda/keda-operator', works]]);
  });
});

describe('Crossplane', () => {
  const provider = (source: object, more: object = {}): Partial<ClusterInput> => ({
    serviceAccounts: [annotated('crossplane-system', 'provider-aws')],
    customResources: [
      custom('aws.upbound.io/v1beta1', 'ProviderConfig', 'providerconfigs', { spec: { credentials: source } }),
    ],
    workloads: [
      running('crossplane-system', 'provider-aws-s3', 'provider-aws', {
        'pkg.crossplane.io/provider': 'provider-aws-s3',
      }),
    ],
    ...more,
  });
  const association = { associations: [associated('crossplane-system', 'provider-aws')] };
  const IRSA_FILE = { source: 'Filesystem', fs: { path: '/var/run/secrets/eks.amazonaws.com/serviceaccount/token' } };
  const WEB = { source: 'WebIdentity', webIdentity: { roleARN: ROLE } };
  const NAME = ['ProviderConfig/aws', 'crossplane-system/provider-aws'] as const;

  it.each([
    ['IRSA', { source: 'IRSA' }],
    ['WebIdentity', WEB],
    ['WebIdentity and the file of IRSA', { ...WEB, webIdentity: { roleARN: ROLE, tokenConfig: IRSA_FILE } }],
  ])('with the source %s fails as soon as its pods have EKS Pod Identity', (_, source) => {
    expect(seen(opened(provider(source)))).toEqual([[...NAME, true]]);
    expect(seen(opened(provider(source, association)))).toEqual([[...NAME, false]]);
  });

  it('of the classic provider assumes a role with the token of its pods', () => {
    const classic = (more: object): Partial<ClusterInput> => ({
      ...provider({}),
      customResources: [
        custom('aws.crossplane.io/v1beta1', 'ProviderConfig', 'providerconfigs', {
          spec: { credentials: { source: 'InjectedIdentity' }, ...more },
        }),
      ],
    });
    const byToken = { assumeRoleWithWebIdentity: { roleARN: ROLE } };
    expect(seen(opened(classic(byToken)))).toEqual([[...NAME, true]]);
    expect(seen(opened({ ...classic(byToken), ...association }))).toEqual([[...NAME, false]]);
    expect([seen(opened(classic({}))), seen(opened(classic({ ...byToken, assumeRoleARN: ROLE })))]).toEqual([[], []]);
  });

  it.each([
    ['PodIdentity', { source: 'PodIdentity' }],
    ['Secret', { source: 'Secret' }],
    ['Upbound', { source: 'Upbound' }],
  ])('with the source %s is none', (_, source) => expect(seen(opened(provider(source)))).toEqual([]));
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
  const association = associated('shop', 'api');
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

  it("is none with the driver's own role", () =>
    expect(seen(mounted({ persistentVolumes: [volume('driver')] }))).toEqual([]));
});
