/** The status of a migration, and its outcome. */
import { z } from 'zod';
import { shownText } from '../text/text.ts';

export const OUTCOMES = ['migrated', 'already-migrated', 'planned', 'blocked', 'rolled-back', 'needs-human'] as const;
export const outcome = z.enum(OUTCOMES);
export type Outcome = z.infer<typeof outcome>;

/** `rolling-back`: a rollback is running, or was requested and has not started yet. */
export const status = z.enum(['running', 'rolling-back', 'ended']);
export type Status = z.infer<typeof status>;

export const failure = z.object({
  name: shownText.describe('Name of the error.'),
  message: shownText.describe('What happened, to what, and what to do next.'),
});
export type Failure = z.infer<typeof failure>;
