/** States of clusters and add-ons of a fleet, and the class of each add-on in a sweep. */
import type { SweepClass } from '../../lambdas/domain/sweep/model.ts';

/** In a state other than `ordinary` and `auto-mode`, only that state keeps IRSA add-ons from being ready. */
export type ClusterState =
  | 'ordinary'
  | 'auto-mode'
  /** The Pod Identity agent is not installed. */
  | 'no-agent'
  /** All its pods run on Fargate. */
  | 'fargate-only'
  /** It has no access entries for the service. */
  | 'no-access'
  /** Its tag excludes everything in it. */
  | 'tagged-out'
  /** It is being deleted. */
  | 'deleting'
  /** Its API server does not answer. */
  | 'unreachable';

export type AddonState =
  | 'on-pod-identity'
  | 'ready'
  /** Ready: its service account has a conflicting association that the migration may delete. */
  | 'left-over-association'
  /** Ready: another add-on, of this cluster or another, has the same role. */
  | 'shared-role'
  /** Its role's trust policy has no statement for EKS Pod Identity. */
  | 'no-trust'
  /** Its role's trust policy has a Deny. */
  | 'trust-denies'
  /** Its role's trust policy names only the OIDC provider of another cluster. */
  | 'wrong-provider'
  /** Its version supports no associations, a newer one does. */
  | 'too-old'
  /** It has a role, but none of its versions supports associations. */
  | 'unsupported'
  /** A third-party tool manages an association of its service account. */
  | 'foreign-association'
  | 'degraded'
  | 'tagged-out'
  /** It supports associations, but has neither associations nor a role. */
  | 'node-role'
  /** It needs no AWS permissions. */
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
  unsupported: 'keep-irsa',
  'foreign-association': 'blocked',
  degraded: 'blocked',
  'tagged-out': 'not-concerned',
  'node-role': 'node-role',
  'not-concerned': 'not-concerned',
};

/** Class of an otherwise ready add-on, by the state of its cluster. */
const READY_IN: Record<ClusterState, SweepClass> = {
  ordinary: 'ready',
  'auto-mode': 'ready',
  'no-agent': 'blocked',
  'fargate-only': 'keep-irsa',
  'no-access': 'blocked',
  'tagged-out': 'not-concerned',
  deleting: 'unreachable',
  unreachable: 'unreachable',
};

export const classOf = (cluster: ClusterState, addon: AddonState): SweepClass => {
  if (cluster === 'deleting') return 'unreachable';
  // The tag of the cluster excludes all add-ons, whatever their states.
  if (cluster === 'tagged-out') return 'not-concerned';
  return CLASSES[addon] === 'ready' ? READY_IN[cluster] : CLASSES[addon];
};

/** How often each state is dealt. For add-ons: those of ordinary clusters that can use a role. */
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
/** The same for clusters in a special state, which alone should determine the result. */
export const PLAIN_SHARES: readonly (readonly [AddonState, number])[] = [
  ['ready', 4],
  ['on-pod-identity', 1],
  ['node-role', 1],
];
