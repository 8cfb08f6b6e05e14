/**
 * `node scripts/configuration.ts` generates the schema of the configuration file for editors
 * (docs/configuration.schema.json) and the table in docs/configuration.md, both from lib/settings.ts. A test fails if
 * they are stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { settings } from '../lib/settings.ts';
import { jsonText } from './json-text.ts';
import { code, isSchema, propertiesOf, type Schema, table, typeOf, withPositions } from './schema-tables.ts';

const DOCS = join(import.meta.dirname, '..', 'docs');
export const SCHEMA_FILE = join(DOCS, 'configuration.schema.json');
export const DOCS_FILE = join(DOCS, 'configuration.md');

/** Returns JSON Schema draft 7, the newest that editors fully support. Optional settings are not required. */
export const configurationSchema = (): Schema => z.toJSONSchema(settings, { io: 'input', target: 'draft-7' });

/**
 * Returns a row for each setting, followed by rows for the settings of a group or of list items. `deep` also includes
 * nested groups.
 */
function rowsOf(schema: Schema, group: string, deep = true): string[][] {
  return propertiesOf(schema).flatMap(([name, field]) => {
    const path = `${group}${name}`;
    const isGroup = deep && field.type === 'object';
    const listed =
      deep && isSchema(field.items) && field.items.type === 'object' ? rowsOf(field.items, `${path}[].`, false) : [];
    const standard = field.default === undefined || isGroup ? '' : code(JSON.stringify(field.default));
    const isRequired = schema.required?.includes(name) === true;
    return [
      [
        code(path),
        isGroup ? 'group' : typeOf(field),
        isRequired ? (group === '' ? '**required**' : 'required in its group') : standard,
        field.description ?? '',
      ],
      ...(isGroup ? rowsOf(field, `${path}.`) : []),
      ...listed,
    ];
  });
}

/** Returns the text with its table replaced. Throws an `Error` if it has no marks for the table. */
export const withTables = (text: string): string =>
  withPositions(
    text,
    { settings: table(['setting', 'value', 'default', 'meaning'], rowsOf(configurationSchema(), '')) },
    { script: 'scripts/configuration.ts', file: DOCS_FILE },
  );

/** Returns the text of the schema's file. */
export const schemaText = (): string => jsonText(configurationSchema());

if (import.meta.main) {
  writeFileSync(SCHEMA_FILE, schemaText());
  writeFileSync(DOCS_FILE, withTables(readFileSync(DOCS_FILE, 'utf8')));
  console.log('Wrote docs/configuration.schema.json and the table of docs/configuration.md.');
}
