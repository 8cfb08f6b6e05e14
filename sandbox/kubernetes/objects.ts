/** Kubernetes objects as the sandbox keeps them: the API's own JSON, as far as its controllers and clients look. */
import type { Random } from '../world/random.ts';

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
export interface Container {
  name: string;
  image: string;
  env?: { name: string; value?: string }[];
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
  initContainers?: Container[];
  containers: Container[];
  volumes?: Volume[];
  nodeSelector?: Record<string, string>;
};
export type PodTemplate = { metadata: { labels?: Record<string, string>; annotations?: Record<string, string> }; spec: PodSpec };
export type Condition = { type: string; status: 'True' | 'False'; lastTransitionTime: string; reason?: string; message?: string };
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
};
export type DaemonSetSpec = {
  selector: { matchLabels: Record<string, string> };
  template: PodTemplate;
  updateStrategy?: { type: string; rollingUpdate?: RollingUpdate };
};
export interface Deployment extends KubeObject {
  kind: 'Deployment';
  spec: DeploymentSpec;
}
export interface DaemonSet extends KubeObject {
  kind: 'DaemonSet';
  spec: DaemonSetSpec;
}
export interface ReplicaSet extends KubeObject {
  kind: 'ReplicaSet';
  spec: { replicas: number; selector: { matchLabels: Record<string, string> }; template: PodTemplate };
}
/** What rolls out pods by itself. */
export type Workload = Deployment | DaemonSet;

/** Every kind that the API server has, by its name. */
export interface Kinds {
  Pod: Pod;
  ServiceAccount: KubeObject;
  Node: KubeObject;
  Namespace: KubeObject;
  Deployment: Deployment;
  DaemonSet: DaemonSet;
  ReplicaSet: ReplicaSet;
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
  /** The cluster's own, so that what happens in one cluster does not shift another's names. */
  random: Random;
}

/** One workload of an add-on, as the catalogue describes it. */
export interface WorkloadTemplate {
  kind: 'Deployment' | 'DaemonSet';
  name: string;
  serviceAccount: string;
  /** Deployments only. */
  replicas?: number;
  labels: Record<string, string>;
  containers: { name: string; image: string }[];
  initContainers?: { name: string; image: string }[];
  /** Annotations of its pods, such as eks.amazonaws.com/skip-containers. */
  podAnnotations?: Record<string, string>;
  hostNetwork?: boolean;
}

/** What an add-on puts into a cluster. */
export interface AddonObjects {
  namespace: string;
  serviceAccounts: string[];
  workloads: WorkloadTemplate[];
}
