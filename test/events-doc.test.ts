/** docs/events.schema.json matches the sources, and docs/events.md shows events that the schema accepts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator, type Schema } from '@cfworker/json-schema';
import { describe, expect, it } from 'vitest';
import { serviceEvent } from '../lambdas/domain/events/service-event.ts';
import { EVENT_TYPES } from '../lambdas/domain/events/outbox-events.ts';
import { EVENTS_SCHEMA_FILE, eventsSchemaText } from '../scripts/events-schema.ts';
import { words } from './words.ts';

const published = readFileSync(EVENTS_SCHEMA_FILE, 'utf8');
const document = readFileSync(join(import.meta.dirname, '..', 'docs', 'events.md'), 'utf8');
const validator = new Validator(JSON.parse(published) as Schema, '7', false);
/** Whole events in the document. */
const examples = [...document.matchAll(/```json\n([^]*?)```/g)]
  .map(([, text = '']) => JSON.parse(text) as { detail?: unknown; source?: unknown })
  .filter(({ detail, source }) => typeof source === 'string' && detail !== undefined);

describe('docs/events.schema.json', () => {
  it('matches the sources: run node scripts/events-schema.ts', () => expect(published).toBe(eventsSchemaText()));

  it('accepts fields of later versions, but no event without the common fields', () => {
    const [{ detail } = { detail: undefined }] = examples;
    const whole = detail as Record<string, unknown>;
    expect(validator.validate({ ...whole, later: 1 }).valid).toBe(true);
    const missed = words`version eventId type migrationId at account region cluster dryRun title message`.filter(
      (field) => validator.validate(Object.fromEntries(Object.entries(whole).filter(([name]) => name !== field))).valid,
    );
    expect(missed).toEqual([]);
  });
});

describe('docs/events.md', () => {
  it('shows events of the schema', () => {
    expect(examples.length).toBeGreaterThan(1);
    for (const { detail } of examples) {
      expect(validator.validate(detail).errors).toEqual([]);
      expect(serviceEvent.strict().safeParse(detail).error?.issues).toBeUndefined();
    }
  });

  it('names every type and every field', () => {
    for (const name of [...EVENT_TYPES, ...Object.keys(serviceEvent.shape)]) expect(document).toContain(`\`${name}\``);
  });
});
