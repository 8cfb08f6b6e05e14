/**
 * The names of the outbox events of a migration, and their ids, by which a receiver recognises a repeated event.
 */
import { z } from 'zod';
import { type Outcome, outcome, OUTCOMES } from '../terms/outcome.ts';
import { WAITS_FOR, type WaitsFor } from '../waiting/waiting-for.ts';

export const EVENT_TYPES = ['started', 'approval-needed', 'waiting', 'resumed', ...OUTCOMES] as const;
export const eventType = z.enum(EVENT_TYPES);
export type EventType = z.infer<typeof eventType>;

const WAIT = new RegExp(`^(waiting|resumed)\\.(${WAITS_FOR.join('|')})\\.(\\d{1,10})$`);

/**
 * An outcome, or an event before it. `approval-needed.2` is the second request for an approval.
 * `waiting.service.1767603600` names what the migration waits for, and the time at which the wait began, in seconds
 * since
 * 1970.
 */
export const outboxEvent = z.union([
  outcome,
  z.literal('started'),
  z.string().regex(/^approval-needed(\.\d+)?$/),
  z.string().regex(WAIT),
]);
export type OutboxEvent =
  | Outcome
  | 'started'
  | 'approval-needed'
  | `approval-needed.${number}`
  | `${'waiting' | 'resumed'}.${WaitsFor}.${number}`;

/** Returns the round of the approval that an event is about; `undefined` for any other event. */
export const roundOf = (event: OutboxEvent): number | undefined =>
  event.startsWith('approval-needed') ? Number(event.split('.')[1] ?? 1) : undefined;

export const approvalNeeded = (round: number): OutboxEvent =>
  round === 1 ? 'approval-needed' : `approval-needed.${round}`;

/** Returns the event for a migration that began to wait, or that continues after a wait. */
export const waitEvent = (
  type: 'waiting' | 'resumed',
  { what, since }: { what: WaitsFor; since: string },
): OutboxEvent => `${type}.${what}.${Math.floor(Date.parse(since) / 1000)}`;

/** Returns the wait that an event is about; `undefined` for any other event. */
export function waitOf(event: OutboxEvent): { type: 'waiting' | 'resumed'; what: WaitsFor; since: string } | undefined {
  const [, type, what, second] = WAIT.exec(event) ?? [];
  if (type === undefined) return undefined;
  return {
    type: type as 'waiting' | 'resumed',
    what: what as WaitsFor,
    since: new Date(Number(second) * 1000).toISOString(),
  };
}

/** Returns the id of an event, which is unique, and the same each time the event is sent. */
export const eventIdOf = (migrationId: string, event: OutboxEvent): string => `${migrationId}#${event}`;
