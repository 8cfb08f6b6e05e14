/**
 * Notes an execution of Retire in the migration's record, regardless of who started it. If two run at once, the record shows
 * the one that was started last; an accepted retirement stays in the record until it begins.
 */
import { classOf } from '../../domain/failures/errors.ts';
import {
  failedRetirement,
  isOpenRetirement,
  refusedRetirement,
  type RetiredRole,
  type Retirement,
  withoutWait,
} from '../../domain/record/retirement.ts';
import type { Check } from '../../domain/terms/check.ts';
import type { Failure } from '../../domain/terms/outcome.ts';
import type { HandlerDependencies, RetirementAsked } from '../../ports/index.ts';
import { sha256 } from '../../domain/text/sha256.ts';
import { askedOf } from './request.ts';
import { failureOf } from '../../runtime/failures.ts';
import { executionName } from '../../domain/aws/arn.ts';
import { utcNow } from '../../runtime/utc.ts';

export interface RetirementRun extends RetirementAsked {
  migrationId: string;
  executionArn: string;
  executionStartedAt?: string | undefined;
  stage?: 'plan' | 'write' | 'refuse' | undefined;
}

/** The checks and roles found so far. */
interface Found {
  checks: Check[];
  roles: RetiredRole[];
}

/** What the execution waits for before it writes. */
interface Next {
  approval: boolean;
  window: boolean;
  planHash: string;
}

type Noting = Pick<HandlerDependencies, 'ledger' | 'clock' | 'telemetry'>;

const isLater = (time: string, other: string): boolean => Date.parse(time) > Date.parse(other);

/**
 * Returns the accepted retirement. The API vouches for the requester of what it has accepted, and not for another input of an
 * execution that was started by hand under the same name.
 */
function ownOf(accepted: Retirement, run: RetirementRun): Retirement {
  if (sha256(askedOf(accepted)) === sha256(askedOf(run))) return accepted;
  const { requester: _requester, ...rest } = accepted;
  return rest;
}

/** Returns what the record must show when the retirement begins; undefined if the record needs no change. */
function begunOf(before: Retirement | undefined, run: RetirementRun, now: string): Retirement | undefined {
  const { executionArn, executionStartedAt } = run;
  const id = executionName(executionArn);
  // Another attempt of a retirement that runs, or has ended, adds nothing.
  if (before?.id === id) {
    if (before.state === 'requested') return { ...ownOf(before, run), state: 'running', executionArn };
    return before.state === 'running' && before.waitingFor && run.stage === 'write' ? withoutWait(before) : undefined;
  }
  // What waits for an approval or a window stays in the record, where it is approved.
  if (before?.planHash !== undefined && isOpenRetirement(before)) return undefined;
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
  { ledger }: Pick<Noting, 'ledger'>,
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

/** Notes that the retirement has waited in vain. */
export const noteRefused = (
  run: RetirementRun,
  error: Failure,
  dependencies: Pick<Noting, 'ledger' | 'clock'>,
): Promise<void> =>
  noteOn(
    run,
    (one) => refusedRetirement(run.migrationId, one, { error, endedAt: utcNow(dependencies.clock) }),
    dependencies,
  );

/** Does the work of one attempt, and notes before it that the retirement runs, and after it the result. */
export async function notingRetirement<Output extends Found & { done: boolean; next?: Next | undefined }>(
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
    const { done, checks, roles, next } = output;
    if (next) {
      const held = next.approval || next.window ? { planHash: next.planHash, checks, roles } : {};
      await noteOn(run, (one) => ({ ...withoutError(one), ...held }), dependencies);
      return output;
    }
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
