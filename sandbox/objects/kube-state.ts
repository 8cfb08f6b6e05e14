/** The state of one cluster: its objects, and what the API server and the controllers remember about them. */
import type { Sdk } from './sdks.ts';
import type { Random } from '../random.ts';
import type { Owners } from './managed-fields-entry.ts';
import type {
  CustomKind,
  KubeObject,
  PastIdentity,
  PodTemplate,
  ReadySeconds,
  Workload,
  WorkloadTemplate,
} from './objects.ts';

/** Objects by `plural.group` (`pods.`, `deployments.apps`), then by `namespace/name` (cluster-scoped: `/name`). */
export interface KubeState {
  objects: Map<string, Map<string, KubeObject>>;
  resourceVersion: number;
  /** Number of ready pods of a workload over time, from which the disruption of a migration is computed. */
  readyHistory: { at: number; namespace: string; kind: Workload['kind']; workload: string; ready: number }[];
  /** The newest count in `readyHistory`, by the workload's uid. */
  readyCounts: Map<string, number>;
  /** Objects by the uid of their controller. */
  controlled: Map<string, Set<KubeObject>>;
  /** Recently removed objects, by `plural.group`, for watches. */
  removals: Map<string, Removals>;
  /**
   * Number of a controller's active (not terminating) and ready pods, by the controller's uid, and by `uid/hash` with
   * the hash of the pods' template.
   */
  tallies: Map<string, Tally>;
  /** Number of a controller's pods on each node that has one, including terminating pods; by the controller's uid. */
  heldNodes: Map<string, Map<string, number>>;
  /** Nodes on which pods of the Pod Identity agent never get ready. */
  agentDown: Set<string>;
  /** Time of the first call to the API server, by access key id; recorded only if `apiTokenLagSeconds` is set. */
  firstCalls: Map<string, number>;
  /** Nodes that no longer report: pods that terminate there are never removed. */
  lostNodes: Set<string>;
  /** Nodes on which DaemonSets run pods, by node selector; a cache that is cleared when nodes change. */
  daemonNodes: Map<string, string[]>;
  /** Workloads that a controller is about to reconcile, by uid. */
  pendingWorkloads: Set<string>;
  /** Namespaces whose budgets a controller is about to reconcile. */
  pendingBudgets: Set<string>;
  /** Hashes of pod templates, by what they mean: see `templateHash`. */
  templateHashes: Map<string, string>;
  /**
   * The revision that a StatefulSet's rollout starts from, by its uid: pods below the partition are created from it.
   */
  currentRevisions: Map<string, Revision>;
  /** How often the template of a DaemonSet has changed, by its uid; starts at 1, which is not stored. */
  templateGenerations: Map<string, number>;
  /** Seconds until a pod is ready, by the uid of its workload; other workloads use the world's default. */
  readySeconds: Map<string, ReadySeconds>;
  /** SDKs of containers, by the uid of their workload or pod; workloads without any declared are missing. */
  sdks: Map<string, ContainerSdks>;
  /**
   * Pods from before the sandbox opened that are still to be created, by `Kind namespace/name` of their workload, in
   * this order.
   */
  pastPods: Map<string, PastPod[]>;
  /** Managers of the fields that clients have written, by the object's uid. */
  managedFields: Map<string, Owners>;
  /** The manifest that a workload was created from, by its uid. */
  applied: Map<string, AppliedManifest>;
  /** The template that a controller created a pod from, by the pod's uid. */
  podTemplates: Map<string, PodTemplate>;
  /** The last write of the status of an object by its controller, by the object's uid. */
  statusWrites: Map<string, StatusWrite>;
  /** AWS credentials of pods, by pod uid and then by credential source. */
  sessions: Map<string, Map<string, PodSession>>;
  /** The role that a service account's annotation named when a pod with claims was created, by the pod's uid. */
  mountRoles: Map<string, string>;
  /** Defined custom resources, by `plural.group`. */
  customKinds: Map<string, CustomKind>;
  /** Remaining items of paginated lists, oldest first. */
  snapshots: ListSnapshot[];
  /** The cluster's own generator, so that events in one cluster do not change names in another. */
  random: Random;
}

/** One pod from before the sandbox opened. `createdAt`: milliseconds since 1970. */
export interface PastPod extends PastIdentity {
  createdAt: number;
  /** How often its containers were restarted. */
  restarts: number;
}

/** Credentials that a pod holds. Times are milliseconds since 1970. */
export interface PodSession {
  roleArn: string;
  /** Time from which the session is renewed. */
  renewAt: number;
  expiresAt: number;
}

/** `at`: milliseconds since 1970. `counts`: those of a budget that have not always been 0. */
export interface StatusWrite {
  at: number;
  counts?: Set<string>;
}

/** What a manager applied: `eks`, with the add-on's name, or another manager. */
export interface AppliedManifest {
  manager: string;
  addon?: string;
  manifest: WorkloadTemplate;
  restarted: boolean;
}

/** The SDK of an image: a container that gets another image has an SDK that is new enough. */
export interface ImageSdk {
  image: string;
  sdk: Sdk;
}
/** By the name of the container. */
export type ContainerSdks = ReadonlyMap<string, ImageSdk>;

export interface Tally {
  active: number;
  ready: number;
}

/** Contents of a ControllerRevision: a pod template, and the revision name with which its pods are labelled. */
export interface Revision {
  name: string;
  template: PodTemplate;
}

/** The latest removals of a resource, oldest first. */
export interface Removals {
  recent: { resourceVersion: number; object: KubeObject }[];
  /** resourceVersion of the latest removal that is no longer among them. */
  forgotten: number;
}

/** The rest of a list as it was when its first page was returned. */
export interface ListSnapshot {
  resourceVersion: number;
  takenAt: number;
  /** Identifies the list: resource, namespace and selectors. */
  list: string;
  /** Items are stored as JSON, because the objects continue to change. */
  items: { position: string; json: string }[];
}
