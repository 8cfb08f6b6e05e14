/** Runs the steps over the fakes in the order of the state machine MigrateAddon, with its retries and its catches. */
import { ERROR_CLASSES, isMigrationError, MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Outcome } from '../../../lambdas/domain/terms/outcome.ts';
import type { Attempt } from '../../../lambdas/domain/record/plan.ts';
import { subjectOf } from '../../../lambdas/domain/terms/subject.ts';
import { createHandler, type LambdaContext } from '../../../lambdas/runtime/handler.ts';
import { steps } from '../../../lambdas/steps/index.ts';
import type { StepName } from '../../../lambdas/steps/schemas.ts';
import type { Fakes } from '../fakes.ts';
import { ADDON, EXECUTION, MIGRATION_ID, target } from '../fixtures.ts';
import { RUN } from '../run-examples.ts';

const POLL_MS = 10_000;
const WAIT_MS = 15_000;
/** What every step gets. */
interface Common {
  migrationId: string;
  target: typeof target;
  subject: string;
}
type Answer = Record<string, unknown>;
type Locked = Common & { fence: number; attempt: number };
/** What is put back with it, as the plan says. */
interface Also {
  repairsTrust: boolean;
  removesAnnotation: boolean;
}
const isAccount = ({ subject }: Common): boolean => subject.includes('/');

/** The fakes, and a hook that changes the world before a Task begins. */
export interface Machine extends Fakes {
  onTask?: (name: StepName) => void;
}

/** Invokes a step as a Task does: again after "not yet" and after what may pass, otherwise never. */
async function task(fakes: Machine, name: StepName, input: object): Promise<Answer> {
  fakes.onTask?.(name);
  const handler = createHandler(steps[name], fakes.dependencies);
  for (let attempt = 1; attempt <= 50; attempt += 1) {
    try {
      return (await handler(input, {
        getRemainingTimeInMillis: () => fakes.invocation.remaining,
      } as LambdaContext)) as Answer;
    } catch (error) {
      if (!isMigrationError(error) || !['retryable', 'waiting'].includes(ERROR_CLASSES[error.name])) throw error;
      fakes.clock.advance(POLL_MS);
    }
  }
  throw new Error(`${name} did not come to an end`);
}

async function end(fakes: Machine, common: Common, outcome: Outcome, error?: unknown): Promise<Outcome> {
  const failure = error instanceof Error ? { failure: { Error: error.name, Cause: error.message } } : {};
  return (await task(fakes, 'finish', { ...common, executionArn: EXECUTION, outcome, ...failure }))[
    'outcome'
  ] as Outcome;
}

/** What a Catch is for; anything else is a defect, and breaks the test. */
function caught(error: unknown): MigrationError {
  if (error instanceof MigrationError) return error;
  throw error;
}

async function verify(
  fakes: Machine,
  locked: Locked,
  towards: 'pod-identity' | 'before',
  { newestPodAt = '', deferred = '' }: { newestPodAt?: unknown; deferred?: unknown } = {},
): Promise<unknown> {
  let round = 1;
  let tries = 0;
  let settling = 1;
  for (;;) {
    const ofDirection = towards === 'before' ? { newestPodAt, tries, deferred } : { settling, tries };
    const input = { ...locked, towards, round, ...ofDirection };
    const { verdict, settleSeconds } = await task(fakes, 'verify-pods', input);
    if (verdict === 'settle') {
      fakes.clock.advance(Number(settleSeconds) * 1000);
      const confirmed = await task(fakes, 'verify-pods', { ...input, towards: 'ready' });
      if (confirmed['verdict'] === 'verified') return 'verified';
      settling += 1;
      continue;
    }
    if (verdict !== 'restart') return verdict;
    const { isTry, waitSeconds } = await task(fakes, 'restart-pods', input);
    fakes.clock.advance(waitSeconds === undefined ? WAIT_MS * (tries + 1) : Number(waitSeconds) * 1000);
    if (isTry === true) tries += 1;
    else round += 1;
  }
}

async function addonBack(fakes: Machine, locked: Locked): Promise<void> {
  await task(fakes, 'restore-associations', { ...locked, action: 'purged' });
  for (let actions = 0; ; actions += 1) {
    const { action } = await task(fakes, 'assess-rollback', { ...locked, actions });
    if (action === 'done') break;
    await task(fakes, 'restore-addon', { ...locked, action, actions });
    fakes.clock.advance(WAIT_MS);
  }
}

