/**
 * How a sweep goes through its add-ons: in waves, each twice as large as the one before, until as many run at once as
 * its limits say; from then on one begins where another has ended. The dispatcher asks at each of its looks what to
 * begin now.
 */
import type { Failure, Migration, Outcome } from '../migration/model.ts';
import type { Sweep, SweepItem, SweepLimits, SweepWave } from './model.ts';

/** Something broke, or nobody knows: what counts for the stop. One that is blocked was left as it was. */
const FAILED: ReadonlySet<Outcome | undefined> = new Set<Outcome | undefined>([
  'rolled-back',
  'needs-human',
  undefined,
]);
/** `outcome`: undefined where an execution ended without one. */
export const countsAsFailed = (outcome: Outcome | undefined): boolean => FAILED.has(outcome);

export const STOPPED = 'SweepStopped';

export interface Look {
  /** As it stands after what has ended was noted. */
  sweep: Pick<Sweep, 'status' | 'request' | 'wave' | 'failed' | 'ended' | 'command' | 'cause'>;
  inFlight: SweepItem[];
  /** In the order in which they wait; not all of them have to be there, but where there are any, at least one. */
  queued: SweepItem[];
  /** False: it is not the time to begin a change. */
  windowOpen: boolean;
  /** By `regionOf`, how many more may be begun there now, where calls wait for their turn; any number where it is left out. */
  rooms?: ReadonlyMap<string, number>;
}

export interface Decision {
  status: 'running' | 'paused' | 'stopping';
  /** Of one that is stopping. */
  cause?: Failure;
  /** Absent before the first has opened. */
  wave?: SweepWave;
  begin: SweepItem[];
  /** Nothing is in flight, and nothing is left that it would begin. */
  done: boolean;
}

const isRamping = ({ size }: SweepWave, { concurrency }: SweepLimits): boolean => size < concurrency;

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

/** Why no more is begun; undefined where nothing says so. What has begun to stop, stops. */
function stopCause({ status, cause, failed, ended, command, request: { limits } }: Look['sweep']): Failure | undefined {
  const { concurrency, stopAfterFailures, stopAtFailurePercent } = limits;
  if (status === 'stopping' && cause) return cause;
  const ofAll = `${plural(failed.length, 'failed migration')} of ${ended} that have ended`;
  const resume = 'Nothing more was begun. Look at them, then resume the sweep';
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
 * The wave that is open now. A wave opens once nothing is in flight: all that the one before has begun has ended then.
 */
function openWave({
  sweep: {
    wave,
    ended,
    request: { limits },
  },
  inFlight,
}: Look): SweepWave | undefined {
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

/** How many more may be in flight in that wave. */
function roomIn(wave: SweepWave, inFlight: number, limits: SweepLimits): number {
  if (wave.endedBefore === undefined) return 0;
  return isRamping(wave, limits) ? Math.min(wave.size - wave.begun, wave.size - inFlight) : wave.size - inFlight;
}

const accountOf = ({ account }: SweepItem): string => account;
/** One region of one account, as `rooms` has it. */
export const regionOf = ({ account, region }: Pick<SweepItem, 'account' | 'region'>): string => `${account} ${region}`;
const clusterOf = ({ account, region, cluster }: SweepItem): string => `${account} ${region} ${cluster}`;

/** The first `room` of those that wait whose cluster, roles, account and region have room for them too. */
function choose(
  {
    queued,
    inFlight,
    rooms,
    sweep: {
      request: { limits },
    },
  }: Look,
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
    // One whose move into flight broke off is in both places.
    if (known.has(item.migrationId) || capsOf(item).some(([key, most]) => (used.get(key) ?? 0) >= most)) continue;
    const here = left.get(regionOf(item));
    if (here !== undefined && here < 1) continue;
    if (here !== undefined) left.set(regionOf(item), here - 1);
    take(item);
    chosen.push(item);
  }
  return chosen;
}

/** What to begin now, and what to note before. */
export function decideWave(look: Look): Decision {
  const { sweep, inFlight, queued, windowOpen } = look;
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
  const wave = openWave(look);
  const mayBegin = status === 'running' && windowOpen && wave !== undefined;
  const begin = mayBegin ? choose(look, roomIn(wave, inFlight.length, limits)) : [];
  return {
    status,
    // Only what begins something opens a wave: a pause, or a window that is closed, may last.
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
 * Whether anything could be begun at all, so that what waits has to be looked at; also where only that is left to know.
 */
export const needsQueue = (look: Omit<Look, 'queued'>): boolean => {
  const wave = openWave({ ...look, queued: [] });
  return (
    look.inFlight.length === 0 ||
    (look.windowOpen && wave !== undefined && roomIn(wave, look.inFlight.length, look.sweep.request.limits) > 0)
  );
};

/** What became of a migration in flight, as its record says; undefined while it is under way. */
export const endOf = (
  record: Pick<Migration, 'status' | 'outcome' | 'failure' | 'heldBy' | 'endedAt'> | undefined,
): { outcome: Outcome; failure?: Failure; heldBy?: string; endedAt?: string } | undefined => {
  if (record?.status !== 'ended' || record.outcome === undefined) return undefined;
  const { outcome, failure, heldBy, endedAt } = record;
  return {
    outcome,
    ...(failure ? { failure } : {}),
    ...(heldBy === undefined ? {} : { heldBy }),
    ...(endedAt === undefined ? {} : { endedAt }),
  };
};
