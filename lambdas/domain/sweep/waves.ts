/**
 * Decides which migrations a sweep starts: in waves, each twice as large as the previous one, until `concurrency` of
 * its
 * limits is reached. From then on a migration starts whenever another has ended. The dispatcher asks at each poll which
 * migrations to start.
 */
import { counted } from '../text/text.ts';
import type { Failure, Outcome } from '../terms/outcome.ts';
import type { Migration } from '../record/migration.ts';
import type { Verified } from '../terms/levels.ts';
import type { Sweep, SweepItem, SweepWave } from './model.ts';
import type { SweepLimits } from './request.ts';

/**
 * The outcomes that count as failures: something broke, or the outcome is not known. A blocked migration changed
 * nothing.
 */
const FAILED: ReadonlySet<Outcome | undefined> = new Set<Outcome | undefined>([
  'rolled-back',
  'needs-human',
  undefined,
]);
/** Returns whether an outcome counts as a failure. `undefined` means that an execution ended without an outcome. */
export const countsAsFailed = (outcome: Outcome | undefined): boolean => FAILED.has(outcome);

export const STOPPED = 'SweepStopped';

export interface WaveInput {
  /** The sweep after the migrations that have ended were recorded. */
  sweep: Pick<Sweep, 'status' | 'request' | 'wave' | 'failed' | 'ended' | 'command' | 'cause'>;
  inFlight: SweepItem[];
  /** Queued items in order. Not all of them are needed, but at least one if there are any. */
  queued: SweepItem[];
  /** False if the change window is closed. */
  windowOpen: boolean;
  /** How many more migrations the pace of calls allows now, by `regionOf`. A location without an entry has no limit. */
  rooms?: ReadonlyMap<string, number>;
}

export interface Decision {
  status: 'running' | 'paused' | 'stopping';
  /** Present if the sweep is stopping. */
  cause?: Failure;
  /** Absent before the first wave has opened. */
  wave?: SweepWave;
  begin: SweepItem[];
  /** True if no migration is in flight, and none is left to start. */
  done: boolean;
}

const isRamping = ({ size }: SweepWave, { concurrency }: SweepLimits): boolean => size < concurrency;

/**
 * Returns why no more migrations are started; `undefined` if they may be. A sweep that is stopping continues to stop.
 */
function stopCause({
  status,
  cause,
  failed,
  ended,
  command,
  request: { limits },
}: WaveInput['sweep']): Failure | undefined {
  const { concurrency, stopAfterFailures, stopAtFailurePercent } = limits;
  if (status === 'stopping' && cause) return cause;
  const ofAll = `${counted(failed.length, 'failed migration')} of ${ended} that have ended`;
  const resume = 'No more migrations were started. Check the failed migrations, then resume the sweep';
  if (failed.length >= stopAfterFailures)
    return { name: STOPPED, message: `${ofAll}: it stops after ${stopAfterFailures}. ${resume}.` };
  if (ended >= concurrency && failed.length * 100 >= ended * stopAtFailurePercent)
    return { name: STOPPED, message: `${ofAll}: it stops at ${stopAtFailurePercent} percent. ${resume}.` };
  if (command?.command !== 'stop') return undefined;
  const { by, reason, at } = command;
  return {
    name: STOPPED,
    message: `Stopped${by === undefined ? '' : ` by ${by}`} at ${at}${reason === undefined ? '' : `: ${reason}`}.`,
  };
}

/**
 * Returns the current wave. A wave opens once no migration is in flight: all migrations of the previous wave have
 * ended.
 */
function openWave({
  sweep: {
    wave,
    ended,
    request: { limits },
  },
  inFlight,
}: WaveInput): SweepWave | undefined {
  const { canary, concurrency } = limits;
  if (wave?.endedBefore !== undefined) {
    const begun = ended - wave.endedBefore + inFlight.length;
    const isOver = isRamping(wave, limits) && begun >= wave.size && inFlight.length === 0;
    if (!isOver) return { ...wave, begun };
  } else if (inFlight.length > 0) return wave;
  const next =
    wave?.endedBefore === undefined
      ? { number: wave?.number ?? 1, size: Math.min(wave?.size ?? canary, concurrency) }
      : { number: wave.number + 1, size: Math.min(wave.size * 2, concurrency) };
  return { ...next, begun: 0, endedBefore: ended };
}

