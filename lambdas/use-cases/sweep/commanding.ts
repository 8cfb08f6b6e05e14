/**
 * Starting sweeps, and what is asked of them while they are under way: for the API, the command line and the schedules.
 */
import { MigrationError } from '../../domain/failures/errors.ts';
import { judgeCommand, type SweepExecution } from '../../domain/sweep/commands.ts';
import type { Correlation } from '../../domain/migration/correlation.ts';
import type { Sweep, SweepCommand, SweepRequest, SweepTally } from '../../domain/sweep/model.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';

type Parts = Pick<HandlerDependencies, 'sweeps' | 'executions' | 'clock'>;

/**
 * Milliseconds for which a Lambda of an execution that was stopped may still start migrations: the longest that the
 * dispatcher's may run, and a margin.
 */
export const SETTLES_AFTER = 120_000;

/** A sweep that has just begun: nothing was looked at yet. */
export const newSweep = (
  base: Pick<Sweep, 'sweepId' | 'request' | 'startedAt' | 'schedule' | 'requester' | 'correlation'>,
): Sweep => ({
  ...base,
  status: 'running',
  phase: 'inventory',
  executions: 0,
  failed: [],
  ended: 0,
});

export interface StartWish {
  /** Derived, where the same wish may be said again; otherwise a new one is made. */
  sweepId?: string | undefined;
  schedule?: Sweep['schedule'];
  /** Who requests it, where that is authenticated. */
  requester?: Sweep['requester'];
  correlation?: Correlation | undefined;
}

/**
 * Puts the record and starts the execution under the sweep's id; said again with the same id it does what is missing,
 * and starts no other one. Answers the record that stands. `requestedBy` goes before what the request says.
 */
export async function startSweep(
  request: SweepRequest,
  requestedBy: string | undefined,
  { sweeps, executions, clock, ids }: Parts & Pick<HandlerDependencies, 'ids'>,
  { sweepId = ids.ulid(), schedule, requester, correlation }: StartWish = {},
): Promise<Sweep> {
  const made = newSweep({
    sweepId,
    request: { ...request, ...(requestedBy === undefined ? {} : { requestedBy }) },
    startedAt: utcNow(clock),
    ...(schedule ? { schedule } : {}),
    ...(requester ? { requester } : {}),
    ...(correlation ? { correlation } : {}),
  });
  const record = await sweeps.create(made);
  // An execution has noted itself there: it was started, whatever has become of it.
  if (record.executions === 0 && record.status !== 'ended') await executions.startSweep(sweepId, sweepId);
  return record;
}

/** `undefined` where there is no such sweep. */
export async function showSweep(
  sweepId: string,
  { sweeps }: Pick<HandlerDependencies, 'sweeps'>,
): Promise<{ sweep: Sweep; tally: SweepTally } | undefined> {
  const sweep = await sweeps.get(sweepId);
  return sweep && { sweep, tally: await sweeps.tally(sweepId) };
}

async function executionOf({ executionArn }: Sweep, { executions, clock }: Parts): Promise<SweepExecution> {
  // None has come so far as to note itself.
  if (executionArn === undefined) return 'over';
  const execution = await executions.describe(executionArn);
  if (execution?.status === 'RUNNING') return 'running';
  const stoppedAt = execution?.stoppedAt === undefined ? 0 : Date.parse(execution.stoppedAt);
  return clock.now() - stoppedAt < SETTLES_AFTER ? 'settling' : 'over';
}

/**
 * Notes what somebody asks of a sweep, and starts an execution that goes on with it where none is at work. Answers the
 * record then; `first`: false where the same was asked of it last. Throws NotFound, or BadInput that says why it makes
 * no sense; nothing is noted then.
 */
export async function commandSweep(
  sweepId: string,
  command: SweepCommand['command'],
  who: { by?: string | undefined; reason?: string | undefined },
  dependencies: Parts,
): Promise<{ sweep: Sweep; first: boolean }> {
  const { sweeps, executions, clock } = dependencies;
  const sweep = await sweeps.get(sweepId);
  if (!sweep) throw new MigrationError('NotFound', `There is no sweep ${sweepId} in the ledger.`);
  const verdict = judgeCommand(
    sweep,
    command,
    sweep.status === 'ended' ? 'over' : await executionOf(sweep, dependencies),
  );
  if (verdict.refused !== undefined)
    throw new MigrationError('BadInput', `Sweep ${sweepId} can't be told to ${command}: ${verdict.refused}.`);

  const at = utcNow(clock);
  const before = await sweeps.command(sweepId, { command, at, by: who.by, reason: who.reason });
  if (verdict.reset) {
    await sweeps.forgetFailures(sweepId);
    const { wave, phase } = sweep;
    await sweeps.update(sweepId, {
      status: 'running',
      // What stopped had its inventory; what failed may have failed in it.
      phase: sweep.outcome === 'failed' ? phase : 'migrations',
      // Small again: what it failed by may still be there.
      ...(wave
        ? {
            wave: {
              number: wave.number + 1,
              size: Math.min(sweep.request.limits.canary, sweep.request.limits.concurrency),
              begun: 0,
            },
          }
        : {}),
      outcome: null,
      cause: null,
      endedAt: null,
    });
  }
  // A name is used once, and each command is one start: an execution that is not the last to note itself does nothing.
  if (verdict.restart)
    await executions.startSweep(sweepId, sweep.executions === 0 ? sweepId : `${sweepId}-${Date.parse(at)}`);
  const first = before?.command?.command !== command || verdict.restart;
  return { sweep: (await sweeps.get(sweepId)) ?? sweep, first };
}
