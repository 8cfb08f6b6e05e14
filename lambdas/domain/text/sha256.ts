import { hash } from 'node:crypto';

/**
 * Returns the value with sorted keys and without `undefined`, so that equal content has an equal hash. The ledger keeps
 * neither the order of keys nor `undefined`.
 */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) {
    const member = canonical((value as Record<string, unknown>)[key]);
    // An assignment to this key would change the prototype instead.
    if (key === '__proto__') Object.defineProperty(sorted, key, { value: member, enumerable: true });
    else sorted[key] = member;
  }
  return sorted;
}

/** Returns the hash of a value's JSON, in hexadecimal. Values that differ only in the order of keys have the same hash. */
export const sha256 = (value: unknown): string => hash('sha256', JSON.stringify(canonical(value)));
