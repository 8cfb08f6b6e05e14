/** What an API model says about a member beyond its type, and AWS's words for what breaks it. */
export interface Constraint {
  /** Length of a string, number of a list's or map's entries. */
  length?: { min?: number; max?: number };
  range?: { min: number; max: number };
  pattern?: RegExp;
  enumeration?: Record<string, string>;
  /** Of a list's items. */
  items?: Constraint;
  /** Of a map's keys and values. */
  entries?: { key: Constraint; value: Constraint };
}

/** AWS shows a pattern without the anchors that match the whole value. */
const shown = (pattern: RegExp): string => pattern.source.replace(/^\^/, '').replace(/\$$/, '');

/** Why a value breaks a constraint, in the words of AWS's own validation; undefined where it keeps it. */
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
    return `Member must satisfy regular expression pattern: ${shown(pattern)}`;
  if (enumeration && typeof value === 'string' && !Object.values(enumeration).includes(value)) {
    return `Member must satisfy enum value set: [${Object.values(enumeration).sort().join(', ')}]`;
  }
  if (items && Array.isArray(value)) {
    const why = value.map((item) => violation(item, items)).find((text) => text !== undefined);
    if (why !== undefined) return why;
  }
  if (entries && typeof value === 'object' && value !== null) {
    for (const [key, entry] of Object.entries(value)) {
      const why = violation(key, entries.key) ?? violation(entry, entries.value);
      if (why !== undefined) return why;
    }
  }
  return undefined;
};

/** A broken constraint as AWS reports it. `value` undefined: the member is missing. */
export const constraintText = (value: unknown, path: string, constraint: string): string => {
  const text = value === undefined ? 'null' : `'${typeof value === 'string' ? value : JSON.stringify(value)}'`;
  return `Value ${text} at '${path}' failed to satisfy constraint: ${constraint}`;
};
