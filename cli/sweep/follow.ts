/** Following a sweep to its end, by what is said about it from time to time. */
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';
import type { Backend } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { LocationsDone, SweepCalls } from './calls.ts';

/** Told of the sweep as it stands, each time that somebody has looked. */
export interface SweepWatcher {
  update: (standing: SweepStanding, locations?: LocationsDone) => void;
}

const FIRST_POLL_MS = 2000;
/** While nothing changes polls grow apart, up to this; in virtual time nobody waits, and each look costs. */
const SLOWEST_POLL_MS = { virtual: 2 * 60_000, real: 20_000 };
/**
 * A look reads all that the sweep migrates: of thousands there is always something that has changed, and looks are
 * rare.
 */
const POLL_MS_PER_ITEM = 60;
const LONGEST_POLL_MS = { virtual: 10 * 60_000, real: 60_000 };
/**
 * How long an execution may have stopped without the sweep being over: one that hands over to its successor has ended a
 * moment before that notes itself.
 */
const PATIENCE_MS = 10 * 60_000;

/** What somebody would see change. */
const keyOf = ({ status, phase, wave, tally }: SweepStanding, locations: LocationsDone | undefined): string =>
  JSON.stringify([status, phase, wave, tally, locations]);

/** Before its first execution has noted itself it has none. */
const isWorkedOn = ({ executionArn, executionStatus = 'RUNNING' }: SweepStanding): boolean =>
  executionArn !== undefined && executionStatus === 'RUNNING';

const itemsOf = ({ tally: { queued, inFlight, ended } }: SweepStanding): number =>
  queued + inFlight + Object.values(ended).reduce((sum, n) => sum + n, 0);

const stranded = ({ sweepId, executionStatus = 'not there', executionArn = '' }: SweepStanding): CliError =>
  new CliError(
    'ExecutionFailed',
    `sweep ${sweepId} is not over, and nobody works on it: its execution is ${executionStatus}`,
    `What it has begun goes on by itself. To go on where it was: pod-identity sweep resume ${sweepId}\nExecution: ${executionArn}`,
    EXIT_CODES.unexpected,
  );

/** Answers how it ended. In a thread of the clock. Throws ExecutionFailed where nobody works on it any more. */
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
