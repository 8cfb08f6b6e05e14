/**
 * The mutating webhook that EKS runs on every cluster: it gives a new pod the environment and the token by which AWS
 * SDKs find credentials. Behaviour: github.com/aws/amazon-eks-pod-identity-webhook, pkg/handler/handler.go.
 */
import type { ClusterState, World } from '../world/world.ts';
import { POD_IDENTITY_WEBHOOK } from './cluster-objects.ts';
import type { Container, Pod } from './objects.ts';
import { getObject } from './store.ts';

const DOMAIN = 'eks.amazonaws.com';
export const ROLE_ANNOTATION = `${DOMAIN}/role-arn`;
const DEFAULT_EXPIRATION = 86_400;
/** A default expiration becomes a random one from here to the default, with Pod Identity only. */
const JITTER_FROM = 79_200;
const LEAST_EXPIRATION = 3600;

interface Injection {
  method: 'pod-identity' | 'irsa';
  /** The two variables that name the credentials' source; left alone where the container has either. */
  credentials: Record<string, string>;
  volume: string;
  mountPath: string;
  token: { audience: string; expirationSeconds: number; path: string };
}

/**
 * Whether the webhook knows an association for that service account: it learns of new ones `webhookLagSeconds` late,
 * and of some never (`podsKeepIdentityOnUpdate`, `podsKeepIdentityOnPreserve`). Removals are known at once.
 */
const knowsAssociation = (
  world: World,
  cluster: ClusterState,
  namespace: string,
  serviceAccount: string,
  admittedAt: number,
): boolean => {
  const newest = admittedAt - world.knobs.webhookLagSeconds * 1000;
  for (const association of cluster.associations.values()) {
    const known =
      association.deletedUntil === undefined &&
      association.unknownToWebhook !== true &&
      association.createdAt <= newest;
    if (known && association.namespace === namespace && association.serviceAccount === serviceAccount) return true;
  }
  return false;
};

/**
 * Seconds that a token lives, as the pod's annotation says, else the service account's; what is no number is ignored.
 */
const expirationOf = (...annotations: (Record<string, string> | undefined)[]): number => {
  for (const annotation of annotations) {
    const value = annotation?.[`${DOMAIN}/token-expiration`] ?? '';
    if (/^\d+$/.test(value)) return Math.max(LEAST_EXPIRATION, Number(value));
  }
  return DEFAULT_EXPIRATION;
};

const injectionFor = (world: World, cluster: ClusterState, pod: Pod, admittedAt: number): Injection | undefined => {
  const namespace = pod.metadata.namespace ?? 'default';
  const serviceAccount = pod.spec.serviceAccountName ?? 'default';
  const annotations = getObject(cluster.kube, 'ServiceAccount', namespace, serviceAccount)?.metadata.annotations;
  const expiration = expirationOf(pod.metadata.annotations, annotations);

  if (knowsAssociation(world, cluster, namespace, serviceAccount, admittedAt)) {
    const mountPath = '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount';
    const path = 'eks-pod-identity-token';
    const jittered = JITTER_FROM + cluster.kube.random.integer(DEFAULT_EXPIRATION - JITTER_FROM + 1);
    return {
      method: 'pod-identity',
      credentials: {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials',
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: `${mountPath}/${path}`,
      },
      volume: 'eks-pod-identity-token',
      mountPath,
      token: {
        audience: 'pods.eks.amazonaws.com',
        expirationSeconds: expiration === DEFAULT_EXPIRATION ? jittered : expiration,
        path,
      },
    };
  }

  const roleArn = annotations?.[ROLE_ANNOTATION];
  if (!roleArn) return undefined;
  const mountPath = '/var/run/secrets/eks.amazonaws.com/serviceaccount';
  return {
    method: 'irsa',
    credentials: { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: `${mountPath}/token` },
    volume: 'aws-iam-token',
    mountPath,
    token: {
      audience: annotations[`${DOMAIN}/audience`] ?? 'sts.amazonaws.com',
      expirationSeconds: expiration,
      path: 'token',
    },
  };
};

const inject = (container: Container, injection: Injection, region: string, regionalSts: boolean): void => {
  const env = (container.env ??= []);
  /** All of them or, where the container brings one itself, none. */
  const add = (variables: Record<string, string>): void => {
    if (env.some(({ name }) => Object.hasOwn(variables, name))) return;
    for (const [name, value] of Object.entries(variables)) env.push({ name, value });
  };
  if (regionalSts) add({ AWS_STS_REGIONAL_ENDPOINTS: 'regional' });
  add({ AWS_DEFAULT_REGION: region, AWS_REGION: region });
  add(injection.credentials);
  const mounts = (container.volumeMounts ??= []);
  if (!mounts.some(({ name }) => name === injection.volume))
    mounts.push({ name: injection.volume, readOnly: true, mountPath: injection.mountPath });
};

/**
 * Changes a pod that is being created, in place. An association goes before the service account's annotation; the two
 * are never both injected. Nothing is changed without the configuration that tells the API server of it. `admittedAt`:
 * milliseconds since 1970.
 */
export const admitPod = (world: World, cluster: ClusterState, pod: Pod, admittedAt: number): void => {
  if (!getObject(cluster.kube, 'MutatingWebhookConfiguration', undefined, POD_IDENTITY_WEBHOOK)) return;
  const injection = injectionFor(world, cluster, pod, admittedAt);
  if (!injection) return;
  const serviceAccount = getObject(
    cluster.kube,
    'ServiceAccount',
    pod.metadata.namespace,
    pod.spec.serviceAccountName ?? 'default',
  );
  const regionalSts = serviceAccount?.metadata.annotations?.[`${DOMAIN}/sts-regional-endpoints`] !== 'false';
  const skipped = pod.metadata.annotations?.[`${DOMAIN}/skip-containers`]?.split(',') ?? [];
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    if (!skipped.includes(container.name)) inject(container, injection, cluster.region, regionalSts);
  }
  const volumes = (pod.spec.volumes ??= []);
  if (!volumes.some(({ name }) => name === injection.volume)) {
    volumes.unshift({ name: injection.volume, projected: { sources: [{ serviceAccountToken: injection.token }] } });
  }
  if (injection.method === 'pod-identity')
    pod.metadata.labels = { ...pod.metadata.labels, [`${DOMAIN}/pod-identity`]: 'enabled' };
};
