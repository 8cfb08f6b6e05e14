/** Follows a sweep to its end, by polling its state. */
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';
import type { Backend } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { LocationsDone, SweepCalls } from './sweep-calls.ts';

/** Receives the state of the sweep after each poll. */
export interface SweepWatcher {
  update: (standing: SweepStanding, locations?: LocationsDone) => void;
}

const FIRST_POLL_MS = 2000;
/** Longest pause between polls while nothing changes; in virtual time, each poll costs computing time. */
const SLOWEST_POLL_MS = { virtual: 2 * 60_000, real: 20_000 };
/** A poll reads all items of the sweep, so polls of a large sweep, in which something always changes, are rare. */
const POLL_MS_PER_ITEM = 60;
const LONGEST_POLL_MS = { virtual: 10 * 60_000, real: 60_000 };
/**
 * How long the execution may be stopped while the sweep has not ended: an execution that hands over ends a moment before
 * its successor records itself.
 */
const PATIENCE_MS = 10 * 60_000;

/** Returns a key that changes with the visible state. */
const keyOf = ({ status, phase, wave, tally }: SweepStanding, locations: LocationsDone | undefined): string =>
  JSON.stringify([status, phase, wave, tally, locations]);

/** Returns whether an execution works on the sweep. There is none before the first one has recorded itself. */
const isWorkedOn = ({ executionArn, executionStatus = 'RUNNING' }: SweepStanding): boolean =>
  executionArn !== undefined && executionStatus === 'RUNNING';

const itemsOf = ({ tally: { queued, inFlight, ended } }: SweepStanding): number =>
  queued + inFlight + Object.values(ended).reduce((sum, n) => sum + n, 0);

const stranded = ({ sweepId, executionStatus = 'missing', executionArn = '' }: SweepStanding): CliError =>
  new CliError(
    'ExecutionFailed',
    `sweep ${sweepId} has not ended, but no execution works on it: its execution is ${executionStatus}`,
    `The migrations that it has begun continue. To continue the sweep: pod-identity sweep resume ${sweepId}\nExecution: ${executionArn}`,
    EXIT_CODES.unexpected,
  );

/**
 * Returns the end of the sweep. Runs in a thread of the clock. Throws ExecutionFailed if no execution works on it any
 * more.
 */
export const followSweep = async (
  calls: Pick<SweepCalls, 'show' | 'locations'>,
  clock: Pick<Backend['clock'], 'sleep' | 'now' | 'kind'>,
  sweepId: string,
  watcher: SweepWatcher,
): Promise<SweepStanding> => {
  const kind = clock.kind === 'virtual' ? 'virtual' : 'real';
  let pause = FIRST_POLL_MS;
  let seen = '';
  let stoppedSince: number | undefined;
  for (;;) {
    const standing = await calls.show(sweepId);
    const locations =
      standing.status !== 'ended' && standing.phase === 'inventory' ? await calls.locations(sweepId) : undefined;
    watcher.update(standing, locations);
    if (standing.status === 'ended') return standing;

    if (isWorkedOn(standing)) stoppedSince = undefined;
    else stoppedSince ??= clock.now();
    if (stoppedSince !== undefined && clock.now() - stoppedSince >= PATIENCE_MS) throw stranded(standing);

    const now = keyOf(standing, locations);
    const least = Math.min(LONGEST_POLL_MS[kind], Math.max(FIRST_POLL_MS, itemsOf(standing) * POLL_MS_PER_ITEM));
    pause = now === seen ? Math.min(Math.max(SLOWEST_POLL_MS[kind], least), pause * 2) : least;
    seen = now;
    await clock.sleep(pause);
  }
};
