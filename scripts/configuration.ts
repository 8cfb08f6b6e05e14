/**
 * `node scripts/configuration.ts`: publishes the schema of the configuration file for editors
 * (docs/configuration.schema.json) and as the table of docs/configuration.md, both from lib/settings.ts. A test fails
 * while they are stale.
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

/** JSON Schema, draft 7: the newest that editors know whole. What may be left out of a file is not required. */
export const configurationSchema = (): Schema => z.toJSONSchema(settings, { io: 'input', target: 'draft-7' });

/**
 * A row for each setting, those of a group, and of what is listed, behind its own. `deep`: those of groups in it too.
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

/** That text with its table replaced. Throws an Error where it has no place for it. */
export const withTables = (text: string): string =>
  withPositions(
    text,
    { settings: table(['setting', 'value', 'default', 'meaning'], rowsOf(configurationSchema(), '')) },
    { script: 'scripts/configuration.ts', file: DOCS_FILE },
  );

/** The schema as its file holds it. */
export const schemaText = (): string => jsonText(configurationSchema());

if (import.meta.main) {
  writeFileSync(SCHEMA_FILE, schemaText());
  writeFileSync(DOCS_FILE, withTables(readFileSync(DOCS_FILE, 'utf8')));
  console.log('Wrote docs/configuration.schema.json and the table of docs/configuration.md.');
}
