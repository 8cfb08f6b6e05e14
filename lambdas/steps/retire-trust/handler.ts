/**
 * Takes this cluster's OIDC trust of migrated service accounts out of its role, or puts it back. Everything is decided
 * twice: before the locks are taken, so that what is refused disturbs nobody, and again under them. Idempotency: what
 * was there and what will be is in the ledger before it is written, and the policy is compared first: a repeated one
 * finds its own work. Failure: a check that fails, or can't be decided, refuses all of it (RetireRefused). IAM has no
 * conditional write, so the policy is read directly before it, and read back after; one that somebody else has changed
 * meanwhile is left alone (TrustChanged). The locks are let go at every end; those that a crash leaves are found by
 * find-stranded. What becomes of it is noted in the migration's record, as the last retirement that began.
 */
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Migration, RetiredRole } from '../../domain/migration/model.ts';
import { subjectOf } from '../../domain/migration/subject.ts';
import type { TrustRetirement } from '../../domain/trust/model.ts';
import { samePolicy } from '../../domain/trust/repair.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { subjectLock, lockKeys, roleLock, takeLock } from '../../use-cases/migration/lock.ts';
import { notingRetirement } from '../../use-cases/retirement/note.ts';
import {
  assertMay,
  isAllowed,
  type Decision,
  previewRetirement,
  type RetirementPreview,
} from '../../use-cases/retirement/decide.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { readBack } from '../../use-cases/migration/trust.ts';
import { utcNow } from '../../runtime/utc.ts';
import { retireTrustSchema } from './schema.ts';

type Input = Parameters<StepRun<typeof retireTrustSchema>>[0];
type Output = Awaited<ReturnType<StepRun<typeof retireTrustSchema>>>;
type Action = Input['action'];
type Change = Extract<Decision, { do: 'write' }>;
/** By the lock's key, the fence under which it was taken. */
type Fences = Map<string, number>;

const ALREADY: Record<Action, string> = { retire: 'It is taken out already', reinstate: 'It is there already' };

/** What would become of a role; of one that needs no change, what does become of it. */
function foreseen(decision: Decision, action: Action): RetiredRole {
  const { roleArn } = decision;
  switch (decision.do) {
    case 'write':
      return {
        roleArn,
        result: action === 'retire' ? 'would-remove' : 'would-put-back',
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

/** One that can't be let go is found later, since its execution has ended then: what was done counts more. */
async function releaseLocks(
  keys: string[],
  executionArn: string,
  { ledger, telemetry }: HandlerDependencies,
): Promise<void> {
  for (const key of keys.toReversed()) {
    await ledger
      .releaseLock(key, executionArn)
      .catch((error: unknown) => telemetry.log.warn('a lock was not let go', { key, error: String(error) }));
  }
}

/** Does the work under the lock of what was migrated and the roles', in the order in which migrations take them. */
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

/** Errors after which it is not known whether IAM took the write. */
const UNKNOWN_OUTCOME = ['ConnectionLost', 'ServiceUnavailable'] as const;

/**
 * Writes the policy where it is still as it was decided upon, and reads it back. Throws TrustChanged, or Busy while IAM
 * shows the old one.
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
      `The trust policy of role ${roleArn} was changed by somebody else just now; it was left alone. Look at it, then start again.`,
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
    if (!UNKNOWN_OUTCOME.some((name) => isMigrationError(error, name))) throw error;
    telemetry.log.warn('the reply to the write of a trust policy was lost: it is read again', {
      roleArn,
      error: String(error),
    });
  }
  await readBack({ roles, clock }, roleArn, after, before);
}

/** Answers what has become of the role. */
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
      result: action === 'retire' ? 'removed' : 'put-back',
      before: decision.before,
      after: decision.after,
    };
  }
  await finish();
  // Who has put it back can't be told: somebody may have by hand. Only `retire` notes beforehand that it will write.
  return action === 'retire'
    ? { roleArn, result: 'removed', before: note.before, after: note.after }
    : foreseen(decision, action);
}

/** `found`: is told of each look. */
async function retire(input: Input, dependencies: HandlerDependencies, found: (what: Output) => void): Promise<Output> {
  const { action } = input;
  const { record, ...ahead } = await previewRetirement(input, dependencies);
  found(answer(input, ahead));
  if (input.dryRun) return answer(input, ahead);
  const changing = ahead.decisions
    .filter((one) => one.do === 'write' || one.do === 'confirm')
    .map((one) => one.roleArn);
  if (changing.length === 0 || !isAllowed(ahead)) {
    // An attempt of this execution that was cut off may have left them held.
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
  return underLocks(record, changing, input, dependencies, async (fences) => {
    const { record: locked, ...preview } = await previewRetirement(input, dependencies);
    found(answer(input, preview));
    assertMay(preview, action);
    const roles: RetiredRole[] = [];
    for (const decision of preview.decisions) {
      if ((decision.do === 'write' || decision.do === 'confirm') && !fences.has(roleLock(decision.roleArn))) {
        throw new MigrationError(
          'Busy',
          `What is to be done about role ${decision.roleArn} has changed just now: it is looked at again.`,
        );
      }
      roles.push(await carryOut(decision, locked, input, fences, dependencies));
    }
    return {
      ...answer(input, preview),
      done: roles.some(({ result }) => result === 'removed' || result === 'put-back'),
      roles,
    };
  });
}

const run: StepRun<typeof retireTrustSchema> = (input, dependencies) =>
  notingRetirement(input, dependencies, (found) => retire(input, dependencies, found));

export const retireTrustStep = step(retireTrustSchema, run);
