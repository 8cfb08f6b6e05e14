/** The calls that the command line needs for sweeps. */
import type { SweepFilter } from '../../lambdas/domain/migration/listing.ts';
import type { SweepCommand, SweepRequest, SweepSummary } from '../../lambdas/domain/sweep/model.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';

/** Sweeps, newest first. `more`: there are older ones. */
export interface ListedSweeps {
  sweeps: SweepSummary[];
  more: boolean;
}

/** The number of locations that the inventory has read, and of all that it must read. */
export interface LocationsDone {
  done: number;
  total: number;
}

export interface Asked {
  command: SweepCommand['command'];
  reason?: string | undefined;
}

/** Each call throws a CliError if it fails. */
export interface SweepCalls {
  /** Resolves when the sweep can be shown. Calls `onStart` with its id as soon as it has started. */
  start(request: SweepRequest, onStart: (sweepId: string) => void): Promise<void>;
  /** Throws UnknownSweep. */
  show(sweepId: string): Promise<SweepStanding>;
  /** Returns undefined if the numbers are not known. */
  locations(sweepId: string): Promise<LocationsDone | undefined>;
  list(filter: SweepFilter, limit: number): Promise<ListedSweeps>;
  /** Throws NotNow if the sweep's status does not allow the command. */
  command(sweepId: string, asked: Asked): Promise<SweepStanding>;
  /** Returns the text of an object in the bucket. */
  read(bucket: string, key: string): Promise<string | undefined>;
}
