/**
 * Starts sweeps and carries out commands to running sweeps, for the API, the command line and the schedules.
 */
import { MigrationError } from '../../domain/failures/errors.ts';
import { judgeCommand, type SweepExecution } from '../../domain/sweep/commands.ts';
import type { Correlation } from '../../domain/terms/correlation.ts';
import type { Sweep, SweepCommand, SweepTally } from '../../domain/sweep/model.ts';
import type { SweepRequest } from '../../domain/sweep/request.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';

type Parts = Pick<HandlerDependencies, 'sweeps' | 'executions' | 'clock'>;

/**
 * The milliseconds for which a Lambda of a stopped execution may still start migrations: the dispatcher's maximum run time,
 * and a margin.
 */
export const SETTLES_AFTER = 120_000;

/** Returns the record of a sweep that has just begun: no location is inspected yet. */
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
  /** A derived id if the same wish may be repeated; otherwise a new id is created. */
  sweepId?: string | undefined;
  schedule?: Sweep['schedule'];
  /** The requester, if it was authenticated. */
  requester?: Sweep['requester'];
  correlation?: Correlation | undefined;
}

/**
 * Stores the record and starts the execution under the sweep's id; a repeated call with the same id does what is missing and
 * starts no other execution. Returns the record that counts. `requestedBy` overrides that of the request.
 */
export async function startSweep(
  request: SweepRequest,
  requestedBy: string | undefined,
  { sweeps, executions, clock, ids }: Parts & Pick<HandlerDependencies, 'ids'>,
  { sweepId = ids.ulid(), schedule, requester, correlation }: StartWish = {},
): Promise<Sweep> {
  const sweep = newSweep({
    sweepId,
    request: { ...request, ...(requestedBy === undefined ? {} : { requestedBy }) },
    startedAt: utcNow(clock),
    ...(schedule ? { schedule } : {}),
    ...(requester ? { requester } : {}),
    ...(correlation ? { correlation } : {}),
  });
  const record = await sweeps.create(sweep);
  // An execution has noted itself in the record, so it was started, regardless of its result.
  if (record.executions === 0 && record.status !== 'ended') await executions.startSweep(sweepId, sweepId);
  return record;
}

/** Returns the sweep, or `undefined` if there is none with that id. */
export async function showSweep(
  sweepId: string,
  { sweeps }: Pick<HandlerDependencies, 'sweeps'>,
): Promise<{ sweep: Sweep; tally: SweepTally } | undefined> {
  const sweep = await sweeps.get(sweepId);
  return sweep && { sweep, tally: await sweeps.tally(sweepId) };
}

async function executionOf({ executionArn }: Sweep, { executions, clock }: Parts): Promise<SweepExecution> {
  // No execution has come far enough to note itself.
  if (executionArn === undefined) return 'over';
  const execution = await executions.describe(executionArn);
  if (execution?.status === 'RUNNING') return 'running';
  const stoppedAt = execution?.stoppedAt === undefined ? 0 : Date.parse(execution.stoppedAt);
  return clock.now() - stoppedAt < SETTLES_AFTER ? 'settling' : 'over';
}

/**
 * Notes a command to a sweep, and starts an execution that continues the sweep if none is at work. Returns the resulting
 * record; `first` is false if the last command was the same. Throws NotFound, or BadInput with the reason if the command
 * does not apply; nothing is noted then.
 */
export async function commandSweep(
  sweepId: string,
  command: SweepCommand['command'],
  who: { by?: string | undefined; reason?: string | undefined },
  dependencies: Parts,
): Promise<{ sweep: Sweep; first: boolean }> {
  const { sweeps, executions, clock } = dependencies;
  const sweep = await sweeps.get(sweepId);
  if (!sweep)
    throw new MigrationError(
      'NotFound',
      `The ledger has no sweep ${sweepId}. To list the sweeps: pod-identity sweep list`,
    );
  const verdict = judgeCommand(
    sweep,
    command,
    sweep.status === 'ended' ? 'over' : await executionOf(sweep, dependencies),
  );
  if (verdict.refused !== undefined)
    throw new MigrationError(
      'BadInput',
      `Sweep ${sweepId} does not accept the command ${command}: ${verdict.refused}.`,
    );

  const at = utcNow(clock);
  const before = await sweeps.command(sweepId, { command, at, by: who.by, reason: who.reason });
  if (verdict.reset) {
    await sweeps.forgetFailures(sweepId);
    const { wave, phase } = sweep;
    await sweeps.update(sweepId, {
      status: 'running',
      // A stopped sweep has completed its inventory; a failed one may have failed in it.
      phase: sweep.outcome === 'failed' ? phase : 'migrations',
      // The wave starts small again, since the cause of the failures may still exist.
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
  // Each command starts an execution under a name that is used once. An execution that did not note itself last does nothing.
  if (verdict.restart)
    await executions.startSweep(sweepId, sweep.executions === 0 ? sweepId : `${sweepId}-${Date.parse(at)}`);
  const first = before?.command?.command !== command || verdict.restart;
  return { sweep: (await sweeps.get(sweepId)) ?? sweep, first };
}
