/** What the schemas of published documents have in common: names, and times. */
import { z } from 'zod';
import { shownText } from './text.ts';

/**
 * Names under which schemas are published: the document of the API has each of these once, and refers to it by its name.
 * A schema that is made of a named one by refining or describing it has the same name; one that is extended needs its
 * own.
 */
export const schemaNames = z.registry<{ name: string }>();

/** A time as the service writes it: ISO 8601, in UTC. It is text to whoever reads a record: the format is a promise. */
export const time = z.string().meta({ format: 'date-time' });

/** The same, where a third party has written it. */
export const shownTime = shownText.meta({ format: 'date-time' });
