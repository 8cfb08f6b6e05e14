/**
 * One look of a sweep's dispatcher: notes what has ended, decides, and begins. What it works from is in the ledger
 * alone, and each write can be said again, so that a look that broke off anywhere is made up for by the next one.
 */
import { areOpen, nextCommonOpening } from '../../domain/waiting/change-windows.ts';
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import { POLLS_PER_EXECUTION } from '../../domain/sweep/executions.ts';
import type { Sweep, SweepItem } from '../../domain/sweep/model.ts';
import { countsAsFailed, decideWave, type Decision, needsQueue } from '../../domain/sweep/waves.ts';
import { windowsOf } from '../../domain/waiting/waiting.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';
import { each } from './each.ts';
import { roomsFor } from './capacity.ts';
import { type End, type Flight, flightOf, followFlight, mayBegin, refusalOf, requestOf } from './flights.ts';

export interface DispatchInput {
  sweepId: string;
  executionArn: string;
  /** How many looks this execution has had before. */
  tick: number;
}
export interface Dispatched {
  next: 'wait' | 'report' | 'hand-over';
  waitSeconds: number;
}

/** Seconds to the next look: a migration takes minutes. */
const USUAL = 20;
/** Where nothing is in flight and somebody has to say something first. */
const WHILE_PAUSED = 60;
/** A window that is closed: in between somebody may stop it. */
const MOST = 300;

/**
 * Items that are looked for in the queue at least, and at most: enough that what the caps leave out does not hide the
 * others.
 */
const QUEUE = { least: 200, most: 1000, perMigration: 10 };

/** Milliseconds that beginning one takes at most: some calls of the ledger, and a start. With less left the next look goes on. */
const TIME_FOR_ONE = 15_000;
const AT_ONCE = 10;

/** A plan changes nothing, so it may be made at any time. */
const windowsFor = (
  { request: { mode, options } }: Sweep,
  { settings }: Pick<HandlerDependencies, 'settings'>,
): ReturnType<typeof windowsOf> => (mode === 'migrate' ? windowsOf(options, settings) : []);

