/** What the command line asks about sweeps, one call for each question. */
import type { SweepFilter } from '../../lambdas/domain/listing.ts';
import type { SweepCommand, SweepRequest, SweepSummary } from '../../lambdas/domain/sweep/model.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';

/** Newest first. `more`: there are older ones. */
export interface ListedSweeps {
  sweeps: SweepSummary[];
  more: boolean;
}

/** Regions of accounts that were looked at, of those to be looked at. */
export interface PlacesDone {
  done: number;
  total: number;
}

export interface Asked {
  command: SweepCommand['command'];
  reason?: string | undefined;
}

/** One question each. All throw CliErrors. */
export interface SweepCalls {
  /** Resolves once the sweep can be shown. `onStart` is told its id as soon as it is started. */
  start(request: SweepRequest, onStart: (sweepId: string) => void): Promise<void>;
  /** Throws UnknownSweep. */
  show(sweepId: string): Promise<SweepStanding>;
  /** Undefined where it is not known. */
  places(sweepId: string): Promise<PlacesDone | undefined>;
  list(filter: SweepFilter, limit: number): Promise<ListedSweeps>;
  /** Throws NotNow where it makes no sense. */
  command(sweepId: string, asked: Asked): Promise<SweepStanding>;
  /** Text of an object of the bucket. */
  read(bucket: string, key: string): Promise<string | undefined>;
}
