/** Parses values like Go's `strconv`, with which the pod identity webhook parses annotations. */

const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/**
 * Parses like `ParseInt` with base 10 and 64 bits; returns undefined where Go returns an error. Values beyond 2^53 are
 * rounded, which is harmless: no API server accepts an expiration of more than 2^32 seconds.
 */
export const parseInt64 = (text: string): number | undefined => {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return value < LEAST || value > MOST ? undefined : Number(value);
};

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** Parses like `ParseBool`; returns undefined where Go returns an error. */
export const parseBool = (text: string): boolean | undefined =>
  TRUE.has(text) ? true : FALSE.has(text) ? false : undefined;
