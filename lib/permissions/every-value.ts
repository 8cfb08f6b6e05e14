/**
 * Returns conditions on keys that have several values in one request: every value must match, and there must be at least
 * one. `ForAllValues` alone also allows a request without the key. Source: IAM User Guide, "Single-valued vs. multivalued
 * context keys".
 */
export const everyValue = (
  operator: 'StringEquals' | 'StringLike',
  keys: Record<string, string>,
): Record<string, Record<string, string>> => ({
  [`ForAllValues:${operator}`]: keys,
  Null: Object.fromEntries(Object.keys(keys).map((key) => [key, 'false'])),
});
