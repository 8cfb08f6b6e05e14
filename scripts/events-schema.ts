/**
 * `node scripts/events-schema.ts` generates the schema of the service's events (docs/events.schema.json) from
 * lambdas/domain/events/service-event.ts. A test fails if it is stale.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { serviceEvent } from '../lambdas/domain/events/service-event.ts';
import { jsonText } from './json-text.ts';

export const EVENTS_SCHEMA_FILE = join(import.meta.dirname, '..', 'docs', 'events.schema.json');

/**
 * Returns JSON Schema draft 7 of an event's `detail`. It allows additional fields, because fields may be added without
 * a new version.
 */
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
