import type { ListPosition, SweepFilter } from '../domain/overview/listing.ts';
import type { Failure } from '../domain/terms/outcome.ts';
import type { Verified } from '../domain/terms/levels.ts';
import type {
  InspectionMark,
  Sweep,
  SweepCommand,
  SweepItem,
  SweepLocation,
  SweepSummary,
  SweepTally,
} from '../domain/sweep/model.ts';

export interface SweepPage {
  sweeps: SweepSummary[];
  /** Position of the last entry that was read, after which the next page begins. Absent on the last page. */
  next?: ListPosition;
}

type Changeable = Omit<Sweep, 'sweepId' | 'request' | 'failed' | 'ended'>;
export type SweepChange = { [Key in keyof Changeable]?: Changeable[Key] | null };

/** Sweeps in the ledger: their records and their items. */
export interface Sweeps {
  /** Returns `undefined` if the sweep does not exist. */
  get(sweepId: string): Promise<Sweep | undefined>;
  /** Puts a new record. An existing one is kept. Returns the record in effect. */
  create(sweep: Sweep): Promise<Sweep>;
  /** Changes fields of an existing record: `undefined` leaves a field unchanged, and null removes it. */
  update(sweepId: string, change: SweepChange): Promise<void>;
  /**
   * Records a command, replacing an earlier one. Returns the previous record, or `undefined` if the sweep does not
   * exist.
   */
  command(sweepId: string, command: SweepCommand): Promise<Sweep | undefined>;
  /**
   * Returns at most `limit` sweeps that match the filter, newest first, after a position. Eventually consistent (an
   * index).
   */
  list(filter: SweepFilter, limit: number, after?: ListPosition): Promise<SweepPage>;

  /** Returns the marks of a location's clusters. */
  marks(sweepId: string, location: SweepLocation): Promise<InspectionMark[]>;
  /** Replaces the mark of a cluster. One of the same execution with state `done` is kept. */
  mark(sweepId: string, location: SweepLocation, mark: InspectionMark): Promise<void>;

  /** Queues an add-on once. An existing item is kept in any state. */
  enqueue(sweepId: string, item: SweepItem): Promise<void>;
  /** Returns at most `limit` queued items, in an order that mixes accounts and clusters. */
  queued(sweepId: string, limit: number): Promise<SweepItem[]>;
  inFlight(sweepId: string): Promise<SweepItem[]>;
  /** Visits all items, each once, page by page (for the report). */
  eachItem(sweepId: string, visit: (items: SweepItem[]) => void): Promise<void>;
  /** Moves an item from queued to in-flight, before its migration is started. A repeated call changes nothing. */
  toFlight(sweepId: string, migrationId: string, begun: { begunAt: string; wave: number }): Promise<void>;
  /**
   * Moves an item from in-flight to ended. `failed`: it counts towards the failure limit. A repeated call changes
   * nothing.
   */
  toEnd(
    sweepId: string,
    migrationId: string,
    end: Pick<SweepItem, 'endedAt' | 'outcome'> & {
      verified?: Verified | undefined;
      failure?: Failure | undefined;
      heldBy?: string | undefined;
      refused?: true | undefined;
      failed: boolean;
    },
  ): Promise<void>;
  /** Resets the count of failures. */
  forgetFailures(sweepId: string): Promise<void>;
  tally(sweepId: string): Promise<SweepTally>;
}
