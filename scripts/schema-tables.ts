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

/** Returns the range of a number; without the bound that zod adds to every integer, which is that of JavaScript. */
const rangeOf = ({ type, minimum, exclusiveMinimum, maximum }: Schema): string => {
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  const least = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  if (least !== undefined) return most === undefined ? `${least} or more` : `${least} to ${most}`;
  if (exclusiveMinimum !== undefined)
    return [`more than ${exclusiveMinimum}`, ...(most === undefined ? [] : [`at most ${most}`])].join(', ');
  return most === undefined ? (type === 'integer' ? 'integer' : 'number') : `at most ${most}`;
};

/** Returns the values that a field may have. */
export const typeOf = (schema: Schema): string => {
  const name = nameOf(schema);
  if (name !== undefined) return `[${name}](#${name.toLowerCase()})`;
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.const !== undefined) return code(String(schema.const));
  if (schema.anyOf) {
    const isChoice = schema.anyOf.every((part) => isSchema(part) && part.const !== undefined);
    const parts = schema.anyOf.map((part) => (isSchema(part) ? typeOf(part) : 'anything'));
    if (isChoice) return parts.join(', ');
    return parts.join(parts.some((part) => part.includes(' or ')) ? ', or ' : ' or ');
  }
  if (schema.type === 'array') return `list of ${isSchema(schema.items) ? typeOf(schema.items) : 'anything'}`;
  if (schema.type === 'string') return schema.format === 'date-time' ? 'time, UTC' : 'text';
  if (schema.type === 'integer' || schema.type === 'number') return rangeOf(schema);
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
