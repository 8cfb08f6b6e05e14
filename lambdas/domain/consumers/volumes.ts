/**
 * Finds the volumes whose CSI driver gets AWS credentials with the token and the role of the service account of the pods that
 * mount them: Mountpoint for Amazon S3 with pod-level credentials, and the AWS provider of the Secrets Store CSI driver.
 */
import type { Pod } from '../kubernetes/objects.ts';
import type { ServiceAccountRef } from '../terms/subject.ts';
import type { Consumer } from './model.ts';
import {
  byKeys,
  accountsOf,
  ANY,
  type ConsumerRule,
  consumerBy,
  type Detector,
  fieldAt,
  imagesOf,
  judgedImages,
  nameAt,
  type Seen,
  textAt,
} from './seen.ts';

const S3_SOURCE =
  'github.com/awslabs/mountpoint-s3-csi-driver, pkg/driver/node/credentialprovider/provider_pod.go, provideFromPod';
const S3_SHARED = {
  product: 'Mountpoint for Amazon S3 CSI driver',
  resource: 'persistentvolumes',
  kind: 'PersistentVolume',
  how: 'is mounted with its role (authenticationSource: pod)',
} as const;
const S3_FIELD =
  '`spec.csi.driver: s3.csi.aws.com` with `volumeAttributes.authenticationSource: pod`: the service accounts of the pods that mount it';

/** Since version 2, the driver uses EKS Pod Identity, but only if the annotation is not there. */
const S3_V2: ConsumerRule = {
  ...S3_SHARED,
  field: `${S3_FIELD}; driver 2.0.0 or later`,
  needs: ['trust'],
  instead:
    'Remove the annotation, and then replace the pods that mount it: the driver uses EKS Pod Identity only for pods that start without it.',
  source: `${S3_SOURCE}: IRSA if the service account has the annotation, otherwise EKS Pod Identity; awslabs/mountpoint-s3-csi-driver#458, in 2.0.0`,
};
const S3_V1: ConsumerRule = {
  ...S3_SHARED,
  field: `${S3_FIELD}; earlier drivers, and drivers of an unknown version`,
  needs: ['annotation', 'trust'],
  instead:
    'Update the driver to 2.0.0 or later; then remove the annotation, and replace the pods that mount it: the driver uses EKS Pod Identity only for pods that start without it.',
  source: `${S3_SOURCE}: requires the annotation before 2.0.0`,
};

const SECRETS: ConsumerRule = {
  product: 'AWS provider of the Secrets Store CSI driver',
  resource: 'secretproviderclasses.secrets-store.csi.x-k8s.io',
  kind: 'SecretProviderClass',
  field:
    '`spec.provider: aws` without `spec.parameters.usePodIdentity: "true"`: the service accounts of the pods that mount it',
  needs: ['annotation', 'trust'],
  how: 'is mounted with its role (usePodIdentity is not set)',
  instead:
    'Set usePodIdentity: "true" in spec.parameters (AWS provider 2.0.0 or later) as soon as the pods have EKS Pod Identity.',
  source:
    'github.com/aws/secrets-store-csi-driver-provider-aws, server/server.go, resolveCredentials: reads the annotation and uses IRSA, unless usePodIdentity is true; #416, in 2.0.0',
};

const NOT_MOUNTED = 'would be mounted with the role of any service account of the namespace; no pod mounts it now';

/** Returns the pods by `NAMESPACE/NAME` of what they mount. */
const podsBy = (pods: readonly Pod[], mounts: (pod: Pod) => readonly string[]): ReadonlyMap<string, readonly Pod[]> =>
  byKeys(pods, (pod) => mounts(pod).map((name) => `${pod.namespace}/${name}`));

/** Returns what the pods that mount something show; any service account of the namespace if there are none. */
function mountedBy(
  namespace: string,
  pods: readonly Pod[] = [],
): { serviceAccount: ServiceAccountRef; how?: string }[] {
  const accounts = accountsOf(pods);
  return accounts.length === 0
    ? [{ serviceAccount: { namespace, name: ANY }, how: NOT_MOUNTED }]
    : accounts.map((serviceAccount) => ({ serviceAccount }));
}

/** The namespace of the driver's pods, unless it is installed elsewhere: that of the EKS add-on, and in the chart's guide. */
export const S3_DRIVER_NAMESPACE = 'kube-system';

/** Returns whether a volume of the cluster is mounted with the identity of pods, so that the driver's version matters. */
export const dependsOnS3Driver = (volumes: readonly unknown[]): boolean => volumes.some(isWithPodIdentity);

/** Returns the images of the driver in its pods, each once. */
export const imagesOfS3Driver = (pods: readonly Pick<Pod, 'containers' | 'phase'>[]): string[] => [
  ...new Set(
    pods
      .filter(({ phase }) => phase !== 'Succeeded' && phase !== 'Failed')
      .flatMap(({ containers }) => containers.map(({ image }) => image))
      .filter((image) => judgedImages([image], S3_SHARED.product).length > 0),
  ),
];

/** Returns the rule for the versions of the driver that run. */
function ruleOfS3({ pods, driverImages }: Seen): ConsumerRule {
  const images = [
    ...judgedImages(driverImages, S3_SHARED.product),
    ...pods.flatMap((pod) => imagesOf(pod, S3_SHARED.product)),
  ];
  return images.length > 0 && images.every(({ verdict }) => verdict === 'supported') ? S3_V2 : S3_V1;
}

/** Returns whether an object is a volume of the driver that is mounted with the identity of its pods. */
function isWithPodIdentity(object: unknown): boolean {
  const csi = fieldAt(object, 'spec', 'csi');
  return (
    textAt(csi, 'driver') === 's3.csi.aws.com' && textAt(csi, 'volumeAttributes', 'authenticationSource') === 'pod'
  );
}

function volumesOfS3(seen: Seen): Consumer[] {
  const rule = ruleOfS3(seen);
  const mounting = podsBy(seen.pods, ({ claims = [] }) => claims);
  return seen.objects(rule.resource).flatMap((one) => {
    if (!isWithPodIdentity(one.object)) return [];
    const namespace = nameAt(one.object, 'spec', 'claimRef', 'namespace');
    const claim = textAt(one.object, 'spec', 'claimRef', 'name');
    // No pod can mount a volume that is not bound to a claim.
    if (namespace === undefined || claim === undefined) return [];
    return mountedBy(namespace, mounting.get(`${namespace}/${claim}`)).map((found) => consumerBy(rule, one, found));
  });
}

/** The texts that Go's strconv.ParseBool reads as true. */
const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);

function secrets(seen: Seen): Consumer[] {
  const mounting = podsBy(seen.pods, ({ secretClasses = [] }) => secretClasses);
  return seen.objects(SECRETS.resource).flatMap((one) => {
    if (textAt(one.object, 'spec', 'provider') !== 'aws') return [];
    if (TRUE.has(textAt(one.object, 'spec', 'parameters', 'usePodIdentity') ?? '')) return [];
    const { namespace = ANY } = one;
    return mountedBy(namespace, mounting.get(`${namespace}/${one.name}`)).map((found) =>
      consumerBy(SECRETS, one, found),
    );
  });
}

export const VOLUMES: Detector = {
  rules: [S3_V2, S3_V1, SECRETS],
  find: (seen) => [...volumesOfS3(seen), ...secrets(seen)],
};
