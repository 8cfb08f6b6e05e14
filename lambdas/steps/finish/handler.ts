/**
 * Writes the outcome into the ledger and lets go of the locks; where a person is needed, the exact commands with it.
 * Idempotency: an end that is recorded stands; one of an execution that another has taken the migration over from is
 * not written. `needs-human` keeps the lock on what it migrates, so that nothing else starts on it. Failure: commands
 * for a state that can't be looked at are written for any state.
 */
import { pendingApproval } from '../../domain/approval/approval.ts';
import { LEFT_AS_CHANGED } from '../../domain/rollback/decisions.ts';
import { TRUST_NOT_RESTORED, TRUST_TO_EDIT, trustNotOwn, trustNotRestored } from '../../domain/hand-off/trust.ts';
import { HEALTH_AT_END } from '../../domain/hand-off/health.ts';
import { endedBy, LAST_ROLLBACK } from '../../domain/failures/ended-by.ts';
import { outcomeMetric } from '../../domain/events/metrics.ts';
import type { Check, Failure, Migration, Outcome } from '../../domain/migration/model.ts';
import { subjectOf } from '../../domain/migration/subject.ts';
import { standingTrustChanges } from '../../domain/rollback/recovery.ts';
import { endedRollback, requestedRollback } from '../../domain/rollback/rollback.ts';
import { warn } from '../../domain/plan/check.ts';
import { asClause } from '../../domain/text/text.ts';
import {
  ANNOTATION_LEFT,
  annotationLeft,
  IDENTITY_LOST,
  PODS_NOT_SEEN,
  podsNotSeen,
} from '../../domain/verification/pods.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { caughtFailure } from '../../runtime/caught.ts';
import { handOff, leftByDecision, NO_HAND_OFF } from '../../use-cases/rollback/hand-off.ts';
import { subjectLock } from '../../use-cases/migration/lock.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { strangeRepair } from '../../use-cases/migration/trust.ts';
import { utcNow } from '../../runtime/utc.ts';
import { freeWaitingSlots } from '../../use-cases/waiting/waiting-slots.ts';
import { finishSchema } from './schema.ts';

/**
 * A deployment that no longer changes trust policies has no step that could undo, or tell of, what an earlier one
 * changed; and what the ledger notes that this service does not make is told of at every such end.
 */
function trustWarnings({ warnings, request, ...record }: Migration, outcome: Outcome): Check[] {
  const isBack = outcome === 'rolled-back';
  if ((!isBack && outcome !== 'needs-human') || warnings.some((one) => one.id === TRUST_NOT_RESTORED)) return [];
  return standingTrustChanges(record).flatMap((change) => {
    const strange = strangeRepair({ request, ...record }, change);
    if (strange !== undefined) return [trustNotOwn(change, strange)];
    // A hand-off has the commands of the others.
    return isBack ? [trustNotRestored(change, request.target, 'this deployment may not change trust policies')] : [];
  });
}

type Verified = 'migrated' | 'rolled-back';
/** Ends that are reached only when the pods, or EKS where no more was asked for, have shown that it is so. */
const isVerified = (outcome: Outcome): outcome is Verified => outcome === 'migrated' || outcome === 'rolled-back';

/**
 * That nobody looked at the pods is said at the end that it was so for, not at an earlier one of the same migration.
 */
function podsWarnings({ request, plan }: Migration, outcome: Outcome): Check[] {
  if (!isVerified(outcome) || request.verification === 'injected') return [];
  return [podsNotSeen(outcome, subjectOf(request), request.target, plan?.associations ?? [])];
}

/** Taken off, and not put back since. */
const isOff = (change: Migration['annotationChange']): boolean =>
  change?.writtenAt !== undefined && change.undoneAt === undefined;

/** What was asked for, and could not be done: the pods do without it. */
function annotationWarnings(
  { request: { annotation, serviceAccount, target }, annotationChange, plan }: Migration,
  outcome: Outcome,
): Check[] {
  if (
    outcome !== 'migrated' ||
    annotation !== 'remove' ||
    !serviceAccount ||
    isOff(annotationChange) ||
    plan?.serviceAccount?.roleArn === undefined
  )
    return [];
  return [annotationLeft(serviceAccount, target)];
}

