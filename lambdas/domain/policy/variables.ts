/**
 * Policy variables: `${key}`, `${key, 'default'}`, and `${*}`, `${?}`, `${$}` for literal special characters. With
 * version 2008-10-17 they are plain text.
 * Source: IAM User Guide, "IAM policy elements: Variables and tags".
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
import type { PolicyVersion } from './document.ts';
import { isMultivalued } from './keys.ts';
import type { PolicyRequest } from './request.ts';
import type { Part } from './wildcard.ts';

/**
 * A text with its variables resolved. `nothing`: a variable has no value, so the text matches nothing ("Policy variables
 * with no value"). `unknown`: the value is not known; `key` is that of the variable, if the cause is a variable.
 */
export type Resolved =
  | { state: 'text'; parts: Part[] }
  | { state: 'nothing' }
  | { state: 'unknown'; why: string; key?: string };

type Variable = { literal: string } | { key: string; fallback?: string };

/**
 * Reads the text between the braces, and returns undefined if it is not a variable. A key has no white space, and its
 * default is in single quotes.
 */
function readVariable(inside: string): Variable | undefined {
  if (inside === '*' || inside === '?' || inside === '$') return { literal: inside };
  const found = /^([^\s,'$*?{}]+)(?:, '([^']*)')?$/.exec(inside);
  const [, key, fallback] = found ?? [];
  return key === undefined ? undefined : { key, ...(fallback === undefined ? {} : { fallback }) };
}

function valueOf(variable: Variable, request: PolicyRequest): Resolved {
  if ('literal' in variable) return { state: 'text', parts: [variable] };
  const { key, fallback } = variable;
  // "You can use any available single-valued context key as a policy variable, but you can't use a multivalued one."
  if (isMultivalued(key)) return { state: 'unknown', key, why: `the variable ${key} may have several values` };
  const found = request.lookUp(key.toLowerCase());
  if (found.state === 'present' || found.state === 'unknown')
    return { state: 'unknown', key, why: `the variable ${key} is not known in advance` };
  const [value, ...others] = found.state === 'values' ? found.values : [];
  if (others.length > 0) return { state: 'unknown', key, why: `the variable ${key} has several values` };
  const literal = value ?? fallback;
  return literal === undefined ? { state: 'nothing' } : { state: 'text', parts: [{ literal }] };
}

export const hasVariables = (text: string, version: PolicyVersion): boolean =>
  version === '2012-10-17' && text.includes('${');

/** Returns the keys, as written, whose values a text reads: `${*}`, `${?}`, `${$}` and malformed variables read none. */
export const keysReadBy = (text: string, version: PolicyVersion): string[] =>
  hasVariables(text, version)
    ? [...text.matchAll(/\$\{([^}]*)\}/g)].flatMap(([, inside = '']) => {
        const variable = readVariable(inside);
        return variable && 'key' in variable ? [variable.key] : [];
      })
    : [];

export function resolve(text: string, version: PolicyVersion, request: PolicyRequest): Resolved {
  if (!hasVariables(text, version)) return { state: 'text', parts: [{ pattern: text }] };
  const parts: Part[] = [];
  let worst: Resolved | undefined;
  let at = 0;
  for (let open = text.indexOf('${'); open >= 0; open = text.indexOf('${', at)) {
    const close = text.indexOf('}', open);
    const variable = close < 0 ? undefined : readVariable(text.slice(open + 2, close));
    if (!variable) return { state: 'unknown', why: 'a policy variable is malformed' };
    const value = valueOf(variable, request);
    if (value.state === 'text') parts.push({ pattern: text.slice(at, open) }, ...value.parts);
    else if (worst?.state !== 'nothing') worst = value;
    at = close + 1;
  }
  return worst ?? { state: 'text', parts: [...parts, { pattern: text.slice(at) }] };
}
