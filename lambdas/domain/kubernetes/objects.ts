/** The data of Kubernetes objects that the decisions need, independent of the client that read it. */
export interface Mount {
  volume: string;
  /** Path in the container. */
  path: string;
  /** Path in the volume that is mounted (`subPath` or `subPathExpr`); absent for the whole volume. */
  subPath?: string;
}

/** How often the kubelet probes whether a container is alive, with the defaults of Kubernetes. */
export interface LivenessProbe {
  periodSeconds: number;
  failureThreshold: number;
}

export interface Container {
  name: string;
  image: string;
  init: boolean;
  /**
   * A value from another object (valueFrom) is `undefined`; a variable without a value is empty. Of a variable that is
   * there twice, the last one counts.
   */
  env: Record<string, string | undefined>;
  /**
   * The variables that are there more than once, with the values before the last one, in their order. The previous value
   * stays if the last one is optional and its Secret or ConfigMap does not exist.
   */
  repeatedEnv?: Record<string, (string | undefined)[]>;
  /**
   * The variables with a value from another object that are not set if the Secret or ConfigMap does not exist
   * (`optional`).
   */
  optionalEnv?: string[];
  /**
   * Secrets and ConfigMaps whose keys all become variables, such as `Secret/aws`. The pod does not contain the keys.
   * Those whose prefix allows no variable of credentials are omitted.
   */
  envFrom?: string[];
  mounts: Mount[];
  liveness?: LivenessProbe;
}

/** A projected service-account token of a pod. */
export interface TokenVolume {
  volume: string;
  audience: string;
  /** Path of the token's file in the volume. */
  path: string;
}

/** A pod's toleration of taints. Source: Kubernetes API reference, Toleration. An absent key with `Exists` tolerates all. */
export interface Toleration {
  key?: string;
  operator: 'Equal' | 'Exists';
  value?: string;
  /** Absent for every effect. */
  effect?: string;
}

export interface Taint {
  key: string;
  value?: string;
  effect: string;
}

export interface Pod {
  namespace: string;
  name: string;
  uid: string;
  createdAt: string;
  serviceAccount: string;
  node?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  phase: string;
  ready: boolean;
  /** The pod has a deletionTimestamp, and no longer counts. */
  terminating: boolean;
  /** When the pod should be gone at the latest: its deletionTimestamp, which is the end of the grace period. */
  deletionDue?: string;
  /** When the kubelet ends the pod at the latest: its start plus `activeDeadlineSeconds`. Absent if nothing limits it. */
  endsBy?: string;
  /** Since when the pod has been ready without interruption; absent if it is not ready. */
  readyAt?: string;
  /**
   * Since when the pod has not been ready without interruption: since its kubelet first reported on it if it never was.
   * Absent if it is ready, or if no kubelet has reported on it.
   */
  unreadySince?: string;
  /** When a container last ended and was started again, or is to be. Absent if none was, or if it is not known. */
  lastExitAt?: string;
  /** Total number of restarts of its containers; absent if it is not known. */
  restarts?: number;
  /** Why its containers wait, as the kubelet reports: `CrashLoopBackOff`, `ImagePullBackOff`, … Each reason once. */
  waiting?: string[];
  /** All of its containers that have ended were last ended for lack of memory (`OOMKilled`). */
  outOfMemory?: true;
  /** Why the pod is in its phase, such as `Evicted`. */
  reason?: string;
  /** The pod uses the network of its node, and can therefore reach the node's credentials too. */
  hostNetwork: boolean;
  owner?: { kind: string; name: string };
  containers: Container[];
  /** Names of ephemeral containers, which the webhook never changes. */
  ephemeral?: string[];
  tokens: TokenVolume[];
  /** Names of the PersistentVolumeClaims that it mounts; absent if there are none. */
  claims?: string[];
  /** Names of the SecretProviderClasses that it mounts by the Secrets Store CSI driver; absent if there are none. */
  secretClasses?: string[];
  /** Absent if there are none. */
  tolerations?: Toleration[];
}

export type WorkloadKind = 'Deployment' | 'DaemonSet' | 'StatefulSet';
/** The resource of each kind in URLs, in RBAC and for kubectl. All belong to `apps/v1`. */
export const WORKLOAD_PLURALS: Record<WorkloadKind, string> = {
  Deployment: 'deployments',
  DaemonSet: 'daemonsets',
  StatefulSet: 'statefulsets',
};
/** In the order in which they are listed. */
export const WORKLOAD_KINDS = Object.keys(WORKLOAD_PLURALS) as WorkloadKind[];

export interface WorkloadRef {
  kind: WorkloadKind;
  namespace: string;
  name: string;
}

/** The name of this service on API servers, for the fields that it has set and the objects that it has created. */
export const SERVICE_MANAGER = 'eks-pod-identity-migrator';

/** Returns whether a workload created a pod, by namespace, kind and name. */
export const isMadeBy = (
  pod: Pick<Pod, 'namespace' | 'owner'>,
  { kind, namespace, name }: Pick<WorkloadRef, 'kind' | 'namespace' | 'name'>,
): boolean => pod.namespace === namespace && pod.owner?.kind === kind && pod.owner.name === name;

