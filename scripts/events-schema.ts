/**
 * `node scripts/events-schema.ts`: publishes the schema of the service's own events (docs/events.schema.json) from
 * lambdas/domain/events/service-event.ts. A test fails while it is stale.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { serviceEvent } from '../lambdas/domain/events/service-event.ts';
import { jsonText } from './json-text.ts';

export const EVENTS_SCHEMA_FILE = join(import.meta.dirname, '..', 'docs', 'events.schema.json');

/** JSON Schema, draft 7, of an event's `detail`. Fields may be added without another version, so none is ruled out. */
export const eventsSchemaText = (): string => {
  const schema = z.toJSONSchema(serviceEvent, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => delete jsonSchema.additionalProperties,
  });
  return jsonText({ ...schema, title: 'Detail of an event of the Pod Identity migrator' });
};

if (import.meta.main) {
  writeFileSync(EVENTS_SCHEMA_FILE, eventsSchemaText());
  console.log('Wrote docs/events.schema.json.');
}
