/**
 * What CSI drivers mount into pods with the pods' own identity: volumes of Mountpoint for Amazon S3, and secrets of the
 * Secrets Store. Sources: awslabs/mountpoint-s3-csi-driver, pkg/driver/node/credentialprovider/provider_pod.go and
 * cmd/aws-s3-csi-controller/csicontroller/reconciler.go (version 2 reads the role when it mounts, and notes it in a
 * MountpointS3PodAttachment); aws/secrets-store-csi-driver-provider-aws, server/server.go, `resolveCredentials`.
 */
import type { Kinds, KubeObject, Pod } from '../objects/objects.ts';
import { listObjects } from '../objects/store.ts';
import {
  type Account,
  accountOf,
  customObjects,
  nameOf,
  type Outcome,
  type PlayedConsumer,
  podsIn,
  type Stage,
  STS_AUDIENCE,
  textAt,
  together,
  withAnnotatedRole,
  withPodIdentity,
  withWebIdentity,
} from './stage.ts';

const MOUNTPOINT = 's3.csi.aws.com';
const SECRETS_STORE = 'secrets-store.csi.k8s.io';
const MOUNTPOINT_ADDON = 'aws-mountpoint-s3-csi-driver';

const byAccount = (pods: readonly Pod[]): { account: Account; pods: Pod[] }[] =>
  [...Map.groupBy(pods, (pod) => Object.values(accountOf(pod)).join('/')).values()].flatMap((group) => {
    const [first] = group;
    return first ? [{ account: accountOf(first), pods: group }] : [];
  });

/** Returns whether version 1 of the driver is installed, which supports no EKS Pod Identity for pods. */
const isVersion1 = ({ cluster }: Stage): boolean =>
  cluster.addons.get(MOUNTPOINT_ADDON)?.version.startsWith('v1.') ?? false;

const mountOf = (stage: Stage, pod: Pod): Outcome => {
  const sessionName = pod.metadata.name.slice(0, 64);
  // Version 1 reads the annotation each time.
  if (isVersion1(stage)) return withAnnotatedRole(stage, accountOf(pod), { sessionName });
  const role = stage.cluster.kube.mountRoles.get(pod.metadata.uid);
  return role === undefined
    ? withPodIdentity(stage, pod)
    : withWebIdentity(stage, accountOf(pod), { role, audiences: [STS_AUDIENCE], sessionName });
};

const volumesOf = ({ spec }: Pod): NonNullable<Pod['spec']['volumes']> => spec.volumes ?? [];

const podsWith = (stage: Stage, { spec: { claimRef } }: Kinds['PersistentVolume']): Pod[] =>
  claimRef
    ? podsIn(stage, claimRef.namespace).filter((pod) =>
        volumesOf(pod).some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claimRef.name),
      )
    : [];

export const playMountpoint = (stage: Stage): PlayedConsumer[] =>
  listObjects(stage.cluster.kube, 'PersistentVolume')
    .filter(
      ({ spec: { csi } }) => csi.driver === MOUNTPOINT && csi.volumeAttributes?.['authenticationSource'] === 'pod',
    )
    .flatMap((volume) =>
      byAccount(podsWith(stage, volume)).map(({ account, pods }) => ({
        name: nameOf(volume),
        serviceAccount: account,
        ...together(pods.map((pod) => mountOf(stage, pod))),
      })),
    );

/** Go's strconv.ParseBool. */
const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);

const podsOfClass = (stage: Stage, { metadata: { namespace, name } }: KubeObject): Pod[] =>
  podsIn(stage, namespace ?? 'default').filter((pod) =>
    volumesOf(pod).some(
      ({ csi }) => csi?.driver === SECRETS_STORE && csi.volumeAttributes?.['secretProviderClass'] === name,
    ),
  );

/** Returns the classes that use IRSA. Those with `usePodIdentity` ask the agent, and use no web identity. */
export const playSecretsStore = (stage: Stage): PlayedConsumer[] =>
  customObjects(stage, 'secrets-store.csi.x-k8s.io', 'secretproviderclasses')
    .filter(
      ({ spec }) => textAt(spec, 'provider') === 'aws' && !TRUE.has(textAt(spec, 'parameters', 'usePodIdentity') ?? ''),
    )
    .flatMap((object) =>
      byAccount(podsOfClass(stage, object)).map(({ account }) => ({
        name: nameOf(object),
        serviceAccount: account,
        ...withAnnotatedRole(stage, account, { sessionName: 'secrets-store' }),
      })),
    );
