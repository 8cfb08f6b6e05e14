/** Reads the variables of a `.tfvars.json` file. */
import type { CodeFile } from './model.ts';
import type { Attribute, Expression, ParsedFile } from './syntax.ts';

const NOWHERE = { start: 0, end: 0, line: 1 };

const expressionOf = (value: unknown): Expression => {
  if (typeof value === 'string') return { ...NOWHERE, kind: 'string', parts: [value], heredoc: false };
  if (value === null || typeof value === 'number' || typeof value === 'boolean')
    return { ...NOWHERE, kind: 'literal', value };
  if (Array.isArray(value)) return { ...NOWHERE, kind: 'list', items: value.map(expressionOf) };
  if (typeof value !== 'object') return { ...NOWHERE, kind: 'other' };
  const entries = Object.entries(value).map(([name, entry]) => ({
    ...NOWHERE,
    key: expressionOf(name),
    name,
    value: expressionOf(entry),
  }));
  return { ...NOWHERE, kind: 'object', entries };
};

/** Returns the variables as attributes, without places in the text. Text that is not an object counts as a syntax error. */
export function parseJsonVariables({ path, text }: CodeFile): ParsedFile {
  const file = { path, text, comments: [] };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return { ...file, body: { start: 0, end: 0, elements: [] }, errorLine: 1 };
  const elements = Object.entries(parsed).map(([name, value]): Attribute => ({
    ...NOWHERE,
    is: 'attribute',
    name,
    nameSpan: NOWHERE,
    equals: 0,
    value: expressionOf(value),
  }));
  return { ...file, body: { start: 0, end: 0, elements } };
}
