/** The calls that the command line needs for sweeps. */
import type { SweepFilter } from '../../lambdas/domain/overview/listing.ts';
import type { SweepCommand, SweepSummary } from '../../lambdas/domain/sweep/model.ts';
import type { SweepRequest } from '../../lambdas/domain/sweep/request.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';

/** Newest first. `more`: there are older ones. */
export interface ListedSweeps {
  sweeps: SweepSummary[];
  more: boolean;
}

/** Number of locations that the inventory has read, and of all. */
export interface LocationsDone {
  done: number;
  total: number;
}

export interface Asked {
  command: SweepCommand['command'];
  reason?: string | undefined;
}

/** Single calls. All throw CliErrors. */
export interface SweepCalls {
  /** Starts a sweep and resolves once it can be shown. Calls `onStart` with its id as soon as it is started. */
  start(request: SweepRequest, onStart: (sweepId: string) => void): Promise<void>;
  /** Throws UnknownSweep. */
  show(sweepId: string): Promise<SweepStanding>;
  /** Returns the progress of the inventory, or undefined if it is not known. */
  locations(sweepId: string): Promise<LocationsDone | undefined>;
  list(filter: SweepFilter, limit: number): Promise<ListedSweeps>;
  /** Throws NotNow if the sweep's state does not allow it. */
  command(sweepId: string, asked: Asked): Promise<SweepStanding>;
  /** Returns the text of an object of the bucket. */
  read(bucket: string, key: string): Promise<string | undefined>;
}