/** Returns how many more migrations may be in flight in the wave. */
function roomIn(wave: SweepWave, inFlight: number, limits: SweepLimits): number {
  if (wave.endedBefore === undefined) return 0;
  return isRamping(wave, limits) ? Math.min(wave.size - wave.begun, wave.size - inFlight) : wave.size - inFlight;
}

const accountOf = ({ account }: SweepItem): string => account;
/** Returns the key of an item's location in `rooms`. */
export const regionOf = ({ account, region }: Pick<SweepItem, 'account' | 'region'>): string => `${account} ${region}`;
const clusterOf = ({ account, region, cluster }: SweepItem): string => `${account} ${region} ${cluster}`;

/** Returns the first `room` queued items whose cluster, roles, account and region have room for them. */
function choose(
  {
    queued,
    inFlight,
    rooms,
    sweep: {
      request: { limits },
    },
  }: WaveInput,
  room: number,
): SweepItem[] {
  const used = new Map<string, number>();
  const left = new Map(rooms);
  const capsOf = (item: SweepItem): [string, number][] => [
    [`cluster ${clusterOf(item)}`, 1],
    ...item.roles.map((role): [string, number] => [`role ${role}`, 1]),
    [`account ${accountOf(item)}`, limits.perAccount],
    [`region ${regionOf(item)}`, limits.perRegion],
  ];
  const take = (item: SweepItem): void => {
    for (const key of new Set(capsOf(item).map(([name]) => name))) used.set(key, (used.get(key) ?? 0) + 1);
  };
  for (const item of inFlight) take(item);
  const known = new Set(inFlight.map(({ migrationId }) => migrationId));
  const chosen: SweepItem[] = [];
  for (const item of queued) {
    if (chosen.length >= room) break;
    // If the move of an item was interrupted, the item is both queued and in flight.
    if (known.has(item.migrationId) || capsOf(item).some(([key, most]) => (used.get(key) ?? 0) >= most)) continue;
    const here = left.get(regionOf(item));
    if (here !== undefined && here < 1) continue;
    if (here !== undefined) left.set(regionOf(item), here - 1);
    take(item);
    chosen.push(item);
  }
  return chosen;
}

/** Decides which migrations to start now, and what to record before. */
export function decideWave(input: WaveInput): Decision {
  const { sweep, inFlight, queued, windowOpen } = input;
  const { limits } = sweep.request;
  const cause = stopCause(sweep);
  if (cause)
    return {
      status: 'stopping',
      cause,
      ...(sweep.wave ? { wave: sweep.wave } : {}),
      begin: [],
      done: inFlight.length === 0,
    };

  const status = sweep.command?.command === 'pause' ? 'paused' : 'running';
  const wave = openWave(input);
  const mayBegin = status === 'running' && windowOpen && wave !== undefined;
  const begin = mayBegin ? choose(input, roomIn(wave, inFlight.length, limits)) : [];
  return {
    status,
    // A wave opens only when one of its migrations starts, since a pause or a closed window may last.
    ...(wave && (begin.length > 0 || wave.endedBefore === sweep.wave?.endedBefore)
      ? { wave: { ...wave, begun: wave.begun + begin.length } }
      : sweep.wave
        ? { wave: sweep.wave }
        : {}),
    begin,
    done: inFlight.length === 0 && queued.length === 0,
  };
}

/**
 * Returns whether the queue must be read: a migration could be started, or only the queue shows whether the sweep is
 * done.
 */
export const needsQueue = (input: Omit<WaveInput, 'queued'>): boolean => {
  const wave = openWave({ ...input, queued: [] });
  return (
    input.inFlight.length === 0 ||
    (input.windowOpen && wave !== undefined && roomIn(wave, input.inFlight.length, input.sweep.request.limits) > 0)
  );
};

/** Returns the outcome of a migration in flight and its level of evidence, from its record; `undefined` while it is in progress. */
export const endOf = (
  record: Pick<Migration, 'status' | 'outcome' | 'verified' | 'failure' | 'heldBy' | 'endedAt'> | undefined,
): { outcome: Outcome; verified?: Verified; failure?: Failure; heldBy?: string; endedAt?: string } | undefined => {
  if (record?.status !== 'ended' || record.outcome === undefined) return undefined;
  const { outcome, verified, failure, heldBy, endedAt } = record;
  return {
    outcome,
    ...(verified === 'none' ? {} : { verified }),
    ...(failure ? { failure } : {}),
    ...(heldBy === undefined ? {} : { heldBy }),
    ...(endedAt === undefined ? {} : { endedAt }),
  };
};
