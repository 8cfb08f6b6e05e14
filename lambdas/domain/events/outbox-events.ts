/**
 * What the service tells others of a migration: the names of its events, and the ids by which a repeated one is known.
 */
import { z } from 'zod';
import { type Outcome, outcome, OUTCOMES } from '../migration/model.ts';
import { WAITS_FOR, type WaitsFor } from '../waiting/waiting-for.ts';

export const EVENT_TYPES = ['started', 'approval-needed', 'waiting', 'resumed', ...OUTCOMES] as const;
export const eventType = z.enum(EVENT_TYPES);
export type EventType = z.infer<typeof eventType>;

const WAIT = new RegExp(`^(waiting|resumed)\\.(${WAITS_FOR.join('|')})\\.(\\d{1,10})$`);

/**
 * An outcome, or one of the moments before it. `approval-needed.2`: of the second time that somebody is asked.
 * `waiting.service.1767603600`: what it waits for, and the second since 1970 at which it began to wait.
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

/** The round of an approval that is needed; undefined for what is told otherwise. */
export const roundOf = (told: OutboxEvent): number | undefined =>
  told.startsWith('approval-needed') ? Number(told.split('.')[1] ?? 1) : undefined;

export const approvalNeeded = (round: number): OutboxEvent =>
  round === 1 ? 'approval-needed' : `approval-needed.${round}`;

/** That a migration waits for that since then, or that it has gone on since. */
export const waitEvent = (
  type: 'waiting' | 'resumed',
  { what, since }: { what: WaitsFor; since: string },
): OutboxEvent => `${type}.${what}.${Math.floor(Date.parse(since) / 1000)}`;

/** What such an announcement is about; undefined for any other. */
export function waitOf(told: OutboxEvent): { type: 'waiting' | 'resumed'; what: WaitsFor; since: string } | undefined {
  const [, type, what, second] = WAIT.exec(told) ?? [];
  if (type === undefined) return undefined;
  return {
    type: type as 'waiting' | 'resumed',
    what: what as WaitsFor,
    since: new Date(Number(second) * 1000).toISOString(),
  };
}

/** Unique for what is told, and the same however often it is: who has seen it can leave it. */
export const eventIdOf = (migrationId: string, told: OutboxEvent): string => `${migrationId}#${told}`;
