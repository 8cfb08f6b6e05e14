/** What the sandbox keeps of one cluster: its objects, and what the API server and the controllers remember of them. */
import type { Random } from '../world/random.ts';
import type { FieldSet } from './field-sets.ts';
import type { CustomKind, KubeObject, PodTemplate, ReadySeconds, Workload, WorkloadTemplate } from './objects.ts';

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
  /** When who has a key first asked the API server, by the key's id; kept where `apiTokenLagSeconds` asks for it. */
  firstCalls: Map<string, number>;
  /** Nodes that nobody hears of any more: pods that are to end there never do. */
  lostNodes: Set<string>;
  /** Nodes that DaemonSets have pods on, by what they select; kept until nodes change. */
  daemonNodes: Map<string, string[]>;
  /** Workloads that a controller is about to look at, by uid. */
  pendingWorkloads: Set<string>;
  /** Namespaces whose budgets a controller is about to look at. */
  pendingBudgets: Set<string>;
  /** The revision that a StatefulSet's rollout comes from, by its uid: pods below the partition are made of it. */
  currentRevisions: Map<string, Revision>;
  /** Seconds until a pod is ready, by the uid of its workload; those of the world for all others. */
  readySeconds: Map<string, ReadySeconds>;
  /** Who set the fields of a workload, by its uid. */
  fieldOwners: Map<string, FieldOwners>;
  /** Who set the IRSA annotation of a service account, and when (milliseconds since 1970), by its uid. */
  annotators: Map<string, { manager: string; at: number }>;
  /** What its pods have of AWS, by pod uid and then by where they have it from. */
  sessions: Map<string, Map<string, PodSession>>;
  /** Custom resources that are defined, by `plural.group`. */
  customKinds: Map<string, CustomKind>;
  /** What lists that came in pages still have to give, oldest first. */
  snapshots: ListSnapshot[];
  /** The cluster's own, so that what happens in one cluster does not shift another's names. */
  random: Random;
}

/** A session that a pod holds. Times are milliseconds since 1970. */
export interface PodSession {
  roleArn: string;
  /** When the pod renews it. */
  renewAt: number;
  expiresAt: number;
}

export interface FieldOwners {
  /** Who applied the manifest, and when: `eks`, with the add-on's name, or another manager. */
  applied: { manager: string; addon?: string; manifest: WorkloadTemplate; at: number; restarted: boolean };
  /** What others have set since, oldest first. */
  edits: (FieldOwner & { fields: FieldSet; at: number })[];
}

/** Whose fields are: a manager's, by the subresource that it set them through. */
export interface FieldOwner {
  manager: string;
  /** Left out: it has written the object itself. */
  subresource?: 'scale';
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
