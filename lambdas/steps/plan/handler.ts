/**
 * Reads the present state and decides whether and how the add-on, or the service account, can be migrated. Changes nothing
 * but the ledger. Idempotency: can be repeated at any time; the record is written again while the migration runs, and a
 * plan that has ended the migration (its answer, or the step's line, was lost) is returned again unchanged. Failure: any
 * error here ends `blocked`, with nothing changed. RecoveryPending waits for Recover to roll back what a stopped execution
 * has left behind.
 */
import type { z } from 'zod';
import { MigrationError } from '../../domain/failures/errors.ts';
import { firstPollsOf } from '../../domain/waiting/first-polls.ts';
import { standaloneOf } from '../../domain/associations/associations.ts';
import { collectEvidence, lostIdentities } from '../../domain/verification/pod-identity.ts';
import { outcomeMetric } from '../../domain/events/metrics.ts';
import { type Migration, newMigration } from '../../domain/record/migration.ts';
import type { MigrationRequest } from '../../domain/request/request.ts';
import type { Outcome } from '../../domain/terms/outcome.ts';
import type { Plan } from '../../domain/record/plan.ts';
import type { LockFact } from '../../domain/plan/facts.ts';
import { blockingChecks } from '../../domain/plan/plan.ts';
import { subjectOf } from '../../domain/terms/subject.ts';
import { needsApproval, windowsOf } from '../../domain/waiting/waiting.ts';
import type { HandlerDependencies, Settings } from '../../ports/index.ts';
import { subjectLock } from '../../use-cases/record/lock.ts';
import { noFacts } from '../../use-cases/facts/read-facts.ts';
import { makePlan } from '../../use-cases/migration/make-plan.ts';
import { EVIDENCE_BEFORE } from '../../use-cases/migration/report.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { busyText } from '../../use-cases/migration/subject-busy.ts';
import { closedWhereUnreached } from '../../use-cases/facts/unreachable.ts';
import { requesterBySweep } from '../../use-cases/sweep/requester.ts';
import { utcNow } from '../../runtime/utc.ts';
import { freeWaitingSlots } from '../../use-cases/waiting/waiting-slots.ts';
import { assertWindowsMeet } from '../../use-cases/approval/windows.ts';
import { planSchema } from './schema.ts';

/** Returns the other holder of the subject's lock, or undefined if there is none. */
async function readLock(
  { ledger, executions }: Pick<HandlerDependencies, 'ledger' | 'executions'>,
  request: MigrationRequest,
  executionArn: string,
): Promise<LockFact | undefined> {
  const holder = (await ledger.readLock(subjectLock(request.target, subjectOf(request))))?.holder;
  if (!holder || holder.executionArn === executionArn) return undefined;
  const execution = await executions.describe(holder.executionArn);
  const record = await ledger.getMigration(holder.migrationId);
  // A migration that is being recovered still has its former outcome.
  const outcome = record?.status === 'ended' ? record.outcome : undefined;
  const running = execution?.status === 'RUNNING';
  // An execution of MigrateAddon is named after its migration's id, an execution of Recover never is.
  const recovering = running && !holder.executionArn.endsWith(`:${holder.migrationId}`);
  return { ...holder, running, recovering, ...(outcome ? { outcome } : {}) };
}

type Answer = z.input<typeof planSchema.output>;
type StepVerdict = Answer['verdict'];

/** The state machine ends for each of them; the record's plan shows which it was. */
const verdicts: Record<Plan['verdict'], StepVerdict> = {
  migrate: 'migrate',
  'already-migrated': 'already-migrated',
  blocked: 'blocked',
  'keep-irsa': 'blocked',
};
const outcomes: Partial<Record<StepVerdict, Outcome>> = {
  blocked: 'blocked',
  'already-migrated': 'already-migrated',
  planned: 'planned',
};

function answer(request: MigrationRequest, plan: Plan, settings: Settings): Answer {
  const verdict = plan.verdict === 'migrate' && request.dryRun ? 'planned' : verdicts[plan.verdict];
  const attempts = plan.attempts.map(({ strategy, preserve }) => ({ strategy, preserve }));
  return {
    verdict,
    target: request.target,
    subject: subjectOf(request),
    attempts,
    installsAgent: plan.installAgent !== undefined,
    repairsTrust: plan.trustRepairs.length > 0,
    createsStandalone: plan.attempts.length > 0 && standaloneOf(plan.associations).length > 0,
    removesAnnotation: request.annotation === 'remove',
    needsApproval: needsApproval(request, settings),
    approvalSeconds: request.approvalHours * 3600,
    hasWindow: windowsOf(request, settings).length > 0,
    firstPolls: firstPollsOf(plan.forecast),
    planHash: plan.hash,
    blockedBy: blockingChecks(plan),
  };
}

