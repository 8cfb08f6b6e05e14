/**
 * Decides what follows when a step fails after the first change may have been made: the migration holds, continues or
 * rolls back, or a person decides (promise 10, ADR 53). The decision depends on what has changed by then, and on what
 * has
 * failed. The state machine's catches are generated from this table (`lib/migration/errors.ts`); docs/runbook.md
 * explains it.
 */
import { classOf } from './errors.ts';
import { STAGE_OF, type Stage, type StepOfChange } from '../steps/work.ts';

/**
 * - `hold`: the step is entered again, and nothing is changed in the meantime.
 * - `forward`: the migration is recorded as migrated, with the failure.
 * - `back`: the previous state is restored.
 * - `person`: nothing more is changed, the associations stay, and the lock is kept for the person who decides.
 */
export type Onward = 'hold' | 'forward' | 'back' | 'person';

/** What has failed. */
export type FailureKind = 'time' | 'pods' | 'eks' | 'others' | 'rights' | 'asked' | 'lock' | 'unexpected';

const KINDS: Partial<Record<string, FailureKind>> = {
  PodsFailing: 'pods',
  PodsOnWrongIdentity: 'pods',
  AgentMissing: 'pods',
  AddonFailed: 'eks',
  InvalidRequest: 'eks',
  NotFound: 'eks',
  AddonChanged: 'others',
  AssociationChanged: 'others',
  ServiceAccountChanged: 'others',
  ConsumersAppeared: 'others',
  TrustChanged: 'others',
  AccessDenied: 'rights',
  Cancelled: 'asked',
  LockLost: 'lock',
  // Thrown before the change alone.
  WindowClosed: 'unexpected',
  WindowFarOff: 'unexpected',
};

/** Returns what has failed. An error that is not one of this service is a defect, or an unforeseen condition. */
export function failureKind(error: string): FailureKind {
  const kind = Object.hasOwn(KINDS, error) ? KINDS[error] : undefined;
  if (kind) return kind;
  const errorClass = classOf(error);
  return errorClass === 'retryable' || errorClass === 'waiting' ? 'time' : 'unexpected';
}

/** Until the associations are as planned, a rollback is the smaller change, and no pod depends on them permanently. */
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
  // A permission that is missing here leaves pods with session tags that should be disabled: this state must not be
  // held.
  incomplete: TOWARDS_BEFORE,
  associated: {
    ...TOWARDS_BEFORE,
    // The pods have credentials, and the rollback would need the same permission to read them.
    rights: 'hold',
    // Neither pods nor EKS have failed, and the rollback ends with the same verification that has just failed.
    unexpected: 'person',
  },
  injected: {
    ...TOWARDS_BEFORE,
    // The pods have been verified as far as the level `injected`; only the next level cannot be observed.
    rights: 'hold',
    unexpected: 'forward',
  },
  verified: {
    ...TOWARDS_BEFORE,
    eks: 'forward',
    others: 'forward',
    rights: 'forward',
    unexpected: 'forward',
  },
};

/** Decides what follows when the step fails with the error. */
export function onwardFrom(step: StepOfChange, error: string): Onward {
  const stage: Stage = STAGE_OF[step];
  // Without the association, pods that replace the verified pods would have only the annotation's role.
  if (stage === 'verified' && error === 'AssociationChanged') return 'back';
  return ONWARD[stage][failureKind(error)];
}
