import { createHash } from 'node:crypto';

/**
 * Returns the value with sorted keys and without `undefined`, so that equal content has an equal hash. The ledger keeps
 * neither the order of keys nor `undefined`.
 */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, canonical((value as Record<string, unknown>)[key])]),
  );
}

/** Returns the hash of a value's JSON, in hexadecimal. Values that differ only in the order of keys have the same hash. */
export const sha256 = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(canonical(value)))
    .digest('hex');
