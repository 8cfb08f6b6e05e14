/** The histories of both interpreters in one form: GetExecutionHistory's, with parsed texts. Pure. */
import type { EventDetails, HistoryEvent } from '../../sandbox/states/history.ts';

/** An event of a history. */
export interface PlainEvent {
  id: number;
  previousEventId: number;
  type: string;
  /** Milliseconds since 1970. */
  at: number;
  details: EventDetails;
}

/** An event as moto records it. */
export interface MotoEvent {
  id: number;
  previousEventId: number;
  type: string;
  /** ISO 8601. */
  timestamp: string;
  [details: string]: unknown;
}

const detailsIn = (event: object): EventDetails =>
  Object.fromEntries(
    Object.entries(event as Record<string, EventDetails[keyof EventDetails]>).filter(([key]) =>
      key.endsWith('EventDetails'),
    ),
  );

export const fromSandbox = (event: HistoryEvent): PlainEvent => {
  const { id, previousEventId, type, timestamp } = event;
  return { id, previousEventId, type, at: timestamp, details: detailsIn(event) };
};

export const fromMoto = (event: MotoEvent): PlainEvent => {
  const { id, previousEventId, type, timestamp } = event;
  return { id, previousEventId, type, at: Date.parse(timestamp), details: detailsIn(event) };
};
