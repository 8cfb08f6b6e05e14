/** Kubernetes objects as the sandbox stores them: the API's own JSON, as far as controllers and clients read it. */
import type { Sdk } from './sdks.ts';
import type { NetworkPolicySpec } from './network-policy.ts';
import type { Toleration } from './taints.ts';
import type { MountedVolume, PersistentVolumeClaimSpec, PersistentVolumeSpec, Volume, VolumeMount } from './volumes.ts';

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller: boolean;
  blockOwnerDeletion?: boolean;
}

export interface Metadata {
  name: string;
  generateName?: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  [key: string]: unknown;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string; key: string; optional?: boolean } };
}
/** A liveness probe; the sandbox does not run it. */
export type LivenessProbe = { periodSeconds: number; failureThreshold: number; [key: string]: unknown };
export interface Container {
  name: string;
  image: string;
  env?: EnvVar[];
  resources?: Record<string, unknown>;
  volumeMounts?: VolumeMount[];
  livenessProbe?: LivenessProbe;
}

// Type aliases, not interfaces: only those are assignable to KubeObject's open records.
export type PodSpec = {
  serviceAccountName?: string;
  nodeName?: string;
  hostNetwork?: boolean;
  hostname?: string;
  subdomain?: string;
  initContainers?: Container[];
  containers: Container[];
  volumes?: Volume[];
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
};
export type PodTemplate = {
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: PodSpec;
};
export type Condition = {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  lastTransitionTime: string;
  reason?: string;
  message?: string;
};
export type PodStatus = { phase: 'Pending' | 'Running' | 'Succeeded'; conditions: Condition[]; [key: string]: unknown };

export interface Pod extends KubeObject {
  spec: PodSpec;
  status: PodStatus;
}

export type RollingUpdate = { maxSurge?: number | string; maxUnavailable?: number | string };
export type DeploymentSpec = {
  replicas: number;
  minReadySeconds?: number;
  selector: { matchLabels: Record<string, string> };
  template: PodTemplate;
  strategy?: { type: string; rollingUpdate?: RollingUpdate };
  revisionHistoryLimit?: number;
  paused?: boolean;
};
export type DaemonSetSpec = {
  minReadySeconds?: number;
  selector: { matchLabels: Record<string, string> };
  template: PodTemplate;
  updateStrategy?: { type: string; rollingUpdate?: RollingUpdate };
};
export type StatefulSetSpec = {
  replicas: number;
  minReadySeconds?: number;
  serviceName: string;
  /** Defaults to OrderedReady. */
  podManagementPolicy?: 'OrderedReady' | 'Parallel';
  selector: { matchLabels: Record<string, string> };
  template: PodTemplate;
  updateStrategy?: { type: string; rollingUpdate?: { partition?: number } };
  revisionHistoryLimit?: number;
};
export interface Deployment extends KubeObject {
  kind: 'Deployment';
  spec: DeploymentSpec;
}
export interface DaemonSet extends KubeObject {
  kind: 'DaemonSet';
  spec: DaemonSetSpec;
}
export interface StatefulSet extends KubeObject {
  kind: 'StatefulSet';
  spec: StatefulSetSpec;
}
export interface ReplicaSet extends KubeObject {
  kind: 'ReplicaSet';
  spec: { replicas: number; selector: { matchLabels: Record<string, string> }; template: PodTemplate };
}
/** An object whose controller rolls out pods. */
export type Workload = Deployment | DaemonSet | StatefulSet;

/** A selector within an object. An undefined selector selects nothing, an empty one everything. */
export type LabelSelector = {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; values?: string[] }[];
};

export type BudgetSpec = {
  minAvailable?: number | string;
  maxUnavailable?: number | string;
  selector?: LabelSelector;
  unhealthyPodEvictionPolicy?: 'IfHealthyBudget' | 'AlwaysAllow';
};
export type BudgetStatus = {
  observedGeneration?: number;
  currentHealthy: number;
  desiredHealthy: number;
  disruptionsAllowed: number;
  expectedPods: number;
  /** Pods that were evicted and still appear healthy, with the time of the eviction. */
  disruptedPods?: Record<string, string>;
  conditions?: (Condition & { observedGeneration?: number })[];
};
export interface Budget extends KubeObject {
  kind: 'PodDisruptionBudget';
  spec: BudgetSpec;
  status: BudgetStatus;
}

export interface NetworkPolicy extends KubeObject {
  kind: 'NetworkPolicy';
  spec: NetworkPolicySpec;
}

export interface PolicyRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}
export interface Subject {
  kind: 'User' | 'Group' | 'ServiceAccount';
  apiGroup?: string;
  name: string;
  namespace?: string;
}
export interface RoleRef {
  apiGroup: string;
  kind: 'Role' | 'ClusterRole';
  name: string;
}
export interface Role<K extends 'Role' | 'ClusterRole' = 'Role'> extends KubeObject {
  kind: K;
  rules?: PolicyRule[] | null;
}
export interface Binding<K extends 'RoleBinding' | 'ClusterRoleBinding' = 'RoleBinding'> extends KubeObject {
  kind: K;
  subjects?: Subject[] | null;
  roleRef: RoleRef;
}

