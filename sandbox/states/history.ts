import { Interrupted } from './failure.ts';
import { MAX_EVENTS } from './limits.ts';

/** An event as in GetExecutionHistory, with its details under the name for its type. */
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

/** The history of one execution. */
export class History {
  readonly events: HistoryEvent[] = [];
  private readonly now: () => number;
  private readonly onFull: () => void;
  private closed = false;
  private entered = 0;
  private retried = 0;

  /** `onFull` is called when there is room only for the last event; it must end the execution. */
  constructor(now: () => number, onFull: () => void) {
    this.now = now;
    this.onFull = onFull;
  }

  /** Returns the event's id. After the end, nothing is added. Throws Interrupted if the history is full. */
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
    // A stop is no consequence of the event before it: localstack/localstack, test_stop_execution, recorded from AWS.
    this.push(type, type === 'ExecutionAborted' ? 0 : this.events.length, details);
    this.closed = true;
  }

  /** Drops all events except the last, once the execution has ended. */
  forget(): void {
    this.events.splice(0, this.events.length - 1);
  }

  /**
   * Returns the billed transitions, including those of dropped events: states entered, and retries ("each retry will be
   * charged as an additional state transition": aws.amazon.com/step-functions/pricing).
   */
  get transitions(): number {
    return this.entered + Math.max(0, this.retried);
  }

  private push(type: string, previousEventId: number, details: EventDetails): number {
    if (type.endsWith('StateEntered')) this.entered += 1;
    // A task is scheduled once for each attempt.
    if (type === 'TaskScheduled') this.retried += 1;
    if (type === 'TaskStateEntered') this.retried -= 1;
    const id = this.events.length + 1;
    this.events.push({ id, previousEventId, type, timestamp: this.now(), ...details });
    return id;
  }
}

/** Returns a payload for an event. Nothing is truncated: a payload that is too large has already failed. */
export const payload = (field: 'input' | 'output', value: unknown): Record<string, unknown> => ({
  [field]: JSON.stringify(value),
  [`${field}Details`]: { truncated: false },
});
