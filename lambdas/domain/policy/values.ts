/** Readers of the values that condition operators compare. Each returns undefined for a text that it cannot read. */

/**
 * Reads an integer or a decimal. It does not read numbers that a double cannot represent exactly, so that different
 * numbers never compare as equal. Source: IAM User Guide, "Numeric condition operators".
 */
export function readNumber(text: string): number | undefined {
  if (!/^[+-]?\d+(?:\.\d+)?$/.test(text)) return undefined;
  const digits = text.replace(/^[+-]?0*/, '').replace('.', '');
  return digits.length > 15 ? undefined : Number(text);
}

/**
 * Reads bytes in base64, which are compared as text: the same bytes have the same canonical form. Source: "Binary
 * condition operators".
 */
export function readBinary(text: string): string | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const bits = text.endsWith('==') ? 4 : text.endsWith('=') ? 2 : 0;
  const last = text.replace(/=*$/, '').at(-1);
  const value =
    last === undefined ? 0 : 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(last);
  return value % 2 ** bits === 0 ? text : undefined;
}

/** Reads a boolean. Source: "Boolean condition operators" and "Condition operator to check existence of condition keys". */
export const readBoolean = (text: string): boolean | undefined =>
  text === 'true' ? true : text === 'false' ? false : undefined;
