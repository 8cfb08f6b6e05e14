/**
 * `node scripts/scenario-schema.ts`: publishes the schema of scenario files for editors (sandbox/scenario.schema.json)
 * and as the tables of docs/sandbox.md, both from sandbox/world/scenario.ts. A test fails if they are stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { scenario } from '../sandbox/world/scenario.ts';
import { jsonText } from './json-text.ts';
import { code, fieldsOf, propertiesOf, type Schema, table, typeOf, withPositions } from './schema-tables.ts';

const ROOT = join(import.meta.dirname, '..');
export const SCHEMA_FILE = join(ROOT, 'sandbox', 'scenario.schema.json');
export const DOCS_FILE = join(ROOT, 'docs', 'sandbox.md');

/**
 * Returns the schema as JSON Schema, draft 7: the newest version that editors support completely. A field that a file may
 * omit is not required.
 */
export const scenarioSchema = (): Schema =>
  z.toJSONSchema(scenario, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      // The format is enough, and zod's regular expression for it would fill the screen of an editor.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    },
  });

const definitionsOf = (schema: Schema): [string, Schema][] =>
  Object.entries((schema.definitions ?? {}) as Record<string, Schema>);

/** Returns the tables of the documentation, by the name in their marks. */
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

/** Returns the text with its tables replaced. Throws an Error if the marks of a table are missing. */
export const withTables = (text: string): string =>
  withPositions(text, scenarioTables(), { script: 'scripts/scenario-schema.ts', file: DOCS_FILE });

/** Returns the content of the schema's file. */
export const schemaText = (): string => jsonText(scenarioSchema());

if (import.meta.main) {
  writeFileSync(SCHEMA_FILE, schemaText());
  writeFileSync(DOCS_FILE, withTables(readFileSync(DOCS_FILE, 'utf8')));
  console.log('Wrote sandbox/scenario.schema.json and the tables of docs/sandbox.md.');
}
