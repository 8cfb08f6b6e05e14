/** Kubernetes objects as the decisions need them: plain data, whatever client read it. */
export interface Container {
  name: string;
  image: string;
  init: boolean;
  /** A value that comes from elsewhere (valueFrom) is `undefined`. */
  env: Record<string, string | undefined>;
  /**
   * Of those, the ones that are not set at all where the Secret or ConfigMap they come from is not there (`optional`).
   */
  optionalEnv?: string[];
  /** Secrets and ConfigMaps whose keys all become variables, such as `Secret/aws`: the keys are not in the pod. */
  envFrom?: string[];
  /** Names of the volumes that it mounts. */
  mounts: string[];
}

/** A projected service-account token of a pod. */
export interface TokenVolume {
  volume: string;
  audience: string;
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
  /** Has a deletionTimestamp: on its way out, no longer counted. */
  terminating: boolean;
  /** When it is to be gone at the latest: its deletionTimestamp, which is when the grace period ends. */
  deletionDue?: string;
  /** Since when it is ready without interruption; left out where it is not. */
  readyAt?: string;
  /** Restarts of its containers, all together; left out where nobody says. */
  restarts?: number;
  /** Why containers of it wait, as the kubelet says: `CrashLoopBackOff`, `ImagePullBackOff`, … Each once. */
  waiting?: string[];
  /** Why it is in its phase, such as `Evicted`. */
  reason?: string;
  /** Uses its node's network, and so reaches the node's own credentials too. */
  hostNetwork: boolean;
  owner?: { kind: string; name: string };
  containers: Container[];
  tokens: TokenVolume[];
}

export type WorkloadKind = 'Deployment' | 'DaemonSet' | 'StatefulSet';
/** The resource of each kind, in URLs, in RBAC and for kubectl; all are of `apps/v1`. */
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

/** Under which this service is known on API servers: what it has set, and what it has made. */
export const SERVICE_MANAGER = 'eks-pod-identity-migrator';

/** Returns whether this workload has made the pod: a workload of the same kind and name in another namespace has not. */
export const isMadeBy = (
  pod: Pick<Pod, 'namespace' | 'owner'>,
  { kind, namespace, name }: Pick<WorkloadRef, 'kind' | 'namespace' | 'name'>,
): boolean => pod.namespace === namespace && pod.owner?.kind === kind && pod.owner.name === name;
/** A pod that ends by itself, and whose next one takes the new identity. */
export const isOfJob = ({ owner }: Pick<Pod, 'owner'>): boolean => owner?.kind === 'Job';

/** How a change of a workload's template is rolled out, as its spec has it; what it leaves out is Kubernetes' default. */
export interface RolloutSettings {
  /** Counts, or percentages such as `10%`. */
  maxUnavailable?: number | string;
  maxSurge?: number | string;
  /** Of a StatefulSet: pods of lower ordinals stay as they are. */
  partition?: number;
  minReadySeconds?: number;
  graceSeconds?: number;
  /** Of a Deployment: seconds without progress after which it is called stuck. */
  progressDeadlineSeconds?: number;
}

export interface Workload extends WorkloadRef {
  serviceAccount: string;
  desired: number;
  ready: number;
  /** Pods of the newest template, and of all templates; left out where nobody says. */
  updated?: number;
  total?: number;
  /** Whether the controller has seen the newest template; left out where nobody says. */
  observed?: boolean;
  rollout?: RolloutSettings;
  /** A Deployment with strategy Recreate: its pods all end before new ones are made. */
  recreates?: boolean;
  /** True when the controller has seen the newest template and every pod is of it, ready, with none left over. */
  settled: boolean;
  /**
   * Why a change of its template would not replace its pods by itself, for a message: `it is paused`. Left out where it
   * would.
   */
  heldBack?: string;
  templateAnnotations: Record<string, string>;
  /** As the template has them, before any webhook. */
  containers: Container[];
  labels: Record<string, string>;
  /** Who set which fields, as `metadata.managedFields` says; without those of `status`. */
  managedFields: ManagedFields[];
}

/**
 * Fields that one manager owns, as paths such as `.spec.replicas` or `.spec.template.spec.containers[name="x"].image`.
 * Paths that only lead to other fields are left out.
 */
export interface ManagedFields {
  manager: string;
  /** The subresource that it wrote them through, such as `scale`; left out where it wrote the object itself. */
  subresource?: string;
  fields: string[];
}

/** A custom resource, by its definition's coordinates; `plural` is the resource's name in URLs. */
export interface CustomResourceKind {
  group: string;
  version: string;
  plural: string;
}

/** What a node runs on. `auto`: EKS Auto Mode; `hybrid`: a machine of one's own. */
export type Compute = 'ec2' | 'auto' | 'fargate' | 'hybrid';

export interface Node {
  name: string;
  ready: boolean;
  os: 'linux' | 'windows';
  compute: Compute;
  /** The managed node group that it belongs to. */
  nodeGroup?: string;
}

/** A webhook that changes objects as they are created. */
export interface MutatingWebhook {
  /** Name of the MutatingWebhookConfiguration, and of the webhook in it. */
  configuration: string;
  name: string;
  failurePolicy: 'Fail' | 'Ignore';
  /** Versions of AdmissionReview that it is asked with. */
  reviewVersions: string[];
}

export interface ServiceAccount {
  namespace: string;
  name: string;
  /** By the annotation `eks.amazonaws.com/role-arn`. */
  roleArn?: string;
}

/** One service account as a migration of it needs it. */
export interface ServiceAccountDetail extends ServiceAccount {
  uid: string;
  resourceVersion: string;
  /** Who has set the annotation, as `metadata.managedFields` says; empty where there is none, or nobody says. */
  annotatedBy: string[];
}

/** A service account that IRSA gives a role to, by its annotation `eks.amazonaws.com/role-arn`. */
export interface AnnotatedServiceAccount {
  namespace: string;
  name: string;
  roleArn: string;
}

/** The same, with what says whose annotation it is. */
export interface AttributedServiceAccount extends AnnotatedServiceAccount {
  /** As `ServiceAccountDetail` has it. */
  annotatedBy: string[];
  labels: Record<string, string>;
}