async function rollBack(
  fakes: Machine,
  locked: Locked,
  { repairsTrust, removesAnnotation }: Also,
  reason: MigrationError,
): Promise<Outcome> {
  try {
    if (!isAccount(locked)) await addonBack(fakes, locked);
    else if (removesAnnotation) await task(fakes, 'annotate-service-account', { ...locked, towards: 'before' });
    const restored = await task(fakes, 'restore-associations', locked);
    if (isAccount(locked)) fakes.clock.advance(WAIT_MS);
    await verify(fakes, locked, 'before', restored);
    if (restored['deferred'] !== undefined)
      await task(fakes, 'restore-associations', { ...locked, action: 'deferred' });
    if (repairsTrust) await task(fakes, 'repair-trust', { ...locked, towards: 'before' });
  } catch (error) {
    return end(fakes, locked, 'needs-human', caught(error));
  }
  return end(fakes, locked, 'rolled-back', reason);
}

/** After the verification: what fails there puts nothing back, but for a cancel. */
async function annotate(fakes: Machine, locked: Locked, also: Also): Promise<Outcome> {
  try {
    if (also.removesAnnotation) await task(fakes, 'annotate-service-account', { ...locked, towards: 'pod-identity' });
  } catch (error) {
    const failure = caught(error);
    if (failure.name === 'Cancelled' || failure.name === 'AssociationChanged')
      return rollBack(fakes, locked, also, failure);
    if (failure.name === 'LockLost') return end(fakes, locked, 'needs-human', failure);
  }
  return end(fakes, locked, 'migrated');
}

/** Runs one attempt, up to the verification of the pods. */
async function change(fakes: Machine, locked: Locked, currentAttempt: Pick<Attempt, 'strategy'>): Promise<void> {
  if (currentAttempt.strategy === 'associate') {
    await task(fakes, 'create-association', locked);
    fakes.clock.advance(WAIT_MS);
    return;
  }
  const recreate = currentAttempt.strategy === 'recreate';
  for (const name of [
    ...(recreate ? (['delete-addon', 'await-deleted'] as const) : []),
    recreate ? 'create-addon' : 'update-addon',
    'await-active',
    'carry-over',
  ] as const) {
    await task(fakes, name, locked);
  }
}

/**
 * From the plan to an end, for the target of the fixtures, and their add-on unless the request says otherwise. Answers
 * the outcome that the record has then.
 */
export async function migrate(
  fakes: Machine,
  request: { serviceAccount?: { namespace: string; name: string } } = {},
): Promise<Outcome> {
  const what = request.serviceAccount ? {} : { addon: ADDON };
  const common: Common = { migrationId: MIGRATION_ID, target, subject: subjectOf({ ...what, ...request }) };
  let attempts: Pick<Attempt, 'strategy'>[];
  let fence: number;
  let also: Also;
  let installsAgent: boolean;
  try {
    const planned = await task(fakes, 'plan', { ...RUN, request: { target, ...what, ...request } });
    if (planned['verdict'] !== 'migrate') return planned['verdict'] as Outcome;
    attempts = planned['attempts'] as Attempt[];
    also = planned as unknown as Also;
    installsAgent = planned['installsAgent'] as boolean;
    fence = (await task(fakes, 'begin', { ...common, executionArn: EXECUTION, planHash: planned['planHash'] }))[
      'fence'
    ] as number;
  } catch (error) {
    return end(fakes, common, 'blocked', caught(error));
  }
  let attempt = 0;
  try {
    if (installsAgent) await task(fakes, 'install-agent', { ...common, fence });
    if (also.repairsTrust) {
      await task(fakes, 'repair-trust', { ...common, fence, attempt, towards: 'pod-identity' });
      fakes.clock.advance(POLL_MS);
    }
    for (const currentAttempt of attempts) {
      await change(fakes, { ...common, fence, attempt }, currentAttempt);
      if ((await verify(fakes, { ...common, fence, attempt }, 'pod-identity')) === 'verified') break;
      attempt += 1;
    }
    if (attempt === attempts.length) throw new Error('the last way was not the last');
  } catch (error) {
    return rollBack(fakes, { ...common, fence, attempt }, also, caught(error));
  }
  return annotate(fakes, { ...common, fence, attempt }, also);
}
