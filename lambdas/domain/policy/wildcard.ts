/**
 * Patterns of IAM: `*` matches any sequence of characters, `?` exactly one. A part of a pattern may be literal, such as
 * the value of a policy variable, or `${*}`.
 */
export type Part = { literal: string } | { pattern: string };

const ANY = Symbol('any run');
const ONE = Symbol('any one');
type Unit = string | typeof ANY | typeof ONE;

export interface Pattern {
  units: readonly Unit[];
}

/** Compiles a pattern to one unit for each UTF-16 code unit, so that `?` matches one unit of the text. */
export function compile(parts: readonly Part[]): Pattern {
  const units: Unit[] = [];
  for (const part of parts) {
    if ('literal' in part) for (const character of part.literal.split('')) units.push(character);
    else
      for (const character of part.pattern.split(''))
        units.push(character === '*' ? ANY : character === '?' ? ONE : character);
  }
  return { units };
}

/** Returns whether the pattern matches every text. */
export const matchesAnything = (pattern: Pattern): boolean =>
  pattern.units.length > 0 && pattern.units.every((unit) => unit === ANY);

/** Matches greedily with one backtracking point, so the time is bounded by pattern length times text length. */
export function matches(pattern: Pattern, text: string): boolean {
  const { units } = pattern;
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (units[p] === ANY) {
      star = p;
      mark = t;
      p += 1;
    } else if (p < units.length && (units[p] === ONE || units[p] === text[t])) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      p = star + 1;
      mark += 1;
      t = mark;
    } else {
      return false;
    }
  }
  while (units[p] === ANY) p += 1;
  return p === units.length;
}

export const matchesWildcard = (pattern: string, text: string): boolean =>
  /[*?]/.test(pattern) ? matches(compile([{ pattern }]), text) : pattern === text;

/**
 * Splits the pattern of an ARN into its six parts: each of the first five ends at a colon, the sixth is the rest. Returns
 * undefined if there are fewer.
 */
export function arnParts(pattern: Pattern): Pattern[] | undefined {
  const parts: Unit[][] = [[]];
  for (const unit of pattern.units) {
    if (unit === ':' && parts.length < 6) parts.push([]);
    else parts.at(-1)?.push(unit);
  }
  return parts.length === 6 ? parts.map((units) => ({ units })) : undefined;
}
