/**
 * The documented condition operators and what each compares.
 * Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
import { compareDates, readDate } from './dates.ts';
import { holds, readIpRange } from './ip.ts';
import { readBinary, readBoolean, readNumber } from './values.ts';
import { arnParts, compile, matches, matchesAnything, type Part } from './wildcard.ts';

/** Returns whether a value of the request matches, or undefined if that is not known, as for a value of another type. */
export type Comparison = (found: string) => boolean | undefined;

export interface Operator {
  /** The operator is met if none of the condition's values match. */
  negated: boolean;
  /** "You can use a policy variable with the String and ARN condition operators", and with no others. */
  takesVariables: boolean;
  /** Returns the comparison with a value, or undefined if the value cannot be read as the operator's type. */
  read: (wanted: readonly Part[]) => Comparison | undefined;
  /** Returns whether the condition's value matches every value. */
  matchesAnything?: (wanted: readonly Part[]) => boolean;
}

const plain = (parts: readonly Part[]): string =>
  parts.map((part) => ('literal' in part ? part.literal : part.pattern)).join('');

const strings =
  (normalise: (text: string) => string): Operator['read'] =>
  (wanted) => {
    const text = normalise(plain(wanted));
    return (found) => normalise(found) === text;
  };

const like: Operator['read'] = (wanted) => {
  const pattern = compile(wanted);
  return (found) => matches(pattern, found);
};

/**
 * Compares ARNs part by part, so that a `*` does not match across a colon. How IAM compares a value with fewer than six
 * parts is not documented.
 */
const arns: Operator['read'] = (wanted) => {
  const patterns = arnParts(compile(wanted));
  if (!patterns) return undefined;
  return (found) => {
    const parts = found.split(':');
    if (parts.length < 6) return undefined;
    const texts = [...parts.slice(0, 5), parts.slice(5).join(':')];
    return patterns.every((pattern, index) => matches(pattern, texts[index] ?? ''));
  };
};

/** Reads both sides as the same type, then compares them. */
const typed =
  <T>(
    readValue: (text: string) => T | undefined,
    compare: (found: T, wanted: T) => boolean | undefined,
  ): Operator['read'] =>
  (parts) => {
    const wanted = readValue(plain(parts));
    if (wanted === undefined) return undefined;
    return (text) => {
      const found = readValue(text);
      return found === undefined ? undefined : compare(found, wanted);
    };
  };

/** Operators by the order of two values, which is negative if the request's value is less. */
const orders: readonly [string, (order: number) => boolean][] = [
  ['lessthan', (order) => order < 0],
  ['lessthanequals', (order) => order <= 0],
  ['greaterthan', (order) => order > 0],
  ['greaterthanequals', (order) => order >= 0],
];

function ordered<T>(
  prefix: string,
  readValue: (text: string) => T | undefined,
  order: (found: T, wanted: T) => number | undefined,
): [string, Operator][] {
  const operator = (negated: boolean, test: (order: number) => boolean): Operator => ({
    negated,
    takesVariables: false,
    read: typed(readValue, (found, wanted) => {
      const compared = order(found, wanted);
      return compared === undefined ? undefined : test(compared);
    }),
  });
  const equal = (compared: number): boolean => compared === 0;
  return [
    [`${prefix}equals`, operator(false, equal)],
    [`${prefix}notequals`, operator(true, equal)],
    ...orders.map(([name, test]): [string, Operator] => [`${prefix}${name}`, operator(false, test)]),
  ];
}

const text = (read: Operator['read'], negated = false): Operator => ({ negated, takesVariables: true, read });
const value = (read: Operator['read'], negated = false): Operator => ({ negated, takesVariables: false, read });

const exact = strings((one) => one);
const ignoringCase = strings((one) => one.toLowerCase());
const wild = { matchesAnything: (wanted: readonly Part[]): boolean => matchesAnything(compile(wanted)) };
const addresses = typed(readIpRange, (found, wanted) => holds(wanted, found));
const same = <T>(found: T, wanted: T): boolean => found === wanted;

const operators = new Map<string, Operator>([
  ['stringequals', text(exact)],
  ['stringnotequals', text(exact, true)],
  ['stringequalsignorecase', text(ignoringCase)],
  ['stringnotequalsignorecase', text(ignoringCase, true)],
  ['stringlike', { ...text(like), ...wild }],
  ['stringnotlike', { ...text(like, true), ...wild }],
  ...ordered('numeric', readNumber, (found, wanted) => found - wanted),
  ...ordered('date', readDate, compareDates),
  ['bool', value(typed(readBoolean, same))],
  ['binaryequals', value(typed(readBinary, same))],
  ['ipaddress', value(addresses)],
  ['notipaddress', value(addresses, true)],
  ['arnequals', text(arns)],
  ['arnlike', text(arns)],
  ['arnnotequals', text(arns, true)],
  ['arnnotlike', text(arns, true)],
]);

export type Qualifier = 'forallvalues' | 'foranyvalue';

/** An operator by its name. `Null` compares nothing: it only checks whether the key is present. */
export interface NamedOperator {
  qualifier?: Qualifier;
  ifExists: boolean;
  operator: Operator | 'null';
}

/** Returns the operator by its name, in any case, or undefined if it is not documented, as for NullIfExists. */
export function findOperator(name: string): NamedOperator | undefined {
  const [, qualifier, base = '', suffix] =
    /^(?:(forallvalues|foranyvalue):)?([a-z]+?)(ifexists)?$/.exec(name.toLowerCase()) ?? [];
  const ifExists = suffix !== undefined;
  if (base === 'null') return qualifier === undefined && !ifExists ? { ifExists, operator: 'null' } : undefined;
  const operator = operators.get(base);
  return operator && { ...(qualifier === undefined ? {} : { qualifier: qualifier as Qualifier }), ifExists, operator };
}
