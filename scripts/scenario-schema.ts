/**
 * `node scripts/scenario-schema.ts` generates the schema of scenario files for editors (sandbox/scenario.schema.json)
 * and the tables in docs/scenario-reference.md, both from sandbox/scenario/scenario.ts. A test fails if they are stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { scenario } from '../sandbox/scenario/scenario.ts';
import { jsonText } from './json-text.ts';
import { code, fieldsOf, propertiesOf, type Schema, table, typeOf, withPositions } from './schema-tables.ts';

const ROOT = join(import.meta.dirname, '..');
export const SCHEMA_FILE = join(ROOT, 'sandbox', 'scenario.schema.json');
export const DOCS_FILE = join(ROOT, 'docs', 'scenario-reference.md');

/** Returns JSON Schema draft 7, the newest that editors fully support. Optional fields are not required. */
export const scenarioSchema = (): Schema =>
  z.toJSONSchema(scenario, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      // The format already implies the pattern, and zod's pattern is too long to read in an editor.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    },
  });

const definitionsOf = (schema: Schema): [string, Schema][] =>
  Object.entries((schema.definitions ?? {}) as Record<string, Schema>);

/** Returns the tables by the names of their marks in the document. */
export const scenarioTables = (): Record<'fields' | 'knobs', string> => {
  const schema = scenarioSchema();
  const definitions = definitionsOf(schema);
  const knobs = definitions.find(([name]) => name === 'Knobs')?.[1] ?? {};
  const sections = definitions
    .filter(([name]) => name !== 'Knobs')
    .map(([name, definition]) =>
      [`### ${name}`, definition.description ?? '', ...(definition.properties ? [fieldsOf(definition)] : [])].join(
        '\n\n',
      ),
    );
  return {
    fields: ['### Scenario', 'The whole file.', fieldsOf(schema), ...sections].join('\n\n'),
    knobs: table(
      ['knob', 'value', 'default', 'effect', 'confidence', 'source'],
      propertiesOf(knobs).map(([name, knob]) => [
        code(name),
        typeOf(knob),
        code(JSON.stringify(knob.default)),
        knob.description ?? '',
        String(knob['confidence']),
        String(knob['source']),
      ]),
    ),
  };
};

/** Returns the text with its tables replaced. Throws an `Error` if it has no marks for a table. */
export const withTables = (text: string): string =>
  withPositions(text, scenarioTables(), { script: 'scripts/scenario-schema.ts', file: DOCS_FILE });

/** Returns the text of the schema's file. */
export const schemaText = (): string => jsonText(scenarioSchema());

if (import.meta.main) {
  writeFileSync(SCHEMA_FILE, schemaText());
  writeFileSync(DOCS_FILE, withTables(readFileSync(DOCS_FILE, 'utf8')));
  console.log('Wrote sandbox/scenario.schema.json and the tables of docs/scenario-reference.md.');
}
