/**
 * Conditions on keys that have several values in one request: each value must be one of these, and there must be one.
 * `ForAllValues` alone is also true of a request without the key. Source: IAM User Guide, "Single-valued vs. multivalued
 * context keys".
 */
export const everyValue = (
  operator: 'StringEquals' | 'StringLike',
  keys: Record<string, string>,
): Record<string, Record<string, string>> => ({
  [`ForAllValues:${operator}`]: keys,
  Null: Object.fromEntries(Object.keys(keys).map((key) => [key, 'false'])),
});
