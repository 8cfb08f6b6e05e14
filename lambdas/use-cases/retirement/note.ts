/**
 * Notes an execution of Retire in the migration's record, regardless of who started it. If two run at once, the record shows
 * the one that was started last; an accepted retirement stays in the record until it begins.
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

/** The checks and roles found so far. */
interface Found {
  checks: Check[];
  roles: RetiredRole[];
}

type Noting = Pick<HandlerDependencies, 'ledger' | 'clock' | 'telemetry'>;

const isLater = (time: string, other: string): boolean => Date.parse(time) > Date.parse(other);

/** Returns what the record must show when the retirement begins; undefined if the record needs no change. */
function begunOf(before: Retirement | undefined, run: RetirementRun, now: string): Retirement | undefined {
  const { executionArn, executionStartedAt } = run;
  const id = executionName(executionArn);
  // Another attempt of a retirement that runs, or has ended, adds nothing.
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

/** Notes that the retirement has begun, if the migration has a record. */
async function noteBegun(run: RetirementRun, { ledger, clock }: Noting): Promise<void> {
  const { migrationId } = run;
  for (;;) {
    const record = await ledger.getMigration(migrationId);
    const after = record && begunOf(record.retirement, run, utcNow(clock));
    if (!after || (await ledger.changeRetirement(migrationId, record.retirement, after))) return;
  }
}

/** Changes the record's retirement if it is this execution's and is running. */
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

/** Returns the retirement without the error of an earlier attempt. */
const withoutError = ({ error: _error, ...one }: Retirement): Retirement => one;

/** Returns the retirement after an error; an error that is retried does not end it. */
const failedBy = (migrationId: string, error: Failure, endedAt: string) => (one: Retirement) => {
  const kind = classOf(error.name);
  return kind === 'retryable' || kind === 'waiting'
    ? { ...one, error }
    : failedRetirement(migrationId, one, { error, endedAt });
};

/** Does the work of one attempt, and notes before it that the retirement runs, and after it the result. */
export async function notingRetirement<Output extends Found & { done: boolean }>(
  run: RetirementRun,
  dependencies: Noting,
  /** Calls `found` with what a refusal would be about. */
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
      // If the retirement may have written, the earlier preview no longer shows the result for a role.
      return { ...after, ...(after.state === 'refused' ? found : {}) };
    };
    // The original error matters more than a failure to note it; the result can also be read from the execution.
    await noteOn(run, noted, dependencies).catch((second: unknown) =>
      telemetry.log.warn('could not note the end of a retirement', failureOf(second)),
    );
    throw error;
  }
}
