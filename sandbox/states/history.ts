import { Interrupted } from './failure.ts';
import { MAX_EVENTS } from './limits.ts';

/** An event as GetExecutionHistory has it, its details under the name that belongs to its type. */
export interface HistoryEvent {
  id: number;
  previousEventId: number;
  type: string;
  /** Milliseconds since 1970. */
  timestamp: number;
  [details: `${string}EventDetails`]: Record<string, unknown>;
}
export type EventDetails = Record<`${string}EventDetails`, Record<string, unknown>>;

export const HISTORY_FULL = `The execution reached the maximum number of history events (${MAX_EVENTS}).`;

/** What happened in one execution. */
export class History {
  readonly events: HistoryEvent[] = [];
  private readonly now: () => number;
  private readonly onFull: () => void;
  private closed = false;
  private entered = 0;
  private retried = 0;

  /** `onFull` is called when there is only room left for the end; it has to end the execution. */
  constructor(now: () => number, onFull: () => void) {
    this.now = now;
    this.onFull = onFull;
  }

  /** Answers the event's id. After the end nothing is added. Throws Interrupted when it is full. */
  add(type: string, previousEventId: number, details: EventDetails = {}): number {
    if (this.closed) return previousEventId;
    if (this.events.length >= MAX_EVENTS - 1) {
      this.onFull();
      throw new Interrupted(HISTORY_FULL);
    }
    return this.push(type, previousEventId, details);
  }

  /** Adds the execution's last event; there is always room for it. */
  end(type: string, details: EventDetails): void {
    if (this.closed) return;
    this.push(type, this.events.length, details);
    this.closed = true;
  }

  /** Once it has ended: lets go of all events but the last. */
  forget(): void {
    this.events.splice(0, this.events.length - 1);
  }

  /**
   * What is billed, whatever was let go of: states entered, and retries ("each retry will be charged as an additional
   * state transition": aws.amazon.com/step-functions/pricing).
   */
  get transitions(): number {
    return this.entered + Math.max(0, this.retried);
  }

  private push(type: string, previousEventId: number, details: EventDetails): number {
    if (type.endsWith('StateEntered')) this.entered += 1;
    // A task is scheduled once for each time that it is tried.
    if (type === 'TaskScheduled') this.retried += 1;
    if (type === 'TaskStateEntered') this.retried -= 1;
    const id = this.events.length + 1;
    this.events.push({ id, previousEventId, type, timestamp: this.now(), ...details });
    return id;
  }
}

/** A payload in an event. Nothing is cut off: what is too large has failed before. */
export const payload = (field: 'input' | 'output', value: unknown): Record<string, unknown> => ({
  [field]: JSON.stringify(value),
  [`${field}Details`]: { truncated: false },
});
