/** Texts as Go's `strconv` reads them, which is what the pod identity webhook reads annotations with. */

const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/**
 * `ParseInt` with base 10 and 64 bits; undefined where Go answers with an error. Beyond 2^53 it is rounded: no API server
 * accepts an expiration of more than 2^32 seconds.
 */
export const parseInt64 = (text: string): number | undefined => {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return value < LEAST || value > MOST ? undefined : Number(value);
};

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** `ParseBool`; undefined where Go answers with an error. */
export const parseBool = (text: string): boolean | undefined =>
  TRUE.has(text) ? true : FALSE.has(text) ? false : undefined;
