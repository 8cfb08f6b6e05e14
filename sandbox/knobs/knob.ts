/** Defines knobs: their values, and the confidence and source of their defaults. */
import { z } from 'zod';

export const seconds = z.number().min(0).max(86_400);

/** Time that pods take to become ready: the same for all pods, or drawn for each pod between two bounds. */
export const readySeconds = z.union([
  seconds,
  z
    .strictObject({
      min: seconds.describe('Most pods take little longer.'),
      max: seconds.describe('Few pods take so long.'),
    })
    .refine(({ min, max }) => min <= max, { path: ['max'], message: 'must not be less than min' })
    .meta({
      id: 'ReadySeconds',
      description: 'Each pod takes its own time between these bounds, drawn from the seed.',
    }),
]);

/**
 * How certain it is that AWS behaves like the default. `certain`: documented, or reported word for word; `likely`:
 * several reports indicate it; `unknown`: no source covers it; `placeholder`: a duration that no source publishes.
 */
export type Confidence = 'certain' | 'likely' | 'unknown' | 'placeholder';

/** Confidence and source become part of the published schema, and thereby of docs/scenario-reference.md. */
export const knob = <T extends z.ZodType>(schema: T, confidence: Confidence, source: string, description: string): T =>
  schema.meta({ description, confidence, source });

/** The source of defaults that no source covers. */
export const OURS = 'chosen for the sandbox';