/** The record's failure is the first one: that of a rollback on demand is told with the hand-off. */
const lastRollback = (failure: Failure): Check => {
  const { name, message } = endedBy(failure).last;
  return warn(
    LAST_ROLLBACK,
    `The last rollback on demand did not end either: ${name}: ${asClause(message)}.`,
    'Run the commands of the hand-off: they are for the state that was there after it.',
  );
};

/** Warnings that are made anew for each end, or that are no longer true of it: after a rollback nothing is lost. */
const ofEnd = (outcome: Outcome): string[] => [
  PODS_NOT_SEEN,
  ANNOTATION_LEFT,
  HEALTH_AT_END,
  TRUST_TO_EDIT,
  LEFT_AS_CHANGED,
  LAST_ROLLBACK,
  ...(outcome === 'rolled-back' ? [IDENTITY_LOST] : []),
];

/** Nobody is waited for any more. */
async function closeApproval(
  { migrationId, approvals }: Migration,
  { ledger, clock }: Pick<HandlerDependencies, 'ledger' | 'clock'>,
): Promise<void> {
  const pending = pendingApproval(approvals);
  if (!pending) return;
  const { round, planHash, expiresAt } = pending;
  await ledger.decideApproval(migrationId, {
    round,
    planHash,
    state: clock.now() < Date.parse(expiresAt) ? 'withdrawn' : 'expired',
    decidedAt: utcNow(clock),
  });
}

const run: StepRun<typeof finishSchema> = async (
  { migrationId, executionArn, target, subject, outcome, failure },
  dependencies,
) => {
  const { ledger, clock, telemetry } = dependencies;
  const record = await ledger.getMigration(migrationId);
  const isOurs = record?.executionArn === undefined || record.executionArn === executionArn;
  // One whose rollback is requested had ended before: this end is recorded already.
  const isOpen = record !== undefined && record.status !== 'ended' && !requestedRollback(record);
  if (isOpen && isOurs) {
    // Of a migration that was recovered the first failure is the one that tells why.
    const first = record.recovery || record.rollback ? record.failure : undefined;
    const latest = failure && caughtFailure(failure);
    const kept = first ?? latest;
    const { commands, findings } =
      outcome === 'needs-human' ? await handOff(record, dependencies, latest) : NO_HAND_OFF;
    const left = outcome === 'rolled-back' ? await leftByDecision(record, dependencies) : [];
    const endedAt = utcNow(clock);
    const rollback = endedRollback(record, { outcome, endedAt, failure: latest });
    await ledger.updateMigration(
      migrationId,
      {
        outcome,
        status: 'ended',
        endedAt,
        ...(rollback ? { rollback } : {}),
        verified: isVerified(outcome) ? record.request.verification : 'none',
        ...(kept ? { failure: kept } : {}),
        handOff: commands,
        warnings: [
          ...record.warnings.filter(({ id }) => !ofEnd(outcome).includes(id)),
          ...podsWarnings(record, outcome),
          ...annotationWarnings(record, outcome),
          ...findings,
          ...left,
          ...(first && latest && outcome === 'needs-human' ? [lastRollback(latest)] : []),
          ...trustWarnings(record, outcome),
        ],
      },
      outcome,
    );
  }
  if (isOurs && record) await closeApproval(record, dependencies);
  // Every other end comes after `begin`, which has freed what the migration had.
  if (isOurs && record && outcome === 'blocked') await freeWaitingSlots(record, dependencies);
  // A person must hear of it: rather twice than not at all, where the reply to the record was lost.
  if (isOurs && (isOpen || outcome === 'needs-human')) telemetry.count(outcomeMetric(outcome));
  const own = subjectLock(target, subject);
  for (const key of new Set([own, ...(record?.locks ?? [])])) {
    // Others with the same role need not wait for the person.
    await (outcome === 'needs-human' && key === own
      ? ledger.parkLock(key, executionArn)
      : ledger.releaseLock(key, executionArn));
  }
  return { outcome };
};

export const finishStep = step(finishSchema, run);
