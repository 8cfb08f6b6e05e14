/** What a plan, or a retirement, finds about one question. */
import { z } from 'zod';
import { shownText } from './text.ts';

export const check = z.object({
  /** Stable, kebab-case; see `plan/checks.ts`. */
  id: z.string(),
  status: z.enum(['pass', 'warn', 'fail', 'unknown']),
  /** What was found, with names. */
  message: shownText,
  /** What to do about it; there for every status but pass. */
  remedy: shownText.optional(),
  /** Where the rule comes from: a page of the EKS User Guide or an issue. */
  source: shownText.optional(),
});
export type Check = z.infer<typeof check>;
