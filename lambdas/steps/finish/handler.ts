/**
 * Writes the outcome into the ledger and lets go of the locks; where a person is needed, the exact commands with it.
 * Idempotency: an end that is recorded stands; one of an execution that another has taken the migration over from is
 * not written. `needs-human` keeps the lock on what it migrates, so that nothing else starts on it. Failure: commands
 * for a state that can't be looked at are written for any state.
 */
import { pendingApproval } from '../../domain/approval.ts';
import { handOffCommands } from '../../domain/hand-off.ts';
import { accountHandOff } from '../../domain/hand-off-account.ts';
import { endLines } from '../../domain/hand-off-commands.ts';
import {
  TRUST_NOT_RESTORED,
  TRUST_TO_EDIT,
  trustNotOwn,
  trustNotRestored,
  trustToEdit,
} from '../../domain/hand-off-trust.ts';
import { HEALTH_AT_END, healthWarnings } from '../../domain/hand-off-health.ts';
import { outcomeMetric } from '../../domain/metrics.ts';
import {
  type Association,
  type Check,
  isOfAddon,
  type Migration,
  type Outcome,
  type Snapshot,
} from '../../domain/model.ts';
import { subjectOf } from '../../domain/subject.ts';
import { standingTrustChanges } from '../../domain/recovery.ts';
import {
  ANNOTATION_LEFT,
  annotationLeft,
  IDENTITY_LOST,
  PODS_NOT_SEEN,
  podsNotSeen,
} from '../../domain/verification.ts';
import type { HandlerDependencies, TargetPorts, WorkloadRef } from '../../ports/index.ts';
import { listPlannedAssociations } from '../../runtime/associations.ts';
import { caughtFailure } from '../../runtime/caught.ts';
import { subjectLock } from '../../runtime/lock.ts';
import { lookAtAddon } from '../../runtime/looks.ts';
import { lookAtAccount } from '../../runtime/service-account.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { strangeRepair } from '../../runtime/trust.ts';
import { utcNow } from '../../runtime/utc.ts';
import { freeWaitingSlots } from '../../runtime/waiting-slots.ts';
import { finishSchema } from './schema.ts';

async function workloadsOf(
  { kubernetes }: TargetPorts,
  { planned: migrating, identityLosses }: Snapshot,
): Promise<WorkloadRef[]> {
  const planned = [...migrating, ...identityLosses];
  const found: WorkloadRef[] = [];
  for (const namespace of new Set(planned.map((one) => one.namespace))) {
    for (const { kind, name, serviceAccount } of await kubernetes.listWorkloads(namespace)) {
      if (planned.some((one) => one.namespace === namespace && one.serviceAccount === serviceAccount))
        found.push({ kind, namespace, name });
    }
  }
  return found;
}

/** `findings`: what a person must know, and what may not be pasted since third parties wrote parts of it. */
interface HandOff {
  commands: string[];
  findings: Check[];
}
const NO_HAND_OFF: HandOff = { commands: [], findings: [] };

/** Looks as well as it can: the reason to be here may be that nothing can be read. */
async function handOff(
  noted: Migration,
  { ledger, portsFor, clock, telemetry }: HandlerDependencies,
): Promise<HandOff> {
  // A change that this service does not make is not turned into a command that somebody would paste.
  const record = {
    ...noted,
    trustChanges: noted.trustChanges.filter((one) => strangeRepair(noted, one) === undefined),
  };
  const { migrationId, request } = record;
  const { target } = request;
  const tryTo = async <T>(what: string, look: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await look();
    } catch (error) {
      telemetry.log.warn(`hand-off: ${what} could not be read`, {
        error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      });
      return undefined;
    }
  };
  // Without it nothing was begun, and there is nothing to put back.
  const snapshot = await ledger.getSnapshot(migrationId);
  if (!snapshot) return { commands: endLines(migrationId), findings: [] };
  const ports = portsFor(target);
  const list = (): Promise<Association[]> => listPlannedAssociations(ports.eks, snapshot.planned);
  const seen = await tryTo('EKS', async () => ({
    addon: isOfAddon(snapshot) ? await lookAtAddon(ports.eks, snapshot.addon.name, clock) : undefined,
    associations: await list(),
  }));
  const workloads = await tryTo('the API server', () => workloadsOf(ports, snapshot));
  const { serviceAccount: was } = snapshot;
  const account =
    was &&
    (await tryTo('the service account', async () => ({ now: await lookAtAccount(ports.kubernetes, was, clock) })));
  const trust: Record<string, string | null> = {};
  for (const { roleArn } of standingTrustChanges(record)) {
    const read = await tryTo(`role ${roleArn}`, async () => ({
      policy: (await ports.roles.getRole(roleArn))?.trustPolicy ?? null,
    }));
    if (read) trust[roleArn] = read.policy;
  }
  const shared = { target, record, trust, ...(workloads ? { workloads } : {}) };
  const commands = isOfAddon(snapshot)
    ? handOffCommands({ ...shared, snapshot, ...(seen ? { seen } : {}) })
    : accountHandOff({
        ...shared,
        snapshot,
        ...(seen ? { associations: seen.associations } : {}),
        ...(account ? { account } : {}),
      });
  return {
    commands,
    findings: [...healthWarnings(seen?.addon), ...trustToEdit(standingTrustChanges(record), trust)],
  };
}

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
  if (!isVerified(outcome) || request.verification === 'pods') return [];
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

/** Warnings that are made anew for each end, or that are no longer true of it: after a rollback nothing is lost. */
const ofEnd = (outcome: Outcome): string[] => [
  PODS_NOT_SEEN,
  ANNOTATION_LEFT,
  HEALTH_AT_END,
  TRUST_TO_EDIT,
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
  const isOpen = record !== undefined && record.status !== 'ended';
  if (isOpen && isOurs) {
    // Of a migration that was recovered the first failure is the one that tells why.
    const first = record.recovery === undefined ? undefined : record.failure;
    const kept = first ?? (failure ? caughtFailure(failure) : undefined);
    const { commands, findings } = outcome === 'needs-human' ? await handOff(record, dependencies) : NO_HAND_OFF;
    await ledger.updateMigration(
      migrationId,
      {
        outcome,
        status: 'ended',
        endedAt: utcNow(clock),
        verified: isVerified(outcome) ? record.request.verification : 'none',
        ...(kept ? { failure: kept } : {}),
        handOff: commands,
        warnings: [
          ...record.warnings.filter(({ id }) => !ofEnd(outcome).includes(id)),
          ...podsWarnings(record, outcome),
          ...annotationWarnings(record, outcome),
          ...findings,
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
