/** Kubernetes objects as the sandbox keeps them: the API's own JSON, as far as its controllers and clients look. */
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
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  [key: string]: unknown;
}

export interface VolumeMount {
  name: string;
  readOnly?: boolean;
  mountPath: string;
}
export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string; key: string; optional?: boolean } };
}
export interface Container {
  name: string;
  image: string;
  env?: EnvVar[];
  resources?: Record<string, unknown>;
  volumeMounts?: VolumeMount[];
}
export interface Volume {
  name: string;
  projected?: { sources: Record<string, unknown>[] };
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
export type PodStatus = { phase: 'Pending' | 'Running'; conditions: Condition[]; [key: string]: unknown };

export interface Pod extends KubeObject {
  spec: PodSpec;
  status: PodStatus;
}

export type RollingUpdate = { maxSurge?: number | string; maxUnavailable?: number | string };
export type DeploymentSpec = {
  replicas: number;
  selector: { matchLabels: Record<string, string> };
  template: PodTemplate;
  strategy?: { type: string; rollingUpdate?: RollingUpdate };
  revisionHistoryLimit?: number;
  paused?: boolean;
};
export type DaemonSetSpec = {
  selector: { matchLabels: Record<string, string> };
  template: PodTemplate;
  updateStrategy?: { type: string; rollingUpdate?: RollingUpdate };
};
export type StatefulSetSpec = {
  replicas: number;
  serviceName: string;
  /** OrderedReady where it is left out. */
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
/** What rolls out pods by itself. */
export type Workload = Deployment | DaemonSet | StatefulSet;

/** As selectors stand in objects; left out: nothing is selected, empty: everything. */
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
  /** Pods that were evicted and still look healthy, with the time. */
  disruptedPods?: Record<string, string>;
  conditions?: (Condition & { observedGeneration?: number })[];
};
export interface Budget extends KubeObject {
  kind: 'PodDisruptionBudget';
  spec: BudgetSpec;
  status: BudgetStatus;
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

/** Every kind that the API server has, by its name. */
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
  Role: Role;
  ClusterRole: Role<'ClusterRole'>;
  RoleBinding: Binding;
  ClusterRoleBinding: Binding<'ClusterRoleBinding'>;
  MutatingWebhookConfiguration: KubeObject;
}
export type Kind = keyof Kinds;

/** What a CustomResourceDefinition says. */
export interface CustomKind {
  group: string;
  /** All are served; the first is the preferred one. */
  versions: string[];
  plural: string;
  kind: string;
  shortNames?: string[];
  namespaced: boolean;
}

/** Seconds from the creation of a pod to its readiness: the same for all, or each pod's own between two bounds. */
export type ReadySeconds = number | { min: number; max: number };

/** One workload of an add-on, as the catalogue describes it. */
export interface WorkloadTemplate {
  kind: Workload['kind'];
  name: string;
  serviceAccount: string;
  /** Not of DaemonSets. */
  replicas?: number;
  /** Deployments only: a changed template is not rolled out. */
  paused?: boolean;
  /** Not of Deployments: a pod is replaced once somebody deletes it. */
  updateStrategy?: 'OnDelete';
  /** Of a DaemonSet: how many nodes may be without a ready pod while it rolls, such as `10%`; 1 where it is left out. */
  maxUnavailable?: number | string;
  /** From the creation of a pod to its readiness; that of the world where it is left out. */
  readySeconds?: ReadySeconds;
  labels: Record<string, string>;
  containers: { name: string; image: string; env?: EnvVar[] }[];
  initContainers?: { name: string; image: string; env?: EnvVar[] }[];
  /** Beside Linux, which each is made for. */
  nodeSelector?: Record<string, string>;
  /** Annotations of its pods, such as eks.amazonaws.com/skip-containers. */
  podAnnotations?: Record<string, string>;
  hostNetwork?: boolean;
}

/** What people have set of an add-on's pods, as they do by its configuration values. */
export interface PodSettings {
  nodeSelector?: Record<string, string>;
  /** Not of DaemonSets. */
  replicas?: number;
  /** Of DaemonSets. */
  maxUnavailable?: number | string;
  readySeconds?: ReadySeconds;
  /** Of the named workload and container, else of all. */
  env: (EnvVar & { workload?: string; container?: string })[];
}

/** What an add-on puts into a cluster. */
export interface AddonObjects {
  namespace: string;
  serviceAccounts: string[];
  workloads: WorkloadTemplate[];
  /** The custom resources that it defines, and those of them that it makes itself. */
  customKinds?: CustomKind[];
  customResources?: { group: string; plural: string; name: string }[];
}
