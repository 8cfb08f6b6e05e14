/** The values that condition operators compare. Each reader gives `undefined` for what it can't read. */

/**
 * An integer or a decimal. Longer ones than a double holds exactly are not read, so that no two numbers are ever taken
 * for equal that are not. Source: IAM User Guide, "Numeric condition operators".
 */
export function readNumber(text: string): number | undefined {
  if (!/^[+-]?\d+(?:\.\d+)?$/.test(text)) return undefined;
  const digits = text.replace(/^[+-]?0*/, '').replace('.', '');
  return digits.length > 15 ? undefined : Number(text);
}

/**
 * Bytes in base 64, compared as text: the canonical form of the same bytes is the same. Source: "Binary condition
 * operators".
 */
export function readBinary(text: string): string | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const bits = text.endsWith('==') ? 4 : text.endsWith('=') ? 2 : 0;
  const last = text.replace(/=*$/, '').at(-1);
  const value =
    last === undefined ? 0 : 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(last);
  return value % 2 ** bits === 0 ? text : undefined;
}

/** Source: "Boolean condition operators" and "Condition operator to check existence of condition keys". */
export const readBoolean = (text: string): boolean | undefined =>
  text === 'true' ? true : text === 'false' ? false : undefined;
