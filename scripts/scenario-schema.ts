/**
 * `node scripts/scenario-schema.ts`: publishes the schema of scenario files for editors (sandbox/scenario.schema.json)
 * and as the tables of docs/sandbox.md, both from sandbox/world/scenario.ts. A test fails while they are stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { scenario } from '../sandbox/world/scenario.ts';

const ROOT = join(import.meta.dirname, '..');
export const SCHEMA_FILE = join(ROOT, 'sandbox', 'scenario.schema.json');
export const DOCS_FILE = join(ROOT, 'docs', 'sandbox.md');

type Schema = z.core.JSONSchema.JSONSchema;

/** JSON Schema, draft 7: the newest that editors know whole. What may be left out of a file is not required. */
export const scenarioSchema = (): Schema =>
  z.toJSONSchema(scenario, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      // The format says it already, and the expression that zod has for it would fill the screen of an editor.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    },
  });

const code = (text: string): string => `\`${text}\``;
const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);
const nameOf = (schema: Schema): string | undefined => (schema.$ref ?? schema.allOf?.find((part): part is Schema => isSchema(part) && part.$ref !== undefined)?.$ref)?.split('/').at(-1);

const typeOf = (schema: Schema): string => {
  const name = nameOf(schema);
  if (name !== undefined) return `[${name}](#${name.toLowerCase()})`;
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.anyOf) return schema.anyOf.map((part) => (isSchema(part) ? typeOf(part) : 'anything')).join(' or ');
  if (schema.type === 'array') return `list of ${isSchema(schema.items) ? typeOf(schema.items) : 'anything'}`;
  if (schema.type === 'string') return schema.format === 'date-time' ? 'time, UTC' : 'text';
  if (schema.type === 'integer' || schema.type === 'number') return `${schema.minimum ?? ''} to ${schema.maximum ?? ''}`;
  if (schema.type === 'boolean') return `${code('true')}, ${code('false')}`;
  return isSchema(schema.additionalProperties) && schema.additionalProperties.type === 'string' ? 'texts by name' : 'object';
};

const row = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
const table = (head: string[], rows: string[][]): string => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

const propertiesOf = (schema: Schema): [string, Schema][] => Object.entries(schema.properties ?? {}).filter((entry): entry is [string, Schema] => isSchema(entry[1]));

const fieldsOf = (schema: Schema): string =>
  table(
    ['field', 'value', 'default', 'meaning'],
    propertiesOf(schema).map(([name, field]) => {
      const standard = field.default === undefined ? '' : code(JSON.stringify(field.default));
      return [code(name), typeOf(field), schema.required?.includes(name) === true ? '**required**' : standard, field.description ?? ''];
    }),
  );

const definitionsOf = (schema: Schema): [string, Schema][] => Object.entries((schema.definitions ?? {}) as Record<string, Schema>);

/** The tables of the documentation, by the name of their place in it. */
export const scenarioTables = (): Record<'fields' | 'knobs', string> => {
  const schema = scenarioSchema();
  const definitions = definitionsOf(schema);
  const knobs = definitions.find(([name]) => name === 'Knobs')?.[1] ?? {};
  const sections = definitions
    .filter(([name]) => name !== 'Knobs')
    .map(([name, definition]) => [`### ${name}`, definition.description ?? '', ...(definition.properties ? [fieldsOf(definition)] : [])].join('\n\n'));
  return {
    fields: ['### Scenario', 'The whole file.', fieldsOf(schema), ...sections].join('\n\n'),
    knobs: table(
      ['knob', 'value', 'default', 'what it plays', 'confidence', 'source'],
      propertiesOf(knobs).map(([name, knob]) => [code(name), typeOf(knob), code(JSON.stringify(knob.default)), knob.description ?? '', String(knob['confidence']), String(knob['source'])]),
    ),
  };
};

/** That text with its tables replaced. Throws an Error where it has no place for one. */
export const withTables = (text: string): string =>
  Object.entries(scenarioTables()).reduce((document, [place, content]) => {
    const [begin, end] = [`<!-- ${place}: made by scripts/scenario-schema.ts -->\n`, `\n<!-- ${place}: end -->`];
    const [from, to] = [document.indexOf(begin), document.indexOf(end)];
    if (from === -1 || to < from) throw new Error(`${DOCS_FILE} has no place for the table ${place}: put the lines "${begin.trim()}" and "${end.trim()}" where it shall stand.`);
    return `${document.slice(0, from)}${begin}\n${content}\n${document.slice(to)}`;
  }, text);

/** The schema as its file holds it. */
export const schemaText = (): string => `${JSON.stringify(scenarioSchema(), null, 2)}\n`;

if (import.meta.main) {
  writeFileSync(SCHEMA_FILE, schemaText());
  writeFileSync(DOCS_FILE, withTables(readFileSync(DOCS_FILE, 'utf8')));
  console.log('Wrote sandbox/scenario.schema.json and the tables of docs/sandbox.md.');
}
