/**
 * What follows where a step fails once the first change may have been made: the migration holds, goes forward or back, or
 * a person decides (promise 10, ADR 53). It depends on what has changed by then, and on what has failed. The state
 * machine's catches are made of this table (`lib/migration/errors.ts`); docs/runbook.md explains it.
 */
import { classOf } from './errors.ts';

/**
 * - `hold`: the step is entered again, and everything stays as it is meanwhile.
 * - `forward`: it is recorded as migrated, with the failure.
 * - `back`: what was there before is restored.
 * - `person`: nothing more is changed, the associations stay, and the lock is kept for whoever decides.
 */
export type Onward = 'hold' | 'forward' | 'back' | 'person';

/** What has changed by the time at which a step fails. */
export type Stage =
  /** Nothing of the subject: at most the agent, a trust policy, or standalone associations beside the add-on's role. */
  | 'unchanged'
  /** The add-on is being deleted, or is gone. */
  | 'apart'
  /** The call that gives the associations was refused, or its effect is not known. */
  | 'changing'
  /** The associations exist, without all that those of before had. */
  | 'incomplete'
  /** The associations are as planned: new pods take EKS Pod Identity, and those that run follow. */
  | 'associated'
  /** Every pod is verified on EKS Pod Identity. */
  | 'verified';

/** The stage that each step of the change works in. */
export const STAGE_OF = {
  'install-agent': 'unchanged',
  'repair-trust': 'unchanged',
  'delete-addon': 'apart',
  'await-deleted': 'apart',
  'update-addon': 'changing',
  'create-addon': 'changing',
  'create-association': 'changing',
  'carry-over': 'incomplete',
  'await-active': 'associated',
  'verify-pods': 'associated',
  'restart-pods': 'associated',
  'annotate-service-account': 'verified',
} as const satisfies Record<string, Stage>;
/** A step after whose failure something may have to be put back. */
export type StepOfChange = keyof typeof STAGE_OF;

/** What has failed. */
export type FailureKind = 'time' | 'pods' | 'eks' | 'others' | 'rights' | 'asked' | 'lock' | 'unexpected';

const KINDS: Partial<Record<string, FailureKind>> = {
  PodsFailing: 'pods',
  PodsOnWrongIdentity: 'pods',
  AddonFailed: 'eks',
  InvalidRequest: 'eks',
  NotFound: 'eks',
  AddonChanged: 'others',
  AssociationChanged: 'others',
  ServiceAccountChanged: 'others',
  TrustChanged: 'others',
  AccessDenied: 'rights',
  Cancelled: 'asked',
  LockLost: 'lock',
  // Thrown before the change alone.
  WindowClosed: 'unexpected',
  WindowFarOff: 'unexpected',
};

/** Returns what has failed; an error that is none of ours is a defect, or what nobody has foreseen. */
export function failureKind(error: string): FailureKind {
  const kind = Object.hasOwn(KINDS, error) ? KINDS[error] : undefined;
  if (kind) return kind;
  const errorClass = classOf(error);
  return errorClass === 'retryable' || errorClass === 'waiting' ? 'time' : 'unexpected';
}

/** Before the associations are there as planned, going back is the smaller change, and nobody is on them for good. */
const TOWARDS_BEFORE: Record<FailureKind, Onward> = {
  time: 'hold',
  pods: 'back',
  eks: 'back',
  others: 'back',
  rights: 'back',
  asked: 'back',
  lock: 'person',
  unexpected: 'back',
};

export const ONWARD: Record<Stage, Record<FailureKind, Onward>> = {
  unchanged: TOWARDS_BEFORE,
  apart: TOWARDS_BEFORE,
  changing: TOWARDS_BEFORE,
  // A right that is missing here leaves pods with session tags that were disabled: not a state to hold.
  incomplete: TOWARDS_BEFORE,
  associated: {
    ...TOWARDS_BEFORE,
    // The pods have credentials, and the rollback would need the same right to look at them.
    rights: 'hold',
    // Neither pods nor EKS have failed, and the rollback ends with the very look that has just failed.
    unexpected: 'person',
  },
  verified: {
    ...TOWARDS_BEFORE,
    eks: 'forward',
    others: 'forward',
    rights: 'forward',
    unexpected: 'forward',
  },
};

/** Decides what follows where that step fails by that error. */
export function onwardFrom(step: StepOfChange, error: string): Onward {
  const stage: Stage = STAGE_OF[step];
  // Without its association a verified pod has no successor: new ones have the annotation's role alone.
  if (stage === 'verified' && error === 'AssociationChanged') return 'back';
  return ONWARD[stage][failureKind(error)];
}
