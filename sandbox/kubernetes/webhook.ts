/**
 * The mutating webhook that EKS runs on every cluster: it injects into new pods the environment variables and the token
 * with which AWS SDKs find credentials. Behavior: github.com/aws/amazon-eks-pod-identity-webhook,
 * pkg/handler/handler.go and pkg/cache/cache.go; test/golden/webhook has pods that the real webhook changed. By default
 * it sets regional STS endpoints, as EKS does (EKS User Guide, "Configure the AWS Security Token Service endpoint for a
 * service account").
 */
import { skippedContainers } from '../../lambdas/domain/kubernetes/skip-containers.ts';
import type { AssociationState, ClusterState, World } from '../world/world.ts';
import { POD_IDENTITY_WEBHOOK } from './cluster-objects.ts';
import { parseBool, parseInt64 } from './go-values.ts';
import type { Container, KubeObject, PastIdentity, Pod } from '../objects/objects.ts';
import { getObject } from '../objects/store.ts';

const DOMAIN = 'eks.amazonaws.com';
export const ROLE_ANNOTATION = `${DOMAIN}/role-arn`;
const DEFAULT_EXPIRATION = 86_400;
/** With Pod Identity, the default expiration is replaced by a random one between this and the default. */
const JITTER_FROM = 79_200;
/** The minimum that an API server accepts. */
const LEAST_EXPIRATION = 600;

interface Injection {
  method: 'pod-identity' | 'irsa';
  /** The two variables that name the credential source; neither is set if the container already has one of them. */
  credentials: Record<string, string>;
  volume: string;
  mountPath: string;
  /** Without an audience, the token is for the API server itself. */
  token: { audience?: string; expirationSeconds: number; path: string };
}

/** Returns whether the webhook does not use an association that it has known since then (`webhookFlapSeconds`). */
const isFlappedOff = ({ knobs }: World, knownSince: number, admittedAt: number): boolean => {
  const period = knobs.webhookFlapSeconds * 1000;
  return period > 0 && (admittedAt - knownSince) % period >= period * (1 - knobs.webhookFlapShare);
};

/**
 * Returns whether the webhook uses an association of the service account. It learns of new associations
 * `webhookLagSeconds` late, of some never (`podsKeepIdentityOnUpdate`, `podsKeepIdentityOnPreserve`), and of removals
 * `webhookRemovalLagSeconds` late; and it may use them only at times (`webhookFlapSeconds`).
 */
const knowsAssociation = (
  world: World,
  { associations, recentlyDeleted }: ClusterState,
  namespace: string,
  serviceAccount: string,
  admittedAt: number,
): boolean => {
  const lag = world.knobs.webhookLagSeconds * 1000;
  const isKnown = (association: AssociationState): boolean =>
    association.unknownToWebhook !== true &&
    association.createdAt + lag <= admittedAt &&
    !isFlappedOff(world, association.createdAt + lag, admittedAt) &&
    association.namespace === namespace &&
    association.serviceAccount === serviceAccount;
  for (const association of associations.values())
    if (association.deletedUntil === undefined && isKnown(association)) return true;
  for (const { association, until } of recentlyDeleted?.values() ?? [])
    if (admittedAt < until && isKnown(association)) return true;
  return false;
};

/**
 * Returns the token's lifetime in seconds: from the annotation of the pod, otherwise of the service account. Values
 * that are not numbers are ignored.
 */
const expirationOf = (...annotations: (Record<string, string> | undefined)[]): number => {
  for (const annotation of annotations) {
    const seconds = parseInt64(annotation?.[`${DOMAIN}/token-expiration`] ?? '');
    if (seconds !== undefined) return Math.max(LEAST_EXPIRATION, seconds);
  }
  return DEFAULT_EXPIRATION;
};

const serviceAccountOf = ({ kube }: ClusterState, { metadata, spec }: Pod): KubeObject | undefined =>
  getObject(kube, 'ServiceAccount', metadata.namespace ?? 'default', spec.serviceAccountName ?? 'default');

/**
 * Returns whether the webhook sets regional STS endpoints: by annotation or by default, but never for a service account
 * that does not exist.
 */
const wantsRegionalSts = (serviceAccount: KubeObject | undefined): boolean =>
  serviceAccount !== undefined &&
  (parseBool(serviceAccount.metadata.annotations?.[`${DOMAIN}/sts-regional-endpoints`] ?? '') ?? true);

const isForWindows = ({ spec: { nodeSelector } }: Pod): boolean =>
  nodeSelector?.['kubernetes.io/os'] === 'windows' || nodeSelector?.['beta.kubernetes.io/os'] === 'windows';

