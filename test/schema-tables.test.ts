/** The tables that `scripts/schema-tables.ts` generates for docs/scenario-reference.md and docs/configuration.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fieldsOf, isSchema, typeOf, withPositions } from '../scripts/schema-tables.ts';

const DOCS = join(import.meta.dirname, '..', 'docs');
const valuesOf = (schema: z.ZodType): string => typeOf(z.toJSONSchema(schema, { io: 'input', target: 'draft-7' }));

describe('the values of a field', () => {
  it.each<[string, z.ZodType]>([
    ['1 to 5', z.int().min(1).max(5)],
    ['1 or more', z.int().min(1)],
    ['at most 5', z.int().max(5)],
    ['integer', z.int()],
    ['number', z.number()],
    ['0 to 0.5', z.number().min(0).max(0.5)],
    ['more than 0, at most 60', z.number().positive().max(60)],
    ['more than 0', z.number().positive()],
    ['`431`', z.literal(431)],
    ['`413`, `431`', z.union([z.literal(413), z.literal(431)])],
    ['1 or more, or `all`', z.union([z.int().min(1), z.literal('all')])],
    ['`on`, `off`', z.enum(['on', 'off'])],
    ['`true`, `false`', z.boolean()],
    ['list of text', z.array(z.string())],
    ['texts by name', z.record(z.string(), z.string())],
    ['time, UTC', z.iso.datetime()],
  ])('are shown as %s', (expected, schema) => expect(valuesOf(schema)).toBe(expected));

  it.each(['scenario-reference.md', 'configuration.md'])('are complete in docs/%s', (file) => {
    const rows = readFileSync(join(DOCS, file), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(rows.filter((line) => /\|\s+to |to\s+(or|\|)|9007199254740991/.test(line))).toEqual([]);
  });
});

describe('a table', () => {
  it('shows required fields and defaults', () => {
    const schema = z.toJSONSchema(z.object({ a: z.string().describe('A|B.'), n: z.int().min(0).default(2) }), {
      io: 'input',
      target: 'draft-7',
    });
    expect(isSchema(schema) && fieldsOf(schema).split('\n').slice(2)).toEqual([
      String.raw`| \`a\` | text | **required** | A\|B. |`.replaceAll('\\`', '`'),
      '| `n` | 0 or more | `2` |  |',
    ]);
  });

  it('replaces only the content between its marks', () => {
    const marks = { script: 'x.ts', file: 'a.md' };
    const text = 'before\n<!-- t: made by x.ts -->\n\nold\n\n<!-- t: end -->\nafter';
    expect(withPositions(text, { t: 'new' }, marks)).toBe(text.replace('old', 'new'));
    expect(() => withPositions('before', { t: 'new' }, marks)).toThrow(
      'a.md has no marks for the table t. Add the lines',
    );
  });
});
