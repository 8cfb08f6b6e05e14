/** The states that clusters and add-ons of a fleet are in, and the class that a sweep puts each add-on into. */
import type { SweepClass } from '../../lambdas/domain/sweep/model.ts';

/** Each IRSA add-on of a cluster that is not `ordinary` or `auto-mode` would be ready but for that. */
export type ClusterState =
  | 'ordinary'
  | 'auto-mode'
  /** The Pod Identity agent is not installed. */
  | 'no-agent'
  /** All its pods run on Fargate. */
  | 'fargate-only'
  /** Its access entries leave the service out. */
  | 'no-access'
  /** Its tag says that nothing in it shall be migrated. */
  | 'tagged-out'
  /** It is being deleted. */
  | 'deleting'
  /** Its API server answers nobody. */
  | 'unreachable';

export type AddonState =
  | 'on-pod-identity'
  | 'ready'
  /** Ready: an association of its service account stands in the way that the migration may delete. */
  | 'left-over-association'
  /** Ready: its role is another add-on's too, of this cluster or another. */
  | 'shared-role'
  /**
   * Of its role's trust policy: no statement for EKS Pod Identity, a Deny, or the OIDC provider of another cluster
   * alone.
   */
  | 'no-trust'
  | 'trust-denies'
  | 'wrong-provider'
  /** Its version takes no associations, a newer one does. */
  | 'too-old'
  /** No version of it takes associations, yet it has a role. */
  | 'unsupported'
  /** Somebody's tool manages an association of its service account. */
  | 'foreign-association'
  | 'degraded'
  | 'tagged-out'
  /** It could take associations, and has neither these nor a role. */
  | 'node-role'
  /** It needs no rights in AWS. */
  | 'not-concerned';

const CLASSES: Record<AddonState, SweepClass> = {
  'on-pod-identity': 'on-pod-identity',
  ready: 'ready',
  'left-over-association': 'ready',
  'shared-role': 'ready',
  'no-trust': 'blocked',
  'trust-denies': 'blocked',
  'wrong-provider': 'blocked',
  'too-old': 'blocked',
  unsupported: 'blocked',
  'foreign-association': 'blocked',
  degraded: 'blocked',
  'tagged-out': 'not-concerned',
  'node-role': 'node-role',
  'not-concerned': 'not-concerned',
};

/** What becomes of an add-on that would be ready. */
const READY_IN: Record<ClusterState, SweepClass> = {
  ordinary: 'ready',
  'auto-mode': 'ready',
  'no-agent': 'blocked',
  'fargate-only': 'blocked',
  'no-access': 'blocked',
  'tagged-out': 'not-concerned',
  deleting: 'unreachable',
  unreachable: 'unreachable',
};

export const classOf = (cluster: ClusterState, addon: AddonState): SweepClass => {
  if (cluster === 'deleting') return 'unreachable';
  // Its tag leaves out all that is in it, whatever their states: they are not looked into.
  if (cluster === 'tagged-out') return 'not-concerned';
  return CLASSES[addon] === 'ready' ? READY_IN[cluster] : CLASSES[addon];
};

/** How often each is dealt. Of add-ons: those of ordinary clusters that can use a role. */
export const CLUSTER_SHARES: readonly (readonly [ClusterState, number])[] = [
  ['ordinary', 12],
  ['auto-mode', 2],
  ['no-agent', 1],
  ['fargate-only', 1],
  ['no-access', 1],
  ['tagged-out', 1],
  ['deleting', 1],
  ['unreachable', 1],
];
export const ADDON_SHARES: readonly (readonly [AddonState, number])[] = [
  ['ready', 12],
  ['on-pod-identity', 4],
  ['node-role', 2],
  ['left-over-association', 1],
  ['shared-role', 2],
  ['no-trust', 1],
  ['trust-denies', 1],
  ['wrong-provider', 1],
  ['too-old', 1],
  ['foreign-association', 1],
  ['degraded', 1],
  ['tagged-out', 1],
];
/** The same in clusters that are in a state of their own, where that alone shall decide. */
export const PLAIN_SHARES: readonly (readonly [AddonState, number])[] = [
  ['ready', 4],
  ['on-pod-identity', 1],
  ['node-role', 1],
];
