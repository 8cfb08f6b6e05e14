/**
 * Removes this cluster's OIDC trust of migrated service accounts from their role, or restores it. Everything is decided
 * twice: before the locks are taken, so that a refusal disturbs no other migration, and again under them. Idempotency: the
 * policies before and after are in the ledger before the write, and the present policy is compared first, so that a
 * repeated call finds its own work. Failure: a check that fails, or can't be decided, refuses the whole retirement
 * (RetireRefused). IAM has no conditional write, so the policy is read directly before the write, and read back after it; a
 * policy that was changed outside this service in the meantime is left alone (TrustChanged). The locks are released at
 * every end; find-stranded finds those that a crash leaves. Between the two decisions the execution waits, without a lock,
 * for the approval of the hash of what it writes and for the change window; under the locks, both are checked again, for
 * what is then decided. The result is noted in the migration's record, as the last retirement that began.
 */
import { OPERATION_APPROVAL_HOURS } from '../../domain/waiting/operations.ts';
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Migration } from '../../domain/record/migration.ts';
import type { RetiredRole } from '../../domain/record/retirement.ts';
import { subjectOf } from '../../domain/terms/subject.ts';
import type { TrustRetirement } from '../../domain/terms/trust.ts';
import { samePolicy } from '../../domain/trust/repair.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { subjectLock, lockKeys, roleLock, takeLock } from '../../use-cases/record/lock.ts';
import { assertMayWrite, assertSoakDays, changeHash, heldBy } from '../../use-cases/retirement/hold.ts';
import { noteRefused, notingRetirement } from '../../use-cases/retirement/note.ts';
import { endOperationWait } from '../../use-cases/waiting/operation.ts';
import {
  assertMay,
  isAllowed,
  type Decision,
  previewRetirement,
  type RetirementPreview,
} from '../../use-cases/retirement/decide.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { caughtFailure } from '../../runtime/caught.ts';
import { readBack } from '../../use-cases/migration/trust.ts';
import { utcNow } from '../../runtime/utc.ts';
import { retireTrustSchema } from './schema.ts';

type Input = Parameters<StepRun<typeof retireTrustSchema>>[0];
type Output = Awaited<ReturnType<StepRun<typeof retireTrustSchema>>>;
type Action = Input['action'];
type Change = Extract<Decision, { do: 'write' }>;
/** The fence of each lock, by the lock's key. */
type Fences = Map<string, number>;

const ALREADY: Record<Action, string> = { retire: 'It is removed already', reinstate: 'It is restored already' };

/** Returns the result that a role would have; for a role that needs no change, the result that it has. */
function foreseen(decision: Decision, action: Action): RetiredRole {
  const { roleArn } = decision;
  switch (decision.do) {
    case 'write':
      return {
        roleArn,
        result: action === 'retire' ? 'would-remove' : 'would-restore',
        before: decision.before,
        after: decision.after,
      };
    case 'confirm':
      return { roleArn, result: 'nothing', why: ALREADY[action] };
    case 'nothing':
      return { roleArn, result: 'nothing', why: decision.why };
    case 'refuse':
      return { roleArn, result: 'refused', why: decision.why };
  }
}

const answer = ({ action, dryRun }: Input, { checks, decisions }: RetirementPreview): Output => ({
  action,
  dryRun,
  done: false,
  checks,
  roles: decisions.map((one) => foreseen(one, action)),
});

/**
 * Releases the locks. A failure is only logged, since the work is done: find-stranded releases the lock once its execution
 * has ended.
 */
async function releaseLocks(
  keys: string[],
  executionArn: string,
  { ledger, telemetry }: HandlerDependencies,
): Promise<void> {
  for (const key of keys.toReversed()) {
    await ledger
      .releaseLock(key, executionArn)
      .catch((error: unknown) => telemetry.log.warn('could not release a lock', { key, error: String(error) }));
  }
}

/** Does the work under the locks of the subject and of the roles, acquired in the same order as in a migration. */
async function underLocks<T>(
  { request }: Migration,
  roleArns: string[],
  { migrationId, executionArn }: Input,
  dependencies: HandlerDependencies,
  work: (fences: Fences) => Promise<T>,
): Promise<T> {
  const owner = { migrationId, executionArn, since: utcNow(dependencies.clock) };
  const fences: Fences = new Map();
  try {
    for (const key of lockKeys(request.target, subjectOf(request), roleArns))
      fences.set(key, await takeLock(dependencies.ledger, key, owner, 'exclusive'));
    return await work(fences);
  } finally {
    await releaseLocks([...fences.keys()], executionArn, dependencies);
  }
}

/** Errors after which it is unknown whether IAM has accepted the write. */
const UNKNOWN_OUTCOME = ['ConnectionLost', 'ServiceUnavailable'] as const;

/**
 * Writes the policy if it is still the one that was decided upon, and reads it back. Throws TrustChanged, or Busy while
 * IAM shows the old policy.
 */