export interface PersistentVolume extends KubeObject {
  kind: 'PersistentVolume';
  spec: PersistentVolumeSpec;
}
export interface PersistentVolumeClaim extends KubeObject {
  kind: 'PersistentVolumeClaim';
  spec: PersistentVolumeClaimSpec;
}

/** Built-in kinds of the API server, by name. */
export interface Kinds {
  Pod: Pod;
  ServiceAccount: KubeObject;
  Node: KubeObject;
  Namespace: KubeObject;
  Deployment: Deployment;
  DaemonSet: DaemonSet;
  StatefulSet: StatefulSet;
  ReplicaSet: ReplicaSet;
  PodDisruptionBudget: Budget;
  NetworkPolicy: NetworkPolicy;
  Role: Role;
  ClusterRole: Role<'ClusterRole'>;
  RoleBinding: Binding;
  ClusterRoleBinding: Binding<'ClusterRoleBinding'>;
  MutatingWebhookConfiguration: KubeObject;
  PersistentVolume: PersistentVolume;
  PersistentVolumeClaim: PersistentVolumeClaim;
}
export type Kind = keyof Kinds;

/** Contents of a CustomResourceDefinition. */
export interface CustomKind {
  group: string;
  /** Served versions, the preferred version first. */
  versions: string[];
  plural: string;
  kind: string;
  shortNames?: string[];
  namespaced: boolean;
}

/** Seconds from the creation of a pod to its readiness: one value for all pods, or bounds for each pod's own value. */
export type ReadySeconds = number | { min: number; max: number };

/** What the webhook had injected into a pod from before the sandbox opened, whatever exists now. */
export interface PastIdentity {
  identity: 'irsa' | 'pod-identity' | 'none';
  roleArn?: string | undefined;
}

/** A container, as the catalogue and scenarios describe it. */
export interface ContainerTemplate {
  name: string;
  image: string;
  env?: EnvVar[];
  livenessProbe?: LivenessProbe;
  /** The AWS SDK of the image, which no API shows; omitted: one that is new enough. */
  sdk?: Sdk;
}

/** One workload of an add-on, as the catalogue describes it. */
export interface WorkloadTemplate {
  kind: Workload['kind'];
  name: string;
  serviceAccount: string;
  /** Deployments and StatefulSets only. */
  replicas?: number;
  /** Deployments only: a changed template is not rolled out. */
  paused?: boolean;
  /**
   * OnDelete, for DaemonSets and StatefulSets: a pod is replaced only after a client deletes it. Recreate, for
   * Deployments: all pods end before new ones are created.
   */
  updateStrategy?: 'OnDelete' | 'Recreate';
  /**
   * How many pods may be missing during a rollout, such as `10%`; defaults to 1 for DaemonSets and 25% for Deployments.
   */
  maxUnavailable?: number | string;
  /** Deployments only: how many more pods there may be during a rollout; defaults to 25%. */
  maxSurge?: number | string;
  /** Seconds from the creation of a pod to its readiness; defaults to the world's knob. */
  readySeconds?: ReadySeconds;
  /** Seconds for which a pod must be ready before it is available. */
  minReadySeconds?: number;
  labels: Record<string, string>;
  /** Annotations of the workload itself. */
  annotations?: Record<string, string>;
  containers: ContainerTemplate[];
  initContainers?: ContainerTemplate[];
  /** Added to the selector for Linux, which every workload has. */
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
  /** Annotations of the pods, such as eks.amazonaws.com/skip-containers. */
  podAnnotations?: Record<string, string>;
  hostNetwork?: boolean;
  /** Volumes that all its containers mount. */
  volumes?: MountedVolume[];
}

/** Pod settings of an add-on, as users set them by configuration values. */
export interface PodSettings {
  nodeSelector?: Record<string, string>;
  /** Deployments and StatefulSets only. */
  replicas?: number;
  /** DaemonSets only. */
  maxUnavailable?: number | string;
  readySeconds?: ReadySeconds;
  /** A variable without workload or container applies to all of them. */
  env: (EnvVar & { workload?: string; container?: string })[];
  /** What containers run in place of the catalogue's; likewise. */
  software: ({ workload?: string; container?: string } & Partial<Omit<ContainerTemplate, 'name' | 'env'>>)[];
}

/** The objects that an add-on creates in a cluster. */
export interface AddonObjects {
  namespace: string;
  serviceAccounts: string[];
  workloads: WorkloadTemplate[];
  /** True if a scenario has recorded the workloads, images included. */
  recorded?: true;
  /** Kinds of custom resources that the add-on defines. */
  customKinds?: CustomKind[];
  /** Custom resources that the add-on creates itself. */
  customResources?: { group: string; plural: string; name: string }[];
}
