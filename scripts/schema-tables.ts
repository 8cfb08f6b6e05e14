/** Generates Markdown tables from JSON Schema, and inserts them into a document. */
import type { z } from 'zod';

export type Schema = z.core.JSONSchema.JSONSchema;

export const code = (text: string): string => `\`${text}\``;
export const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const nameOf = (schema: Schema): string | undefined =>
  (schema.$ref ?? schema.allOf?.find((part): part is Schema => isSchema(part) && part.$ref !== undefined)?.$ref)
    ?.split('/')
    .at(-1);

/** Returns the type of a field as text. */
export const typeOf = (schema: Schema): string => {
  const name = nameOf(schema);
  if (name !== undefined) return `[${name}](#${name.toLowerCase()})`;
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.anyOf) return schema.anyOf.map((part) => (isSchema(part) ? typeOf(part) : 'anything')).join(' or ');
  if (schema.type === 'array') return `list of ${isSchema(schema.items) ? typeOf(schema.items) : 'anything'}`;
  if (schema.type === 'string') return schema.format === 'date-time' ? 'time, UTC' : 'text';
  if (schema.type === 'integer' || schema.type === 'number')
    return `${schema.minimum ?? ''} to ${schema.maximum ?? ''}`;
  if (schema.type === 'boolean') return `${code('true')}, ${code('false')}`;
  return isSchema(schema.additionalProperties) && schema.additionalProperties.type === 'string'
    ? 'texts by name'
    : 'object';
};

const row = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
export const table = (head: string[], rows: string[][]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

export const propertiesOf = (schema: Schema): [string, Schema][] =>
  Object.entries(schema.properties ?? {}).filter((entry): entry is [string, Schema] => isSchema(entry[1]));

/** Returns a table of an object's fields. */
export const fieldsOf = (schema: Schema): string =>
  table(
    ['field', 'value', 'default', 'meaning'],
    propertiesOf(schema).map(([name, field]) => {
      const standard = field.default === undefined ? '' : code(JSON.stringify(field.default));
      return [
        code(name),
        typeOf(field),
        schema.required?.includes(name) === true ? '**required**' : standard,
        field.description ?? '',
      ];
    }),
  );

/**
 * Returns the text with the content between each pair of marks replaced. `script` is the name in the marks. Throws an
 * `Error` if a pair is missing.
 */
export const withPositions = (
  text: string,
  contents: Record<string, string>,
  { script, file }: { script: string; file: string },
): string =>
  Object.entries(contents).reduce((document, [path, content]) => {
    const [begin, end] = [`<!-- ${path}: made by ${script} -->\n`, `\n<!-- ${path}: end -->`];
    const [from, to] = [document.indexOf(begin), document.indexOf(end)];
    if (from === -1 || to < from)
      throw new Error(
        `${file} has no marks for the table ${path}. Add the lines "${begin.trim()}" and "${end.trim()}" where the table belongs.`,
      );
    return `${document.slice(0, from)}${begin}\n${content}\n${document.slice(to)}`;
  }, text);