/** Returns the record's fields for an end at which another migration held the lock; a dry run need not wait for it. */
const busyBy = (request: MigrationRequest, lock: LockFact | undefined): Pick<Migration, 'failure' | 'heldBy'> =>
  lock && !request.dryRun
    ? {
        failure: {
          name: 'SubjectBusy',
          message: `${busyText(request, lock)}. Wait until that migration has ended, then start again.`,
        },
        heldBy: lock.migrationId,
      }
    : {};

/** Whatever the first plan can't reach blocks it. A repeated plan has reached everything before, and waits for it. */
const reading = (action: 'again' | undefined, dependencies: HandlerDependencies): HandlerDependencies =>
  action === 'again'
    ? dependencies
    : { ...dependencies, portsFor: closedWhereUnreached(dependencies.portsFor, dependencies) };

/**
 * Throws `RecoveryPending` if the holder of the lock is a stopped execution. A lock that needs a person is not released by
 * waiting; what any other stopped execution has left is for Recover to roll back or release.
 */
function assertNoRecovery(lock: LockFact | undefined, request: MigrationRequest): void {
  if (lock && (lock.recovering || (!lock.running && lock.outcome !== 'needs-human')) && !request.dryRun) {
    const why = lock.recovering
      ? `and ${lock.executionArn} is rolling back its change or retiring its trust. This migration waits until that is done`
      : `but its execution ${lock.executionArn} has stopped. This migration waits until its change is rolled back`;
    throw new MigrationError(
      'RecoveryPending',
      `Migration ${lock.migrationId} has held the lock on ${subjectOf(request)} of cluster ${request.target.cluster} since ${lock.since}, ${why}.`,
    );
  }
}

const run: StepRun<typeof planSchema> = async ({ migrationId, executionArn, request, action }, dependencies) => {
  const { ledger, settings, clock, telemetry } = dependencies;
  // This comes first, so that a plan that fails leaves a record too.
  const before = await ledger.getMigration(migrationId);
  if (before?.status === 'ended' && before.executionArn === executionArn && before.plan)
    return answer(before.request, before.plan, settings);
  // If the record existed before the execution, its writer has noted the requester.
  const requester = before ? undefined : await requesterBySweep(migrationId, request, dependencies);
  const planningSince = utcNow(clock);
  await ledger.putMigration({
    ...newMigration({
      migrationId,
      request,
      ...(requester ? { requester: { requester, request } } : {}),
      executionArn,
      startedAt: before?.status === 'running' ? before.startedAt : planningSince,
    }),
    planningSince,
  });

  assertWindowsMeet(request, settings, clock);
  const empty = noFacts(request, settings, utcNow(clock));
  const lock = await readLock(dependencies, request, executionArn);
  assertNoRecovery(lock, request);
  const observedAt = utcNow(clock);
  const ports = reading(action, dependencies).portsFor(request.target);
  const { facts, plan } = await makePlan(lock ? { ...empty, lock } : empty, ports, { settings, ledger });
  const accounts = new Set(
    (plan.associations.length > 0 ? plan.associations : facts.podIdentity).map((one) => one.serviceAccount),
  );
  const lost = lostIdentities(plan.identityLosses);
  if (facts.pods)
    await ledger.putEvidence(
      migrationId,
      EVIDENCE_BEFORE,
      collectEvidence(facts.pods, accounts, undefined, lost),
      observedAt,
    );

  const decided = answer(request, plan, settings);
  const outcome = outcomes[decided.verdict];
  await ledger.recordPlan(
    migrationId,
    plan,
    outcome ? { outcome, endedAt: utcNow(clock), ...busyBy(request, lock) } : undefined,
    planningSince,
  );
  if (outcome) telemetry.count(outcomeMetric(outcome));
  // The migration has ended: an earlier wait, or the API, has taken a slot for it.
  if (outcome && (decided.needsApproval || decided.hasWindow))
    await freeWaitingSlots({ migrationId, request }, dependencies);
  return decided;
};

export const planStep = step(planSchema, run);
