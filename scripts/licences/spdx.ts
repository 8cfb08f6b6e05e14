/**
 * Parses and evaluates SPDX licence expressions (SPDX specification 2.3, annex D): identifiers, `+`, `WITH`, `AND`, `OR`
 * and brackets. ADR 59 says why this is not a package.
 */

export type Expression =
  | { readonly is: 'licence'; readonly id: string }
  | { readonly is: 'and' | 'or'; readonly parts: readonly Expression[] };

/** Thrown for a text that is not an SPDX expression; the message names the offending part. */
export class NotSpdx extends Error {
  override name = 'NotSpdx';
}

const TOKEN = /\s*([()]|[\w.:-]+\+?)/y;

const tokensOf = (text: string): string[] => {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[1];
    if (token === undefined)
      throw new NotSpdx(
        `"${text}" is not an SPDX expression: ${JSON.stringify(text.slice(at).trim())} is neither a licence nor an operator`,
      );
    tokens.push(token);
  }
  return tokens;
};

/**
 * Parses an expression; WITH binds closest, then AND, then OR. An exception (`WITH …`) and `+` (or later) only add
 * rights, so both are dropped and the licence itself decides. Throws NotSpdx.
 */
export const parseSpdx = (text: string): Expression => {
  const tokens = tokensOf(text);
  let at = 0;
  const fail = (expected: string): never => {
    throw new NotSpdx(
      `"${text}" is not an SPDX expression: ${expected} expected ${at < tokens.length ? `before "${tokens[at]}"` : 'at its end'}`,
    );
  };
  const isOperator = (token: string | undefined): boolean => token === 'AND' || token === 'OR' || token === 'WITH';
  const identifier = (expected: string): string => {
    const token = tokens[at];
    if (token === undefined || token === '(' || token === ')' || isOperator(token)) return fail(expected);
    at += 1;
    return token;
  };
  const simple = (): Expression => {
    if (tokens[at] === '(') {
      at += 1;
      const inner = joined('or');
      if (tokens[at] !== ')') fail('")"');
      at += 1;
      return inner;
    }
    const id = identifier('a licence').replace(/\+$/, '');
    if (tokens[at] === 'WITH') {
      at += 1;
      identifier('an exception');
    }
    return { is: 'licence', id };
  };
  const joined = (is: 'and' | 'or'): Expression => {
    const next = (): Expression => (is === 'or' ? joined('and') : simple());
    const parts = [next()];
    while (tokens[at] === is.toUpperCase()) {
      at += 1;
      parts.push(next());
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { is, parts };
  };
  const whole = joined('or');
  if (at < tokens.length) fail('an operator');
  return whole;
};

/**
 * Returns the licences because of which an expression is refused; an empty list if it is accepted. `OR` needs one
 * accepted part, `AND` needs all parts.
 */
export const unacceptable = (expression: Expression, isAllowed: (id: string) => boolean): readonly string[] => {
  if (expression.is === 'licence') return isAllowed(expression.id) ? [] : [expression.id];
  const parts = expression.parts.map((part) => unacceptable(part, isAllowed));
  if (expression.is === 'or' && parts.some((part) => part.length === 0)) return [];
  return [...new Set(parts.flat())];
};
