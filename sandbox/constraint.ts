/** The constraints that an API model puts on a member beyond its type, and AWS's messages for violations. */
export interface Constraint {
  /** Length of a string, or number of entries of a list or map. */
  length?: { min?: number; max?: number };
  range?: { min: number; max: number };
  pattern?: RegExp;
  enumeration?: Record<string, string>;
  /** The constraint on a list's items. */
  items?: Constraint;
  /** The constraints on a map's keys and values. */
  entries?: { key: Constraint; value: Constraint };
}

/** AWS shows a pattern without the anchors that match the whole value. */
const patternText = (pattern: RegExp): string => pattern.source.replace(/^\^/, '').replace(/\$$/, '');

/** Returns why a value violates a constraint, worded as AWS's own validation does; undefined if the value is valid. */
export const violation = (value: unknown, constraint: Constraint): string | undefined => {
  const { length, range, pattern, enumeration, items, entries } = constraint;
  const size =
    typeof value === 'string' || Array.isArray(value)
      ? value.length
      : typeof value === 'object' && value !== null
        ? Object.keys(value).length
        : undefined;
  if (length && size !== undefined) {
    if (length.min !== undefined && size < length.min)
      return `Member must have length greater than or equal to ${length.min}`;
    if (length.max !== undefined && size > length.max)
      return `Member must have length less than or equal to ${length.max}`;
  }
  if (range && typeof value === 'number') {
    if (value < range.min) return `Member must have value greater than or equal to ${range.min}`;
    if (value > range.max) return `Member must have value less than or equal to ${range.max}`;
  }
  if (pattern && typeof value === 'string' && !pattern.test(value))
    return `Member must satisfy regular expression pattern: ${patternText(pattern)}`;
  if (enumeration && typeof value === 'string' && !Object.values(enumeration).includes(value)) {
    return `Member must satisfy enum value set: [${Object.values(enumeration).sort().join(', ')}]`;
  }
  if (items && Array.isArray(value)) {
    const reason = value.map((item) => violation(item, items)).find((text) => text !== undefined);
    if (reason !== undefined) return reason;
  }
  if (entries && typeof value === 'object' && value !== null) {
    for (const [key, entry] of Object.entries(value)) {
      const reason = violation(key, entries.key) ?? violation(entry, entries.value);
      if (reason !== undefined) return reason;
    }
  }
  return undefined;
};

/** Returns a violated constraint as AWS reports it. `value` is undefined if the member is missing. */
export const constraintText = (value: unknown, path: string, constraint: string): string => {
  const text = value === undefined ? 'null' : `'${typeof value === 'string' ? value : JSON.stringify(value)}'`;
  return `Value ${text} at '${path}' failed to satisfy constraint: ${constraint}`;
};
