import type { ListPosition, SweepFilter } from '../domain/migration/listing.ts';
import type { Failure } from '../domain/migration/model.ts';
import type { Sweep, SweepCommand, SweepItem, SweepSummary, SweepTally } from '../domain/sweep/model.ts';

export interface SweepPage {
  sweeps: SweepSummary[];
  /** Where the next page goes on: behind the last one that was looked at. Absent at the end. */
  next?: ListPosition;
}

type Changeable = Omit<Sweep, 'sweepId' | 'request' | 'failed' | 'ended'>;
export type SweepChange = { [Key in keyof Changeable]?: Changeable[Key] | null };

/** Sweeps in the ledger: their records, and what each of them migrates. */
export interface Sweeps {
  /** `undefined` where there is none. */
  get(sweepId: string): Promise<Sweep | undefined>;
  /** Puts a new record; one that is there stays. Answers the one that stands. */
  create(sweep: Sweep): Promise<Sweep>;
  /** Changes these fields of a record that is there; `undefined` leaves one as it is, and null takes it away. */
  update(sweepId: string, change: SweepChange): Promise<void>;
  /** Notes what somebody asks of it; the last one counts. Answers the record as it was before, `undefined` where there is none. */
  command(sweepId: string, command: SweepCommand): Promise<Sweep | undefined>;
  /**
   * At most `limit` of those that the filter lets through, the newest first, that come after that place; a moment behind
   * (an index).
   */
  list(filter: SweepFilter, limit: number, after?: ListPosition): Promise<SweepPage>;

  /** Queues an add-on once: one that is there, whatever has become of it, stays. */
  enqueue(sweepId: string, item: SweepItem): Promise<void>;
  /** At most `limit` of those that wait, in an order that mixes accounts and clusters. */
  queued(sweepId: string, limit: number): Promise<SweepItem[]>;
  inFlight(sweepId: string): Promise<SweepItem[]>;
  /** All of them, each once, page by page (for the report). */
  eachItem(sweepId: string, visit: (items: SweepItem[]) => void): Promise<void>;
  /** From the queue into flight, before it is begun. Said again it changes nothing. */
  toFlight(sweepId: string, migrationId: string, begun: { begunAt: string; wave: number }): Promise<void>;
  /** Out of flight. `failed`: it counts for the stop. Said again it changes nothing. */
  toEnd(
    sweepId: string,
    migrationId: string,
    end: Pick<SweepItem, 'endedAt' | 'outcome'> & {
      failure?: Failure | undefined;
      heldBy?: string | undefined;
      refused?: true | undefined;
      failed: boolean;
    },
  ): Promise<void>;
  /** Forgets what counts for the stop. */
  forgetFailures(sweepId: string): Promise<void>;
  tally(sweepId: string): Promise<SweepTally>;
}
