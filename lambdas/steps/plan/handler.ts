/**
 * Reads what is there and decides whether, and how, the add-on, or the service account, can move. Changes nothing but
 * the ledger. Idempotency: repeatable at will; the record is put again while the migration runs, and a plan that has
 * ended it (its answer, or the step's line, was lost) is answered again as it stands. Failure: any error here ends
 * `blocked`, with nothing changed. RecoveryPending waits for Recover to put back what a stopped execution left behind.
 */
import type { z } from 'zod';
import { MigrationError } from '../../domain/failures/errors.ts';
import { firstPollsOf } from '../../domain/waiting/first-polls.ts';
import { standaloneOf } from '../../domain/associations/associations.ts';
import { collectEvidence, lostIdentities } from '../../domain/verification/pod-identity.ts';
import { outcomeMetric } from '../../domain/events/metrics.ts';
import {
  isForAddon,
  type Migration,
  type MigrationRequest,
  newMigration,
  type Outcome,
  type Plan,
  type ServiceAccountRequest,
} from '../../domain/migration/model.ts';
import type { AddonFacts, Facts, LockFact, ServiceAccountFacts } from '../../domain/plan/facts.ts';
import { blockingChecks, planMigration } from '../../domain/plan/plan.ts';
import { planServiceAccount } from '../../domain/plan/service-account.ts';
import { subjectOf } from '../../domain/migration/subject.ts';
import { needsApproval, windowsOf } from '../../domain/waiting/waiting.ts';
import type { HandlerDependencies, Settings } from '../../ports/index.ts';
import { subjectLock } from '../../use-cases/migration/lock.ts';
import { noFacts, readFacts, readServiceAccountFacts } from '../../use-cases/facts/read-facts.ts';
import { EVIDENCE_BEFORE } from '../../use-cases/migration/report.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { busyText } from '../../use-cases/migration/subject-busy.ts';
import { closedWhereUnreached } from '../../use-cases/facts/unreachable.ts';
import { requesterBySweep } from '../../use-cases/sweep/requester.ts';
import { utcNow } from '../../runtime/utc.ts';
import { freeWaitingSlots } from '../../use-cases/waiting/waiting-slots.ts';
import { assertWindowsMeet } from '../../use-cases/approval/windows.ts';
import { planSchema } from './schema.ts';

/** Who else holds the lock of what shall migrate, if anybody does. */
async function readLock(
  { ledger, executions }: Pick<HandlerDependencies, 'ledger' | 'executions'>,
  request: MigrationRequest,
  executionArn: string,
): Promise<LockFact | undefined> {
  const holder = (await ledger.readLock(subjectLock(request.target, subjectOf(request))))?.holder;
  if (!holder || holder.executionArn === executionArn) return undefined;
  const execution = await executions.describe(holder.executionArn);
  const record = await ledger.getMigration(holder.migrationId);
  // One that is being recovered still has the outcome of before.
  const outcome = record?.status === 'ended' ? record.outcome : undefined;
  const running = execution?.status === 'RUNNING';
  // An execution of MigrateAddon is called by its migration's id, one of Recover never.
  const recovering = running && !holder.executionArn.endsWith(`:${holder.migrationId}`);
  return { ...holder, running, recovering, ...(outcome ? { outcome } : {}) };
}

type Verdict = 'migrate' | 'already-migrated' | 'planned' | 'blocked';
const outcomes: Partial<Record<Verdict, Outcome>> = {
  blocked: 'blocked',
  'already-migrated': 'already-migrated',
  planned: 'planned',
};

type Answer = z.input<typeof planSchema.output>;

function answer(request: MigrationRequest, plan: Plan, settings: Settings): Answer {
  const verdict: Verdict = plan.verdict === 'migrate' && request.dryRun ? 'planned' : plan.verdict;
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

const ofAddon = (facts: Facts): facts is AddonFacts => isForAddon(facts.request);

/** Reads what there is, unless somebody else holds the lock, and decides. */
async function decide(
  empty: Facts,
  { portsFor, settings, ledger }: HandlerDependencies,
): Promise<{ facts: Facts; plan: Plan }> {
  const ports = portsFor(empty.request.target);
  if (ofAddon(empty)) {
    const facts = empty.lock ? empty : await readFacts(empty, ports, { settings, ledger });
    return { facts, plan: planMigration(facts) };
  }
  // A request is about one of the two.
  const account: ServiceAccountFacts = { ...empty, request: empty.request as ServiceAccountRequest };
  const facts = account.lock ? account : await readServiceAccountFacts(account, ports, { settings, ledger });
  return { facts, plan: planServiceAccount(facts) };
}

/** What the record says of an end at which another migration had the lock; a dry run has nothing to wait for. */
const busyBy = (request: MigrationRequest, lock: LockFact | undefined): Pick<Migration, 'failure' | 'heldBy'> =>
  lock && !request.dryRun
    ? {
        failure: {
          name: 'SubjectBusy',
          message: `${busyText(request, lock)}. Wait until it has ended, then start again.`,
        },
        heldBy: lock.migrationId,
      }
    : {};

/** What the first plan can't reach blocks it. One that is made again has been seen before, and is waited for. */
const reading = (action: 'again' | undefined, dependencies: HandlerDependencies): HandlerDependencies =>
  action === 'again'
    ? dependencies
    : { ...dependencies, portsFor: closedWhereUnreached(dependencies.portsFor, dependencies) };

const run: StepRun<typeof planSchema> = async ({ migrationId, executionArn, request, action }, dependencies) => {
  const { ledger, settings, clock, telemetry } = dependencies;
  // First of all, so that a plan that fails leaves a record too.
  const before = await ledger.getMigration(migrationId);
  if (before?.status === 'ended' && before.executionArn === executionArn && before.plan)
    return answer(before.request, before.plan, settings);
  // Whoever has put the record before the execution has noted the requester.
  const requester = before ? undefined : await requesterBySweep(migrationId, request, dependencies);
  await ledger.putMigration(
    newMigration({
      migrationId,
      request,
      ...(requester ? { requester: { requester, request } } : {}),
      executionArn,
      startedAt: before?.status === 'running' ? before.startedAt : utcNow(clock),
    }),
  );

  assertWindowsMeet(request, settings, clock);
  const empty = noFacts(request, settings, utcNow(clock));
  const lock = await readLock(dependencies, request, executionArn);
  // What needs a person does not go away by waiting; anything else that has stopped is Recover's to put back, or to let
  // go.
  if (lock && (lock.recovering || (!lock.running && lock.outcome !== 'needs-human')) && !request.dryRun) {
    const why = lock.recovering
      ? `and ${lock.executionArn} is at work for it, to put back what it changed or to retire its trust: waiting until that is done`
      : `but its execution ${lock.executionArn} has stopped: waiting until what it left behind is put back`;
    throw new MigrationError(
      'RecoveryPending',
      `Migration ${lock.migrationId} holds the lock on ${subjectOf(request)} of cluster ${request.target.cluster} since ${lock.since}, ${why}.`,
    );
  }
  const observedAt = utcNow(clock);
  const { facts, plan } = await decide(lock ? { ...empty, lock } : empty, reading(action, dependencies));
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
  );
  if (outcome) telemetry.count(outcomeMetric(outcome));
  // It has ended: whoever had it wait before, or the API, has taken a slot for it.
  if (outcome && (decided.needsApproval || decided.hasWindow))
    await freeWaitingSlots({ migrationId, request }, dependencies);
  return decided;
};

export const planStep = step(planSchema, run);
