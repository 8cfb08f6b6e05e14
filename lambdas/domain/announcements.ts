/**
 * What the service tells others of a migration: the names of its events, and the ids by which a repeated one is known.
 */
import { z } from 'zod';
import { type Outcome, outcome } from './model.ts';

/** An outcome, or one of the moments before it. `approval-needed.2`: of the second time that somebody is asked. */
export const announcement = z.union([outcome, z.literal('started'), z.string().regex(/^approval-needed(\.\d+)?$/)]);
export type Announcement = Outcome | 'started' | 'approval-needed' | `approval-needed.${number}`;

/** The round of an approval that is needed; undefined for what is told otherwise. */
export const roundOf = (told: Announcement): number | undefined =>
  told.startsWith('approval-needed') ? Number(told.split('.')[1] ?? 1) : undefined;

export const approvalNeeded = (round: number): Announcement =>
  round === 1 ? 'approval-needed' : `approval-needed.${round}`;

/** Unique for what is told, and the same however often it is: who has seen it can leave it. */
export const eventIdOf = (migrationId: string, told: Announcement): string => `${migrationId}#${told}`;
