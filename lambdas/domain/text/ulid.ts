/**
 * ULIDs that are derived from data, so that the same event always leads to the same migration. Format:
 * github.com/ulid/spec.
 */
import { createHash } from 'node:crypto';

/** Crockford's base 32. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** The latest time that 48 bits can hold, in milliseconds since 1970. */
const LATEST = 2 ** 48 - 1;

/**
 * Returns the ULID of a time (whole milliseconds since 1970) whose 80 random bits are the first bits of the text's
 * SHA-256.
 */
export function ulidFrom(time: number, text: string): string {
  const at = BigInt(Math.min(Math.max(Math.trunc(time) || 0, 0), LATEST));
  const bits = (at << 80n) | BigInt(`0x${createHash('sha256').update(text).digest('hex').slice(0, 20)}`);
  return Array.from({ length: 26 }, (_, index) => ALPHABET[Number((bits >> BigInt(5 * (25 - index))) & 31n)]).join('');
}