async function write(
  { roleArn, before, after }: Change,
  { request }: Migration,
  { migrationId }: Input,
  fences: Fences,
  dependencies: HandlerDependencies,
): Promise<void> {
  const { ledger, clock, telemetry, portsFor } = dependencies;
  const { target } = request;
  const subject = subjectOf(request);
  const { roles } = portsFor(target);
  const now = await roles.getRole(roleArn);
  if (!now || !samePolicy(now.trustPolicy, before))
    throw new MigrationError(
      'TrustChanged',
      `The trust policy of role ${roleArn} was changed outside this service during the retirement. It was left alone. Review it, then start again: aws iam get-role --role-name ${roleArn.split('/').at(-1) ?? ''}`,
    );
  await ledger.assertLock(roleLock(roleArn), migrationId, fences.get(roleLock(roleArn)) ?? 0);
  await changeGuard(dependencies, {
    migrationId,
    target,
    subject,
    fence: fences.get(subjectLock(target, subject)) ?? 0,
  })();
  try {
    await roles.updateTrustPolicy(roleArn, after);
  } catch (error) {
    if (!isMigrationError(error, ...UNKNOWN_OUTCOME)) throw error;
    telemetry.log.warn('lost the reply to the write of a trust policy and reads the policy again', {
      roleArn,
      error: String(error),
    });
  }
  await readBack({ roles, clock }, roleArn, after, before);
}

/** Carries the decision out and returns the result for the role. */
async function carryOut(
  decision: Decision,
  record: Migration,
  input: Input,
  fences: Fences,
  dependencies: HandlerDependencies,
): Promise<RetiredRole> {
  const { action, migrationId } = input;
  const { ledger, clock } = dependencies;
  if (decision.do === 'nothing' || decision.do === 'refuse') return foreseen(decision, action);
  const { roleArn, note } = decision;
  const finish = (): Promise<void> => {
    const finished: TrustRetirement = {
      ...note,
      ...(action === 'retire' ? { writtenAt: utcNow(clock) } : { undoneAt: utcNow(clock) }),
    };
    return ledger.recordRetirement(migrationId, finished);
  };
  if (decision.do === 'write') {
    if (action === 'retire') await ledger.recordRetirement(migrationId, note);
    await write(decision, record, input, fences, dependencies);
    await finish();
    return {
      roleArn,
      result: action === 'retire' ? 'removed' : 'restored',
      before: decision.before,
      after: decision.after,
    };
  }
  await finish();
  // Only `retire` notes beforehand that it will write. A statement that is there again may have been restored by hand.
  return action === 'retire'
    ? { roleArn, result: 'removed', before: note.before, after: note.after }
    : foreseen(decision, action);
}

/** Returns the decision, with what the execution waits for before it is carried out. */
function planned(
  input: Input,
  { request }: Migration,
  ahead: RetirementPreview,
  dependencies: HandlerDependencies,
): Output {
  const isWritten = ahead.decisions.some((one) => one.do === 'write');
  const hold = isWritten ? heldBy(input, dependencies) : { approval: false, window: false };
  return {
    ...answer(input, ahead),
    next: {
      ...hold,
      planHash: changeHash(input, ahead),
      approvalSeconds: OPERATION_APPROVAL_HOURS * 3600,
      target: request.target,
      subject: subjectOf(request),
    },
  };
}

/** Retires or reinstates. `found` is called with the result of each preview. */
async function retire(input: Input, dependencies: HandlerDependencies, found: (what: Output) => void): Promise<Output> {
  const { action } = input;
  assertSoakDays(input, dependencies.settings);
  const { record, ...ahead } = await previewRetirement(input, dependencies);
  found(answer(input, ahead));
  if (input.dryRun) return answer(input, ahead);
  const changing = ahead.decisions
    .filter((one) => one.do === 'write' || one.do === 'confirm')
    .map((one) => one.roleArn);
  if (changing.length === 0 || !isAllowed(ahead)) {
    // An earlier try of this execution that was cut off may have left these locks held.
    const { request } = record;
    await releaseLocks(
      lockKeys(
        request.target,
        subjectOf(request),
        ahead.decisions.map((one) => one.roleArn),
      ),
      input.executionArn,
      dependencies,
    );
    assertMay(ahead, action);
    return answer(input, ahead);
  }
  if (input.stage === 'plan') return planned(input, record, ahead, dependencies);
  await assertMayWrite(input, ahead, dependencies);
  return underLocks(record, changing, input, dependencies, async (fences) => {
    const { record: locked, ...preview } = await previewRetirement(input, dependencies);
    found(answer(input, preview));
    assertMay(preview, action);
    await assertMayWrite(input, preview, dependencies);
    const roles: RetiredRole[] = [];
    for (const decision of preview.decisions) {
      if ((decision.do === 'write' || decision.do === 'confirm') && !fences.has(roleLock(decision.roleArn))) {
        throw new MigrationError(
          'Busy',
          `The decision about role ${decision.roleArn} changed while the locks were acquired. The retirement is retried.`,
        );
      }
      roles.push(await carryOut(decision, locked, input, fences, dependencies));
    }
    return {
      ...answer(input, preview),
      done: roles.some(({ result }) => result === 'removed' || result === 'restored'),
      roles,
    };
  });
}

const run: StepRun<typeof retireTrustSchema> = async (input, dependencies) => {
  const { stage, failure } = input;
  // What has waited has a slot until it goes on, or ends.
  if (stage === 'write' || stage === 'refuse') await endOperationWait(input, dependencies);
  if (stage === 'refuse') {
    const { name, message } = caughtFailure(failure ?? { Error: 'RetireRefused', Cause: 'It ended while it waited.' });
    await noteRefused(input, { name, message }, dependencies);
    throw new MigrationError('RetireRefused', `${message} Nothing was changed.`);
  }
  return notingRetirement(input, dependencies, (found) => retire(input, dependencies, found));
};

export const retireTrustStep = step(retireTrustSchema, run);
