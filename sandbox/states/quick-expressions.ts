/**
 * Evaluates the simple expressions that most states consist of without JSONata's interpreter: paths below a variable,
 * comparisons, sums and conditions over plain JSON data, such as `$states.input.verdict = 'migrate'`. The results are
 * JSONata's. Everything else, and every value for which JSONata has special rules, is left to JSONata.
 */
import type jsonata from 'jsonata';
import { isObject } from '../json.ts';
import { FUNCTIONS } from './jsonata-functions.ts';

/** Returns the value of a variable, without the dollar sign; undefined if there is no variable of that name. */
export type LookUp = (name: string) => unknown;

/** The value is left to JSONata. */
export const UNDECIDED = Symbol('undecided');

/** Returns the value of an expression; UNDECIDED if JSONata must evaluate it. */
export type Quick = (lookUp: LookUp) => unknown;

type Node = jsonata.ExprNode & Record<string, unknown>;

/** The members of each simple node. Any other member means filters, sorting, grouping or another special rule. */
const MEMBERS: Record<string, readonly string[]> = {
  path: ['type', 'steps'],
  variable: ['type', 'value', 'position'],
  name: ['type', 'value', 'position'],
  string: ['type', 'value', 'position'],
  number: ['type', 'value', 'position'],
  value: ['type', 'value', 'position'],
  binary: ['type', 'value', 'position', 'lhs', 'rhs'],
  condition: ['type', 'position', 'condition', 'then', 'else'],
};
const isSimple = (node: unknown): node is Node =>
  isObject(node) && Object.keys(node).every((member) => MEMBERS[String(node['type'])]?.includes(member));

const isMissing = (value: unknown): boolean => value === undefined;

/** Returns a member of an object as JSONata does, which also finds those of the prototype. */
const memberOf = (value: unknown, name: string): unknown => {
  if (Array.isArray(value) || typeof value === 'function' || name in Object.prototype) return UNDECIDED;
  return isObject(value) ? value[name] : undefined;
};

const variable = ({ value }: Node): Quick | undefined => {
  const name = String(value);
  if (name === '' || name === '$' || FUNCTIONS.has(name)) return undefined;
  return (lookUp) => lookUp(name) ?? UNDECIDED;
};

const path = ({ steps }: Node): Quick | undefined => {
  const [first, ...rest] = steps as unknown[];
  if (!isSimple(first) || first.type !== 'variable') return undefined;
  if (!rest.every((step) => isSimple(step) && step.type === 'name')) return undefined;
  const root = variable(first);
  const names = rest.map((step) => String((step as Node).value));
  return (
    root &&
    ((lookUp) => {
      let value = root(lookUp);
      for (const name of names) {
        if (value === UNDECIDED) break;
        value = memberOf(value, name);
      }
      return value;
    })
  );
};

type Combine = (left: unknown, right: unknown) => unknown;

const isEqual: Combine = (left, right) => {
  if (isMissing(left) || isMissing(right)) return false;
  // JSONata compares objects and lists deeply.
  if (typeof left === 'object' && left !== null && typeof right === 'object' && right !== null) return UNDECIDED;
  return left === right;
};
const ofNumbers =
  (combine: (left: number, right: number) => number | boolean): Combine =>
  (left, right) => {
    if (typeof left !== 'number' || typeof right !== 'number') return UNDECIDED;
    const result = combine(left, right);
    return typeof result === 'boolean' || Number.isFinite(result) ? result : UNDECIDED;
  };

const OPERATORS: Record<string, Combine> = {
  '=': isEqual,
  '!=': (left, right) => {
    const equal = isEqual(left, right);
    return equal === UNDECIDED || isMissing(left) || isMissing(right) ? equal : !equal;
  },
  '+': ofNumbers((left, right) => left + right),
  '-': ofNumbers((left, right) => left - right),
  '*': ofNumbers((left, right) => left * right),
  '<': ofNumbers((left, right) => left < right),
  '<=': ofNumbers((left, right) => left <= right),
  '>': ofNumbers((left, right) => left > right),
  '>=': ofNumbers((left, right) => left >= right),
};

const binary = ({ value, lhs, rhs }: Node): Quick | undefined => {
  const [left, right] = [quickOf(lhs), quickOf(rhs)];
  if (!left || !right) return undefined;
  if (value === 'and' || value === 'or')
    return (lookUp) => {
      const first = left(lookUp);
      if (typeof first !== 'boolean') return UNDECIDED;
      if (first === (value === 'or')) return first;
      const second = right(lookUp);
      return typeof second === 'boolean' ? second : UNDECIDED;
    };
  const combine = OPERATORS[String(value)];
  return (
    combine &&
    ((lookUp) => {
      const [first, second] = [left(lookUp), right(lookUp)];
      return first === UNDECIDED || second === UNDECIDED ? UNDECIDED : combine(first, second);
    })
  );
};

const condition = ({ condition: test, then, else: otherwise }: Node): Quick | undefined => {
  const [isTrue, yes, no] = [quickOf(test), quickOf(then), quickOf(otherwise)];
  if (!isTrue || !yes || !no) return undefined;
  return (lookUp) => {
    const decided = isTrue(lookUp);
    return typeof decided === 'boolean' ? (decided ? yes : no)(lookUp) : UNDECIDED;
  };
};

/** Returns the quick form of a parsed expression; undefined if it has none. */
export function quickOf(node: unknown): Quick | undefined {
  if (!isSimple(node)) return undefined;
  switch (node.type as string) {
    case 'path':
      return path(node);
    case 'variable':
      return variable(node);
    case 'binary':
      return binary(node);
    case 'condition':
      return condition(node);
    case 'string':
    case 'number':
    case 'value':
      return () => node.value;
    default:
      return undefined;
  }
}
