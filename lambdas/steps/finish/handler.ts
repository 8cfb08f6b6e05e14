/**
 * Writes the outcome into the ledger and releases the locks; if a person is needed, adds the exact commands.
 * Idempotency: a recorded end is kept; an execution whose migration another execution has taken over writes no end.
 * `needs-human` keeps the subject's lock, so that no other migration starts on it. Failure: if the present state can't be
 * read, the commands are written so that they work in any state.
 */
import { PODS_LEFT_BEHIND } from '../../domain/rollback/unreplaced-pods.ts';
import { IRSA_NOT_READ } from '../../domain/rollback/irsa.ts';
import { LEFT_AS_CHANGED } from '../../domain/rollback/decisions.ts';
import {
  TRUST_NOT_RESTORED,
  TRUST_TO_EDIT,
  trustNotOwn,
  trustNotRestored,
} from '../../domain/restore-commands/trust.ts';
import { HEALTH_AT_END } from '../../domain/restore-commands/health.ts';
import { endedBy, LAST_ROLLBACK } from '../../domain/failures/ended-by.ts';
import { outcomeMetric } from '../../domain/events/metrics.ts';
import { type Check, warn } from '../../domain/terms/check.ts';
import type { Failure, Outcome } from '../../domain/terms/outcome.ts';
import type { Migration } from '../../domain/record/migration.ts';
import { readsPods } from '../../domain/request/request.ts';
import { subjectOf } from '../../domain/terms/subject.ts';
import { standingTrustChanges } from '../../domain/rollback/recovery.ts';
import { endedRollback, requestedRollback } from '../../domain/record/rollback.ts';
import { asClause } from '../../domain/text/text.ts';
import {
  ANNOTATION_LEFT,
  ANNOTATION_USED,
  annotationLeft,
  CREDENTIALS_UNKNOWN,
  IDENTITY_LOST,
  PODS_NOT_SEEN,
  podsNotSeen,
} from '../../domain/verification/pods.ts';
import {
  STABILITY_NOT_OBSERVED,
  STABILITY_WARNINGS,
  stabilityNotObserved,
} from '../../domain/verification/stability-warnings.ts';
import { NO_PODS_TO_VERIFY, PODS_NOT_REPLACED } from '../../domain/verification/unreplaced.ts';
import { caughtFailure } from '../../runtime/caught.ts';
import { closeApproval } from '../../use-cases/approval/close.ts';
import { restoreCommands, leftByDecision, NO_RESTORE_COMMANDS } from '../../use-cases/rollback/restore-commands.ts';
import { subjectLock } from '../../use-cases/record/lock.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { strangeRepair } from '../../use-cases/migration/trust.ts';
import { utcNow } from '../../runtime/utc.ts';
import { freeWaitingSlots } from '../../use-cases/waiting/waiting-slots.ts';
import { finishSchema } from './schema.ts';

/**
 * Returns warnings about trust policies that were not restored. A deployment that no longer changes trust policies has
 * no step that could undo or report an earlier change; and a noted change that this service does not make is reported at
 * every end of this kind.
 */
function trustWarnings({ warnings, request, ...record }: Migration, outcome: Outcome): Check[] {
  const isBack = outcome === 'rolled-back';
  if ((!isBack && outcome !== 'needs-human') || warnings.some((one) => one.id === TRUST_NOT_RESTORED)) return [];
  return standingTrustChanges(record).flatMap((change) => {
    const strange = strangeRepair({ request, ...record }, change);
    if (strange !== undefined) return [trustNotOwn(change, strange)];
    // The restore commands include the other changes.
    return isBack ? [trustNotRestored(change, request.target, 'this deployment may not change trust policies')] : [];
  });
}

type Verified = 'migrated' | 'rolled-back';
/** Returns whether the outcome is reached only after the pods, or EKS if the request asks for no more, have confirmed it. */
const isVerified = (outcome: Outcome): outcome is Verified => outcome === 'migrated' || outcome === 'rolled-back';

/**
 * Returns the warning that no pods were read. It belongs to the end for which it is true, not to an earlier end of the
 * same migration.
 */
function podsWarnings({ request, plan }: Migration, outcome: Outcome): Check[] {
  if (!isVerified(outcome) || readsPods(request)) return [];
  return [podsNotSeen(outcome, subjectOf(request), request.target, plan?.associations ?? [])];
}

/** Returns the level at which the outcome was verified. A rollback compares identities, and observes nothing after that. */
function levelOf({ request, verified, warnings }: Migration, outcome: Outcome): Migration['verified'] {
  if (!isVerified(outcome)) return 'none';
  if (!readsPods(request)) return 'api';
  // There was no pod to verify. A rollback leaves the level of the migration in the record.
  const isUnseen = warnings.some(({ id }) => id === NO_PODS_TO_VERIFY);
  if (outcome === 'migrated' ? verified === 'api' : isUnseen) return 'api';
  return outcome === 'migrated' && verified === 'ready' ? 'ready' : 'injected';
}

