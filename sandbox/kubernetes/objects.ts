/** Kubernetes objects as the sandbox keeps them: the API's own JSON, as far as its controllers and clients look. */
import type { Random } from '../world/random.ts';
import type { FieldSet } from './field-sets.ts';

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

/** Objects by `plural.group` (`pods.`, `deployments.apps`), then by `namespace/name` (cluster-scoped: `/name`). */
export interface KubeState {
  objects: Map<string, Map<string, KubeObject>>;
  resourceVersion: number;
  /** How many ready pods of a workload there were and since when: for the disruption that a migration caused. */
  readyHistory: { at: number; namespace: string; kind: Workload['kind']; workload: string; ready: number }[];
  /** The newest count in `readyHistory`, by the workload's uid. */
  readyCounts: Map<string, number>;
  /** Objects by the uid of their controller. */
  controlled: Map<string, Set<KubeObject>>;
  /** resourceVersion of the newest removal, by `plural.group`. */
  removals: Map<string, number>;
  /**
   * How many of a controller's pods are there (and not on their way out) and ready, by its uid, and by `uid/hash` of
   * their template.
   */
  tallies: Map<string, Tally>;
  /** Nodes on which a controller has a pod, terminating ones too; by its uid. */
  heldNodes: Map<string, Set<string>>;
  /** Nodes on which pods of the Pod Identity agent never get ready. */
  agentDown: Set<string>;
  /** Nodes that DaemonSets have pods on, by what they select; kept until nodes change. */
  daemonNodes: Map<string, string[]>;
  /** Workloads that a controller is about to look at, by uid. */
  pendingWorkloads: Set<string>;
  /** Namespaces whose budgets a controller is about to look at. */
  pendingBudgets: Set<string>;
  /** The revision that a StatefulSet's rollout comes from, by its uid: pods below the partition are made of it. */
  currentRevisions: Map<string, Revision>;
  /** Who set the fields of a workload, by its uid. */
  fieldOwners: Map<string, FieldOwners>;
  /** Who set the IRSA annotation of a service account, and when (milliseconds since 1970), by its uid. */
  annotators: Map<string, { manager: string; at: number }>;
  /** Custom resources that are defined, by `plural.group`. */
  customKinds: Map<string, CustomKind>;
  /** What lists that came in pages still have to give, oldest first. */
  snapshots: ListSnapshot[];
  /** The cluster's own, so that what happens in one cluster does not shift another's names. */
  random: Random;
}

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

export interface FieldOwners {
  /** Who applied the manifest, and when: `eks`, with the add-on's name, or another manager. */
  applied: { manager: string; addon?: string; manifest: WorkloadTemplate; at: number; restarted: boolean };
  /** What others have set since, oldest first. */
  edits: { manager: string; fields: FieldSet; at: number }[];
}

export interface Tally {
  active: number;
  ready: number;
}

/** What a ControllerRevision says: a pod template under the name that its pods carry. */
export interface Revision {
  name: string;
  template: PodTemplate;
}

/** The rest of a list as it was when its first page was given. */
export interface ListSnapshot {
  resourceVersion: number;
  takenAt: number;
  /** What was listed: path and selectors. */
  list: string;
  /** JSON, since the objects go on changing. */
  items: { position: string; json: string }[];
}

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
