/**
 * Values of expressions, as far as the code alone determines them. A text may have unknown parts: they can exclude that
 * it is a certain name, and leave it open otherwise.
 */

/** A part of a text that the code does not determine. */
export interface Unknown {
  /** Source of a regular expression that matches all that it may be. */
  matches: string;
}

export type Value =
  | { kind: 'text'; parts: (string | Unknown)[] }
  | { kind: 'literal'; value: number | boolean | null }
  | { kind: 'unknown' };

export const UNKNOWN: Value = { kind: 'unknown' };

/** A text that may be anything. */
export const ANY: Unknown = { matches: '[^]*' };
/** A part of an ARN between two colons. */
export const ARN_PART: Unknown = { matches: '[^:]*' };
/** The path of a role, which may be empty. */
export const ROLE_PATH: Unknown = { matches: '(?:[^:]*/)?' };

/** Returns a text with neighboring strings joined. */
export const text = (...parts: (string | Unknown)[]): Value => {
  const joined: (string | Unknown)[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (typeof part === 'string' && typeof last === 'string') joined[joined.length - 1] = last + part;
    else if (part !== '') joined.push(part);
  }
  return { kind: 'text', parts: joined };
};

/** Returns the text if all of it is known. Numbers and booleans are converted, as Terraform does in a template. */
export const knownText = (value: Value): string | undefined => {
  if (value.kind === 'literal') return value.value === null ? undefined : String(value.value);
  if (value.kind === 'unknown') return undefined;
  const [only = '', ...more] = value.parts;
  return typeof only === 'string' && more.length === 0 ? only : undefined;
};

/** Returns whether the value is like an attribute that is left out: `null` or an empty text. */
export const isAbsent = (value: Value): boolean =>
  (value.kind === 'literal' && value.value === null) || knownText(value) === '';

/** Returns the parts of a value within a template. */
export const partsOf = (value: Value): (string | Unknown)[] => {
  const known = knownText(value);
  if (known !== undefined) return [known];
  return value.kind === 'text' ? value.parts : [ANY];
};

export type Answer = 'yes' | 'no' | 'unknown';

const matches = (parts: readonly (string | Unknown)[], wanted: string): boolean =>
  new RegExp(
    `^${parts.map((part) => (typeof part === 'string' ? part.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`) : `(?:${part.matches})`)).join('')}$`,
  ).test(wanted);

/** Returns whether the value is the text. */
export const isText = (value: Value, wanted: string): Answer => {
  const known = knownText(value);
  if (known !== undefined) return known === wanted ? 'yes' : 'no';
  if (value.kind === 'literal') return 'no';
  return value.kind === 'text' && !matches(value.parts, wanted) ? 'no' : 'unknown';
};

/**
 * Returns whether the value is the ARN of the role. Partition, account and path need not be known, since the name of a
 * role is unique in its account, and the roles of associations are in the account of the cluster.
 */
export const isRoleArn = (value: Value, arn: string): Answer => {
  const answer = isText(value, arn);
  if (answer !== 'unknown' || value.kind !== 'text') return answer;
  const [before, last] = value.parts.slice(-2);
  const named =
    typeof last === 'string' && (last.includes('/') || (typeof before === 'object' && before === ROLE_PATH));
  return named ? 'yes' : 'unknown';
};
