/** The state of one cluster: its objects, and what the API server and the controllers remember about them. */
import type { Sdk } from '../credentials/sdks.ts';
import type { Random } from '../world/random.ts';
import type { FieldSet } from './field-sets.ts';
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
  /** resourceVersion of the latest removal, by `plural.group`. */
  removals: Map<string, number>;
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
  /** Managers of the fields of a workload, by its uid. */
  fieldOwners: Map<string, FieldOwners>;
  /** The manager that set a service account's IRSA annotation, and when (milliseconds since 1970), by its uid. */
  annotators: Map<string, { manager: string; at: number }>;
  /** Likewise the manager that applied a service account, where the scenario names one. */
  appliers: Map<string, { manager: string; at: number }>;
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

export interface FieldOwners {
  /** The manager that applied the manifest, and when: `eks`, with the add-on's name, or another manager. */
  applied: { manager: string; addon?: string; manifest: WorkloadTemplate; at: number; restarted: boolean };
  /** Fields that other managers have set since, oldest first. */
  edits: (FieldOwner & { fields: FieldSet; at: number })[];
}

/** The owner of fields: a manager, and the subresource through which it set them. */
export interface FieldOwner {
  manager: string;
  /** Undefined if the manager wrote the object itself. */
  subresource?: 'scale';
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

/** The rest of a list as it was when its first page was returned. */
export interface ListSnapshot {
  resourceVersion: number;
  takenAt: number;
  /** Identifies the list: resource, namespace and selectors. */
  list: string;
  /** Items are stored as JSON, because the objects continue to change. */
  items: { position: string; json: string }[];
}
