/**
 * SPDX licence expressions, as annex D of the SPDX specification 2.3 has them: identifiers, `+`, `WITH`, `AND`, `OR`
 * and brackets.
 */

export type Expression =
  | { readonly is: 'licence'; readonly id: string }
  | { readonly is: 'and' | 'or'; readonly parts: readonly Expression[] };

/** Thrown for a text that is no expression; the message says where it breaks. */
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
        `"${text}" is no SPDX expression: ${JSON.stringify(text.slice(at).trim())} is neither a licence nor an operator`,
      );
    tokens.push(token);
  }
  return tokens;
};

/**
 * Parses an expression; WITH binds closest, then AND, then OR. An exception (`WITH …`) only ever adds rights, so it is
 * left out and the licence itself is judged; `+` (or later) is left out for the same reason. Throws NotSpdx.
 */
export const parseSpdx = (text: string): Expression => {
  const tokens = tokensOf(text);
  let at = 0;
  const fail = (expected: string): never => {
    throw new NotSpdx(
      `"${text}" is no SPDX expression: ${expected} expected ${at < tokens.length ? `before "${tokens[at]}"` : 'at its end'}`,
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
 * The licences that keep an expression from being accepted; empty where it is accepted. Of `OR` one part is enough, and
 * where none will do, all of them are told; of `AND` every part must be accepted.
 */
export const unacceptable = (expression: Expression, isAllowed: (id: string) => boolean): readonly string[] => {
  if (expression.is === 'licence') return isAllowed(expression.id) ? [] : [expression.id];
  const parts = expression.parts.map((part) => unacceptable(part, isAllowed));
  if (expression.is === 'or' && parts.some((part) => part.length === 0)) return [];
  return [...new Set(parts.flat())];
};
