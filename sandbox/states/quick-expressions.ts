/**
 * Evaluates the simple expressions that most states consist of without JSONata's interpreter: paths below a variable,
 * comparisons, sums, texts, conditions, lists and objects over plain JSON data, such as
 * `$states.input.verdict = 'migrate'`. The results are JSONata's. Everything else, and every value for which JSONata
 * has special rules, is left to JSONata.
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
  unary: ['type', 'value', 'position', 'expressions', 'lhs'],
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

const asText = (value: unknown): unknown => (isMissing(value) ? '' : value);
const isText = (value: unknown): value is string => typeof value === 'string';

const OPERATORS: Record<string, Combine> = {
  '&': (one, other) => {
    const [left, right] = [asText(one), asText(other)];
    return isText(left) && isText(right) ? left + right : UNDECIDED;
  },
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

/** A list's items are values that are no lists or objects: JSONata joins the lists among them. */
const list = (items: readonly unknown[]): Quick | undefined => {
  const quick = items.map(quickOf);
  if (!quick.every((one) => one !== undefined)) return undefined;
  return (lookUp) => {
    const values: unknown[] = [];
    for (const one of quick) {
      const value = one(lookUp);
      if (value === UNDECIDED || (typeof value === 'object' && value !== null)) return UNDECIDED;
      if (!isMissing(value)) values.push(value);
    }
    return values;
  };
};

/** An object's names are texts, each once. A member without a value is left out. */
const object = (pairs: readonly unknown[]): Quick | undefined => {
  const members = new Map<string, Quick>();
  for (const pair of pairs) {
    const [key, value] = pair as readonly [unknown, unknown];
    const name = isSimple(key) && (key.type as string) === 'string' ? String(key.value) : undefined;
    const quick = quickOf(value);
    if (name === undefined || name in Object.prototype || members.has(name) || !quick) return undefined;
    members.set(name, quick);
  }
  return (lookUp) => {
    const values: Record<string, unknown> = {};
    for (const [name, quick] of members) {
      const value = quick(lookUp);
      if (value === UNDECIDED) return UNDECIDED;
      if (!isMissing(value)) values[name] = value;
    }
    return values;
  };
};

const unary = ({ value, expressions, lhs }: Node): Quick | undefined => {
  if (value === '[' && Array.isArray(expressions)) return list(expressions);
  return value === '{' && Array.isArray(lhs) ? object(lhs) : undefined;
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
    case 'unary':
      return unary(node);
    case 'string':
    case 'number':
    case 'value':
      return () => node.value;
    default:
      return undefined;
  }
}