function waitSeconds(sweep: Sweep, { status }: Decision, inFlight: number, dependencies: HandlerDependencies): number {
  if (inFlight > 0) return USUAL;
  if (status === 'paused') return WHILE_PAUSED;
  const windows = windowsFor(sweep, dependencies);
  const now = dependencies.clock.now();
  if (areOpen(windows, now)) return USUAL;
  const opens = nextCommonOpening(windows, now);
  return opens === undefined ? MOST : Math.min(Math.max(Math.ceil((opens - now) / 1000), 1), MOST);
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Writes what the decision changes of the record, before anything is begun by it. */
async function note(
  sweep: Sweep,
  { status, wave, cause, done }: Decision,
  { sweeps }: HandlerDependencies,
): Promise<void> {
  const phase = done ? 'report' : 'migrations';
  const wanted = { status, wave, cause, phase } as const;
  if (same(wanted, { status: sweep.status, wave: sweep.wave, cause: sweep.cause, phase: sweep.phase })) return;
  await sweeps.update(sweep.sweepId, wanted);
}

/** The next look tries again. What has none of our names is a defect: it is thrown. */
function reportUnstarted(
  sweepId: string,
  migrationId: string,
  error: unknown,
  { telemetry }: HandlerDependencies,
): void {
  if (!isMigrationError(error)) throw error;
  telemetry.log.warn('a migration of a sweep could not be started, or looked after, this time', {
    sweepId,
    migrationId,
    error: error.name,
    message: error.message,
  });
}

const noteEnd = (
  sweepId: string,
  { migrationId }: SweepItem,
  { endedAt, ...end }: End,
  { sweeps, clock }: Pick<HandlerDependencies, 'sweeps' | 'clock'>,
): Promise<void> =>
  sweeps.toEnd(sweepId, migrationId, {
    ...end,
    endedAt: endedAt ?? utcNow(clock),
    failed: countsAsFailed(end.outcome),
  });

/**
 * Into flight, then started: what is in flight and was not started is started at the next look. One that can't be does
 * not keep the others waiting. Nothing is started for one whose add-on another migration works on.
 */
async function begin(
  sweep: Sweep,
  { begin: chosen, wave }: Decision,
  dependencies: HandlerDependencies,
): Promise<void> {
  const { sweeps, executions, clock, remainingTime } = dependencies;
  await each(chosen, AT_ONCE, async (item) => {
    if (remainingTime() < TIME_FOR_ONE) return;
    try {
      // One that may not be begun has its end noted at the next look.
      const isStrange = !mayBegin(item, sweep);
      const refusal = isStrange ? undefined : await refusalOf(item, sweep, dependencies);
      await sweeps.toFlight(sweep.sweepId, item.migrationId, { begunAt: utcNow(clock), wave: wave?.number ?? 1 });
      if (refusal) await noteEnd(sweep.sweepId, item, refusal, dependencies);
      else if (!isStrange) await executions.startMigration(item.migrationId, requestOf(sweep, item));
    } catch (error) {
      reportUnstarted(sweep.sweepId, item.migrationId, error, dependencies);
    }
  });
}

/** Notes those that have ended. Answers the others. */
async function noteEnds(sweepId: string, flights: Flight[], dependencies: HandlerDependencies): Promise<Flight[]> {
  await each(
    flights.flatMap(({ item, end }) => (end ? [{ item, end }] : [])),
    AT_ONCE,
    ({ item, end }) => noteEnd(sweepId, item, end, dependencies),
  );
  return flights.filter(({ end }) => !end);
}

/** Looks after each of them; one that can't be looked after now stays as it is. */
const followFlights = (
  flights: Flight[],
  how: Parameters<typeof followFlight>[1],
  dependencies: HandlerDependencies,
): Promise<Flight[]> =>
  each(flights, AT_ONCE, async (flight) => {
    try {
      return await followFlight(flight, how, dependencies);
    } catch (error) {
      reportUnstarted(how.sweep.sweepId, flight.item.migrationId, error, dependencies);
      return flight;
    }
  });

const queueLimit = ({ request: { limits } }: Sweep): number =>
  Math.min(Math.max(limits.concurrency * QUEUE.perMigration, QUEUE.least), QUEUE.most);

async function recordOf(sweepId: string, { sweeps }: HandlerDependencies): Promise<Sweep> {
  const sweep = await sweeps.get(sweepId);
  if (sweep) return sweep;
  throw new MigrationError(
    'NotFound',
    `There is no sweep ${sweepId} in the ledger, so nothing was begun. Start it again.`,
  );
}

/** `looks`: how many an execution makes before another one goes on. */
export async function dispatchSweep(
  { sweepId, executionArn, tick }: DispatchInput,
  dependencies: HandlerDependencies,
  looks = POLLS_PER_EXECUTION,
): Promise<Dispatched> {
  const { sweeps, executions, clock } = dependencies;
  const found = await recordOf(sweepId, dependencies);
  // Another execution works on it since: two would begin more than the limits allow.
  if (found.executionArn !== undefined && found.executionArn !== executionArn)
    return { next: 'hand-over', waitSeconds: USUAL };
  if (found.status === 'ended') return { next: 'report', waitSeconds: USUAL };

  const windowOpen = areOpen(windowsFor(found, dependencies), clock.now());
  const flights = await each(await sweeps.inFlight(sweepId), AT_ONCE, (item) => flightOf(item, found, dependencies));
  const unfinished = await noteEnds(sweepId, flights, dependencies);
  // What has ended may be what stops it: then nobody is started who was not.
  const counted = await recordOf(sweepId, dependencies);
  const inFlight = unfinished.map(({ item }) => item);
  const { status } = decideWave({ sweep: counted, inFlight, queued: [], windowOpen });
  const looked = await noteEnds(
    sweepId,
    await followFlights(unfinished, { sweep: counted, tick, mayStart: status === 'running' }, dependencies),
    dependencies,
  );

  const sweep = looked.length < unfinished.length ? await recordOf(sweepId, dependencies) : counted;
  const mayEnd = status === 'stopping' ? looked.filter(({ held }) => !held) : looked;
  const isLast = tick >= looks;
  const look = { sweep, inFlight: mayEnd.map(({ item }) => item), windowOpen: windowOpen && !isLast };
  const queued = needsQueue(look) ? await sweeps.queued(sweepId, queueLimit(sweep)) : [];
  const decision = decideWave({ ...look, queued, rooms: await roomsFor(queued, dependencies) });
  await note(sweep, decision, dependencies);
  if (decision.done) return { next: 'report', waitSeconds: USUAL };
  if (isLast) {
    await executions.startSweep(sweepId, `${sweepId}-${sweep.executions + 1}`, executionArn);
    return { next: 'hand-over', waitSeconds: USUAL };
  }
  await begin(sweep, decision, dependencies);
  return {
    next: 'wait',
    waitSeconds: waitSeconds(sweep, decision, looked.length + decision.begin.length, dependencies),
  };
}