/** Returns the token's path in the container; mounts of Windows containers have the same path as those of Linux. */
const tokenFileOf = (pod: Pod, mountPath: string, path: string): string =>
  isForWindows(pod) ? `C:${`${mountPath}/${path}`.replaceAll('/', '\\')}` : `${mountPath}/${path}`;

const injectionFor = (
  world: World,
  cluster: ClusterState,
  pod: Pod,
  admittedAt: number,
  past?: PastIdentity,
): Injection | undefined => {
  if (past?.identity === 'none') return undefined;
  const namespace = pod.metadata.namespace ?? 'default';
  const serviceAccount = pod.spec.serviceAccountName ?? 'default';
  const annotations = serviceAccountOf(cluster, pod)?.metadata.annotations;
  const expiration = expirationOf(pod.metadata.annotations, annotations);

  const hasAssociation = past
    ? past.identity === 'pod-identity'
    : knowsAssociation(world, cluster, namespace, serviceAccount, admittedAt);
  if (hasAssociation) {
    const mountPath = '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount';
    const path = 'eks-pod-identity-token';
    const jittered = JITTER_FROM + cluster.kube.random.integer(DEFAULT_EXPIRATION - JITTER_FROM + 1);
    return {
      method: 'pod-identity',
      credentials: {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials',
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFileOf(pod, mountPath, path),
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

  const roleArn = past?.roleArn ?? annotations?.[ROLE_ANNOTATION];
  if (!roleArn) return undefined;
  const mountPath = '/var/run/secrets/eks.amazonaws.com/serviceaccount';
  const audience = annotations?.[`${DOMAIN}/audience`] ?? 'sts.amazonaws.com';
  return {
    method: 'irsa',
    credentials: { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: tokenFileOf(pod, mountPath, 'token') },
    volume: 'aws-iam-token',
    mountPath,
    token: { ...(audience === '' ? {} : { audience }), expirationSeconds: expiration, path: 'token' },
  };
};

const STS = 'AWS_STS_REGIONAL_ENDPOINTS';

const inject = (container: Container, injection: Injection, region: string, regionalSts: boolean): void => {
  const regions = { AWS_DEFAULT_REGION: region, AWS_REGION: region };
  const brings = (variables: Record<string, string>): boolean =>
    (container.env ?? []).some(({ name }) => Object.hasOwn(variables, name));
  // The webhook assumes that a container with one variable of each kind is complete, and adds no mount either.
  if (brings({ [STS]: '' }) && brings(regions) && brings(injection.credentials)) return;
  /** Adds all variables or, if the container already has one of them, none. */
  const add = (variables: Record<string, string>): void => {
    if (brings(variables)) return;
    for (const [name, value] of Object.entries(variables)) (container.env ??= []).push({ name, value });
  };
  if (regionalSts) add({ [STS]: 'regional' });
  add(regions);
  add(injection.credentials);
  const mounts = (container.volumeMounts ??= []);
  if (!mounts.some(({ name }) => name === injection.volume))
    mounts.push({ name: injection.volume, readOnly: true, mountPath: injection.mountPath });
};

/**
 * Mutates a pod that is being created, in place. An association takes precedence over the service account's annotation;
 * the two are never both injected. Does nothing if the webhook configuration does not exist. `admittedAt`: milliseconds
 * since 1970; `past`: what it had injected, if that is known.
 */
export const admitPod = (
  world: World,
  cluster: ClusterState,
  pod: Pod,
  admittedAt: number,
  past?: PastIdentity,
): void => {
  if (!getObject(cluster.kube, 'MutatingWebhookConfiguration', undefined, POD_IDENTITY_WEBHOOK)) return;
  const injection = injectionFor(world, cluster, pod, admittedAt, past);
  if (!injection) return;
  const regionalSts = wantsRegionalSts(serviceAccountOf(cluster, pod));
  const skipped = skippedContainers(pod.metadata.annotations);
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    if (!skipped.has(container.name)) inject(container, injection, cluster.region, regionalSts);
    // The webhook's patch replaces the lists of containers, including skipped ones, with the JSON of Go's types.
    container.resources ??= {};
  }
  const volumes = (pod.spec.volumes ??= []);
  if (!volumes.some(({ name }) => name === injection.volume)) {
    volumes.unshift({ name: injection.volume, projected: { sources: [{ serviceAccountToken: injection.token }] } });
  }
  if (injection.method === 'pod-identity')
    pod.metadata.labels = { ...pod.metadata.labels, [`${DOMAIN}/pod-identity`]: 'enabled' };
};