/**
 * Returns the warning that the requested level was not reached, unless an observation has written it: the execution
 * stopped, or could not read the pods again.
 */
function stabilityWarnings({ request, verified, warnings, plan }: Migration, outcome: Outcome): Check[] {
  if (outcome !== 'migrated' || request.verification !== 'ready' || verified === 'ready' || verified === 'api')
    return [];
  if (warnings.some(({ id }) => id === STABILITY_NOT_OBSERVED)) return [];
  const why = 'The migration ended before they could be read a second time; its last steps show why.';
  const namespaces = (plan?.associations ?? []).map(({ namespace }) => namespace);
  return [stabilityNotObserved(why, request.target, namespaces)];
}

/** Returns whether the annotation was removed and not restored since. */
const isRemoved = (change: Migration['annotationChange']): boolean =>
  change?.writtenAt !== undefined && change.undoneAt === undefined;

/**
 * Returns the warning that the requested removal of the annotation could not be done; the pods work without it. If the step
 * has noted why it left it, that is the warning.
 */
function annotationWarnings(
  { request: { annotation, serviceAccount, target }, annotationChange, plan, warnings }: Migration,
  outcome: Outcome,
): Check[] {
  if (
    outcome !== 'migrated' ||
    annotation !== 'remove' ||
    !serviceAccount ||
    isRemoved(annotationChange) ||
    plan?.serviceAccount?.roleArn === undefined
  )
    return [];
  return [warnings.find(({ id }) => id === ANNOTATION_USED) ?? annotationLeft(serviceAccount, target)];
}

/** The record's failure is the first one; the failure of a rollback on demand is reported with the restore commands. */
const lastRollback = (failure: Failure): Check => {
  const { name, message } = endedBy(failure).last;
  return warn(
    LAST_ROLLBACK,
    `The last rollback on demand did not complete: ${name}: ${asClause(message)}.`,
    'Run the restore commands: they apply to the state after that rollback.',
  );
};

/** Returns the warnings that are created again for each end, or that no longer apply to it: a rollback loses no identity. */
const ofEnd = (outcome: Outcome): string[] => [
  PODS_NOT_SEEN,
  ANNOTATION_LEFT,
  ANNOTATION_USED,
  HEALTH_AT_END,
  TRUST_TO_EDIT,
  LEFT_AS_CHANGED,
  LAST_ROLLBACK,
  ...(outcome === 'rolled-back'
    ? [IDENTITY_LOST, CREDENTIALS_UNKNOWN, PODS_NOT_REPLACED]
    : [PODS_LEFT_BEHIND, IRSA_NOT_READ]),
  ...(outcome === 'migrated' ? [] : STABILITY_WARNINGS),
];

const run: StepRun<typeof finishSchema> = async (
  { migrationId, executionArn, target, subject, outcome, failure },
  dependencies,
) => {
  const { ledger, clock, telemetry } = dependencies;
  const record = await ledger.getMigration(migrationId);
  const isOurs = record?.executionArn === undefined || record.executionArn === executionArn;
  // A migration whose rollback is requested has ended before; that end is recorded already.
  const isOpen = record !== undefined && record.status !== 'ended' && !requestedRollback(record);
  if (isOpen && isOurs) {
    // The first failure of a recovered migration explains why it was recovered.
    const first = record.recovery || record.rollback ? record.failure : undefined;
    const latest = failure && caughtFailure(failure);
    const kept = first ?? latest;
    const { commands, findings } =
      outcome === 'needs-human' ? await restoreCommands(record, dependencies, latest) : NO_RESTORE_COMMANDS;
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
        verified: levelOf(record, outcome),
        ...(kept ? { failure: kept } : {}),
        restoreCommands: commands,
        warnings: [
          ...record.warnings.filter(({ id }) => !ofEnd(outcome).includes(id)),
          ...podsWarnings(record, outcome),
          ...stabilityWarnings(record, outcome),
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
  // Every other outcome comes after `begin`, which has freed the waiting slots.
  if (isOurs && record && outcome === 'blocked') await freeWaitingSlots(record, dependencies);
  // A person must be notified: if the reply to the record's write was lost, twice is better than never.
  if (isOurs && (isOpen || outcome === 'needs-human')) telemetry.count(outcomeMetric(outcome));
  // After `begin` there is a record, unless it was deleted by hand: find-stranded writes it again, and finds it by its locks.
  if (!record && outcome === 'needs-human') return { outcome };
  const own = subjectLock(target, subject);
  for (const key of new Set([own, ...(record?.locks ?? [])])) {
    // Other migrations with the same role need not wait for the person.
    await (outcome === 'needs-human' && key === own
      ? ledger.parkLock(key, executionArn)
      : ledger.releaseLock(key, executionArn));
  }
  return { outcome };
};

export const finishStep = step(finishSchema, run);
