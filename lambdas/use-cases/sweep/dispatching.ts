/**
 * Runs one poll of a sweep's dispatcher: notes which migrations have ended, decides, and begins others. Its state is in the
 * ledger only, and each write can be repeated, so that the next poll makes up for a poll that was interrupted at any point.
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
  /** The number of earlier polls of this execution. */
  tick: number;
}
export interface Dispatched {
  next: 'wait' | 'report' | 'hand-over';
  waitSeconds: number;
}

/** The seconds until the next poll: a migration takes minutes. */
const USUAL = 20;
/** The seconds until the next poll if nothing is in flight and a person must decide first. */
const WHILE_PAUSED = 60;
/** The most seconds until the next poll if the window is closed: the sweep may be stopped in between. */
const MOST = 300;

/**
 * The least and the most items that are read from the queue: enough that items which the caps leave out do not hide the
 * others.
 */
const QUEUE = { least: 200, most: 1000, perMigration: 10 };

/** The most milliseconds that beginning one migration takes: some calls of the ledger, and a start. With less left, the next poll continues. */
const TIME_FOR_ONE = 15_000;
const AT_ONCE = 10;

/** Returns the change windows. A plan changes nothing, so that it may be made at any time. */
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

/** Writes what the decision changes in the record, before any migration is begun. */
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

/** Logs the failure, since the next poll tries again. An error without one of the service's names is a defect and thrown. */
function reportUnstarted(
  sweepId: string,
  migrationId: string,
  error: unknown,
  { telemetry }: HandlerDependencies,
): void {
  if (!isMigrationError(error)) throw error;
  telemetry.log.warn('could not start or follow a migration of a sweep in this poll', {
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
 * Notes each item as in flight, then starts it: an item in flight that was not started is started at the next poll. An item
 * that can't be started does not keep the others waiting. Nothing is started for an add-on that another migration works on.
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
      // The end of an item that may not be begun is noted at the next poll.
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

/** Notes the flights that have ended, and returns the others. */
async function noteEnds(sweepId: string, flights: Flight[], dependencies: HandlerDependencies): Promise<Flight[]> {
  await each(
    flights.flatMap(({ item, end }) => (end ? [{ item, end }] : [])),
    AT_ONCE,
    ({ item, end }) => noteEnd(sweepId, item, end, dependencies),
  );
  return flights.filter(({ end }) => !end);
}

/** Follows each flight; a flight that can't be followed now stays as it is. */
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
    `The ledger has no sweep ${sweepId}, so that nothing was begun. Start the sweep again.`,
  );
}

/**
 * Returns whether items are in flight that the poll has not read as such. A poll that timed out goes on where it was when its
 * function is next called, and may move the last item from the queue between the two reads of the next poll.
 */
const hasOthersInFlight = async (
  sweepId: string,
  flights: readonly Flight[],
  { sweeps }: Pick<HandlerDependencies, 'sweeps'>,
): Promise<boolean> => {
  const known = new Set(flights.map(({ item }) => item.migrationId));
  return (await sweeps.inFlight(sweepId)).some(({ migrationId }) => !known.has(migrationId));
};

/** `polls` is the number of polls after which another execution continues. */
export async function dispatchSweep(
  { sweepId, executionArn, tick }: DispatchInput,
  dependencies: HandlerDependencies,
  polls = POLLS_PER_EXECUTION,
): Promise<Dispatched> {
  const { sweeps, executions, clock } = dependencies;
  const found = await recordOf(sweepId, dependencies);
  // Another execution works on the sweep by now: two would begin more than the limits allow.
  if (found.executionArn !== undefined && found.executionArn !== executionArn)
    return { next: 'hand-over', waitSeconds: USUAL };
  if (found.status === 'ended') return { next: 'report', waitSeconds: USUAL };

  const windowOpen = areOpen(windowsFor(found, dependencies), clock.now());
  const flights = await each(await sweeps.inFlight(sweepId), AT_ONCE, (item) => flightOf(item, found, dependencies));
  const unfinished = await noteEnds(sweepId, flights, dependencies);
  // A migration that has ended may stop the sweep: then no further migration is started.
  const counted = await recordOf(sweepId, dependencies);
  const inFlight = unfinished.map(({ item }) => item);
  const { status } = decideWave({ sweep: counted, inFlight, queued: [], windowOpen });
  const followed = await noteEnds(
    sweepId,
    await followFlights(unfinished, { sweep: counted, tick, mayStart: status === 'running' }, dependencies),
    dependencies,
  );

  const sweep = followed.length < unfinished.length ? await recordOf(sweepId, dependencies) : counted;
  const mayEnd = status === 'stopping' ? followed.filter(({ held }) => !held) : followed;
  const isLast = tick >= polls;
  const situation = { sweep, inFlight: mayEnd.map(({ item }) => item), windowOpen: windowOpen && !isLast };
  const queued = needsQueue(situation) ? await sweeps.queued(sweepId, queueLimit(sweep)) : [];
  const decision = decideWave({ ...situation, queued, rooms: await roomsFor(queued, dependencies) });
  if (decision.done && (await hasOthersInFlight(sweepId, followed, dependencies)))
    return { next: 'wait', waitSeconds: USUAL };
  await note(sweep, decision, dependencies);
  if (decision.done) return { next: 'report', waitSeconds: USUAL };
  if (isLast) {
    await executions.startSweep(sweepId, `${sweepId}-${sweep.executions + 1}`, executionArn);
    return { next: 'hand-over', waitSeconds: USUAL };
  }
  await begin(sweep, decision, dependencies);
  return {
    next: 'wait',
    waitSeconds: waitSeconds(sweep, decision, followed.length + decision.begin.length, dependencies),
  };
}
