/** How a knob is made: its values, how sure its default is, and who says so. */
import { z } from 'zod';

export const seconds = z.number().min(0).max(86_400);

/** How long pods take until they are ready: the same for all, or each pod's own between two bounds. */
export const readySeconds = z.union([
  seconds,
  z
    .strictObject({ min: seconds.describe('Most pods take little more.'), max: seconds.describe('Few take so long.') })
    .refine(({ min, max }) => min <= max, { path: ['max'], message: 'must not be less than min' })
    .meta({
      id: 'ReadySeconds',
      description: 'Each pod takes a time of its own between these, drawn from the seed.',
    }),
]);

/**
 * How sure it is that AWS behaves as the default says. `certain`: documented, or reported word for word; `likely`:
 * several reports point there; `unknown`: nobody has said; `placeholder`: a duration that nobody has published.
 */
export type Confidence = 'certain' | 'likely' | 'unknown' | 'placeholder';

/** Both go into the published schema, and with it into docs/sandbox.md. */
export const knob = <T extends z.ZodType>(schema: T, confidence: Confidence, source: string, description: string): T =>
  schema.meta({ description, confidence, source });

/** The source of what nobody has said. */
export const OURS = 'chosen for the sandbox';
