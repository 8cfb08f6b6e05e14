/**
 * What an execution of Retire notes of itself in the migration's record, whoever has started it. Where two run at once,
 * the record shows the one that was started last; one that was accepted keeps its place until it begins.
 */
import { classOf } from '../../domain/failures/errors.ts';
import { failedRetirement, type RetiredRole, type Retirement } from '../../domain/trust/retirement.ts';
import type { Check, Failure } from '../../domain/migration/model.ts';
import type { HandlerDependencies, RetirementAsked } from '../../ports/index.ts';
import { askedOf } from './request.ts';
import { failureOf } from '../../runtime/failures.ts';
import { executionName } from '../../domain/aws/arn.ts';
import { utcNow } from '../../runtime/utc.ts';

export interface RetirementRun extends RetirementAsked {
  migrationId: string;
  executionArn: string;
  executionStartedAt?: string | undefined;
}

/** What it has found so far. */
interface Found {
  checks: Check[];
  roles: RetiredRole[];
}

type Noting = Pick<HandlerDependencies, 'ledger' | 'clock' | 'telemetry'>;

const isLater = (time: string, other: string): boolean => Date.parse(time) > Date.parse(other);

/** What the record is to show when it begins; undefined where that stays as it is. */
function begunOf(before: Retirement | undefined, run: RetirementRun, now: string): Retirement | undefined {
  const { executionArn, executionStartedAt } = run;
  const id = executionName(executionArn);
  // Another attempt of one that runs, or is over, says nothing new.
  if (before?.id === id)
    return before.state === 'requested' ? { ...before, state: 'running', executionArn } : undefined;
  const startedAt = executionStartedAt === undefined ? now : new Date(executionStartedAt).toISOString();
  if (before && (before.state === 'requested' || !isLater(startedAt, before.startedAt))) return undefined;
  return {
    id,
    state: 'running',
    ...askedOf(run),
    startedAt,
    executionArn,
  };
}

/** Notes nothing of a migration that is not there. */
async function noteBegun(run: RetirementRun, { ledger, clock }: Noting): Promise<void> {
  const { migrationId } = run;
  for (;;) {
    const record = await ledger.getMigration(migrationId);
    const after = record && begunOf(record.retirement, run, utcNow(clock));
    if (!after || (await ledger.changeRetirement(migrationId, record.retirement, after))) return;
  }
}

/** Changes it where it is this execution's, and runs. */
async function noteOn(
  { migrationId, executionArn }: RetirementRun,
  change: (one: Retirement) => Retirement,
  { ledger }: Noting,
): Promise<void> {
  for (;;) {
    const one = await ledger.getRetirement(migrationId);
    if (one?.id !== executionName(executionArn) || one.state !== 'running') return;
    if (await ledger.changeRetirement(migrationId, one, change(one))) return;
  }
}

/** Without what an earlier attempt failed by. */
const withoutError = ({ error: _error, ...one }: Retirement): Retirement => one;

/** One that is tried again has not ended by that error. */
const failedBy = (migrationId: string, error: Failure, endedAt: string) => (one: Retirement) => {
  const kind = classOf(error.name);
  return kind === 'retryable' || kind === 'waiting'
    ? { ...one, error }
    : failedRetirement(migrationId, one, { error, endedAt });
};

/** Does the work of one attempt, and notes before it that it runs, and after it what has become of it. */
export async function notingRetirement<Output extends Found & { done: boolean }>(
  run: RetirementRun,
  dependencies: Noting,
  /** `found`: is told of what a refusal is about. */
  work: (found: (what: Found) => void) => Promise<Output>,
): Promise<Output> {
  const { clock, telemetry } = dependencies;
  let found: Partial<Found> = {};
  await noteBegun(run, dependencies);
  try {
    const output = await work(({ checks, roles }) => void (found = { checks, roles }));
    const { done, checks, roles } = output;
    const endedAt = utcNow(clock);
    await noteOn(run, (one) => ({ ...withoutError(one), state: 'ended', endedAt, done, checks, roles }), dependencies);
    return output;
  } catch (error) {
    const failed = failedBy(run.migrationId, failureOf(error), utcNow(clock));
    const noted = (one: Retirement): Retirement => {
      const after = failed(one);
      // Of one that may have written, what has become of a role is not what was found before.
      return { ...after, ...(after.state === 'refused' ? found : {}) };
    };
    // What was thrown matters more than what could not be noted; how it ended can be told from its execution too.
    await noteOn(run, noted, dependencies).catch((second: unknown) =>
      telemetry.log.warn('retire-trust: how it ended could not be noted', failureOf(second)),
    );
    throw error;
  }
}