/** Returns whether any of these workloads created the pod. Nothing replaces a pod that none did, until it is deleted. */
export const isMadeByAny = (pod: Pick<Pod, 'namespace' | 'owner'>, workloads: readonly WorkloadRef[]): boolean =>
  workloads.some((workload) => isMadeBy(pod, workload));

/** Returns whether a pod belongs to a Job. Such a pod ends by itself, and its successor gets the new identity. */
export const isOfJob = ({ owner }: Pick<Pod, 'owner'>): boolean => owner?.kind === 'Job';

/**
 * How a change of a workload's template is rolled out, from its spec. Absent settings have the default of Kubernetes.
 */
export interface RolloutSettings {
  /** Counts, or percentages such as `10%`. */
  maxUnavailable?: number | string;
  maxSurge?: number | string;
  /** For a StatefulSet: pods with lower ordinals are not updated. */
  partition?: number;
  minReadySeconds?: number;
  graceSeconds?: number;
  /** For a Deployment: seconds without progress after which the rollout counts as stuck. */
  progressDeadlineSeconds?: number;
}

export interface Workload extends WorkloadRef {
  serviceAccount: string;
  desired: number;
  ready: number;
  /** Number of pods of the newest template, and of all templates; absent if not known. */
  updated?: number;
  total?: number;
  /** Whether the controller has seen the newest template; absent if not known. */
  observed?: boolean;
  rollout?: RolloutSettings;
  /** True for a Deployment with strategy Recreate: all its pods end before new ones are created. */
  recreates?: boolean;
  /** True if the controller has seen the newest template, and all pods belong to it and are ready. */
  settled: boolean;
  /**
   * Why a change of its template would not replace its pods, for a message, such as `it is paused`. Absent if it would.
   */
  heldBack?: string;
  templateAnnotations: Record<string, string>;
  /** The containers of the template, before any webhook. */
  containers: Container[];
  /** The names of the template's volumes, and the tokens in them; absent if it has none. */
  volumes?: string[];
  tokens?: TokenVolume[];
  /** Of its template: the labels of the pods that it creates, and whether they use the network of their node. */
  templateLabels?: Record<string, string>;
  hostNetwork?: boolean;
  /** Of its template; absent if there are none. */
  tolerations?: Toleration[];
  nodeSelector?: Record<string, string>;
  labels: Record<string, string>;
  /** Which manager set which fields, from `metadata.managedFields`, without those of `status`. */
  managedFields: ManagedFields[];
}

/**
 * The fields that one manager owns, as paths such as `.spec.replicas` or
 * `.spec.template.spec.containers[name="x"].image`. Paths that only contain other fields are omitted.
 */
export interface ManagedFields {
  manager: string;
  /** The subresource through which the manager wrote the fields, such as `scale`; absent for the object itself. */
  subresource?: string;
  fields: string[];
}

/** A custom resource, identified by its definition. `plural` is the name of the resource in URLs. */
export interface CustomResourceKind {
  group: string;
  version: string;
  plural: string;
}

/** A resource whose objects are listed: those of one namespace, or of all of them. */
export interface ListedKind extends CustomResourceKind {
  namespace?: string;
  /** The fields of the spec to keep; absent for whole objects. */
  fields?: readonly string[];
}

/** Returns a resource as kubectl names it: `secretstores.external-secrets.io`; without a group in the core group. */
export const resourceName = ({ group, plural }: Pick<CustomResourceKind, 'group' | 'plural'>): string =>
  group === '' ? plural : `${plural}.${group}`;

/** A named API group that the API server serves, with its versions, the preferred one first. */
export interface ApiGroup {
  name: string;
  versions: string[];
}

/** The compute type of a node. `auto`: EKS Auto Mode; `hybrid`: an EKS Hybrid Node. */
export type Compute = 'ec2' | 'auto' | 'fargate' | 'hybrid';

export interface Node {
  name: string;
  ready: boolean;
  os: 'linux' | 'windows';
  compute: Compute;
  /** The managed node group that it belongs to. */
  nodeGroup?: string;
  labels?: Record<string, string>;
  /** Absent if there are none. */
  taints?: Taint[];
}

/** A webhook that changes objects as they are created. */
export interface MutatingWebhook {
  /** Name of the MutatingWebhookConfiguration, and of the webhook in it. */
  configuration: string;
  name: string;
  failurePolicy: 'Fail' | 'Ignore';
  /** Versions of AdmissionReview that the webhook accepts. */
  reviewVersions: string[];
}

export interface ServiceAccount {
  namespace: string;
  name: string;
  /** From the annotation `eks.amazonaws.com/role-arn`. */
  roleArn?: string;
}

/** A service account with the details that its migration needs. */
export interface ServiceAccountDetail extends ServiceAccount {
  uid: string;
  resourceVersion: string;
  /**
   * Managers that set the annotation, from `metadata.managedFields`; empty if there is no annotation, or none is known.
   */
  annotatedBy: string[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Managers of any of its fields, each once. */
  managers: string[];
}

/** A service account with an IRSA role, from its annotation `eks.amazonaws.com/role-arn`. */
export interface AnnotatedServiceAccount {
  namespace: string;
  name: string;
  roleArn: string;
}

/** An annotated service account, with the managers of the annotation and its labels. */
export interface AttributedServiceAccount extends AnnotatedServiceAccount {
  /** As in `ServiceAccountDetail`. */
  annotatedBy: string[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  managers: string[];
}
