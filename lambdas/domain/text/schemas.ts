/** What the schemas of published documents share: names and times. */
import { z } from 'zod';
import { shownText } from './text.ts';

/**
 * The names under which schemas are published: the OpenAPI document contains each of them once, and refers to it by
 * name.
 * A schema that refines or describes a named schema keeps the name; a schema that extends one needs its own name.
 */
export const schemaNames = z.registry<{ name: string }>();

/** Texts whose forms are listed by a pattern, and of which later versions may add some: a response has no pattern for them. */
export const openPatterns = z.registry();

/**
 * A time as the service writes it: ISO 8601, in UTC. The format is documented but not validated when a record is read.
 */
export const time = z.string().meta({ format: 'date-time' });

/** A time that a third party has written. */
export const shownTime = shownText.meta({ format: 'date-time' });
