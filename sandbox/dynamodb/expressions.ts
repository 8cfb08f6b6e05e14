/**
 * Parses an expression once. dynalite parses each of a request's expressions anew, with their names and values already
 * in place, which takes as long as all the rest of a call. A ledger's expressions are few, so the parsed form is kept
 * for a text with its names and the types of its values, and gets the values of each request.
 */
import { isObject } from '../json.ts';

export interface ExpressionContext {
  attrNames?: Record<string, string>;
  attrVals?: Record<string, Record<string, unknown>>;
  /** Those that no expression has used so far; a parser takes out what it sees. */
  unusedAttrNames: Record<string, true>;
  unusedAttrVals: Record<string, true>;
  isKeyCondition?: boolean;
}

export interface ExpressionParser {
  /** Throws an Error for what is no expression, or does not fit the values' types. */
  parse: (text: string, options: { context: ExpressionContext }) => unknown;
}

/** A place in a parsed expression where a request's value goes. */
class Value {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

interface Parsed {
  tree: unknown;
  names: string[];
  values: string[];
}

/** More than a ledger has by far; a program that writes values into its expressions must not fill the memory. */
const MOST = 1000;
/** What these are given is looked at while they are parsed: the values' types are not enough. */
const LOOKS_AT_VALUES = /between|attribute_type/i;

/** A deep copy in which `replace` has its way with each object; it answers undefined for one to be copied. */
const copy = (tree: unknown, replace: (part: object) => unknown): unknown => {
  if (typeof tree !== 'object' || tree === null) return tree;
  const replaced = replace(tree);
  if (replaced !== undefined) return replaced;
  if (Array.isArray(tree)) return tree.map((part) => copy(part, replace));
  // Some have no prototype, so that an attribute may be called anything.
  const copied = Object.create(Object.getPrototypeOf(tree) as object | null) as Record<string, unknown>;
  for (const key of Object.keys(tree)) copied[key] = copy((tree as Record<string, unknown>)[key], replace);
  return copied;
};

const keyOf = (text: string, { attrNames, attrVals = {}, isKeyCondition = false }: ExpressionContext): string =>
  JSON.stringify([
    text,
    attrNames,
    Object.entries(attrVals).map(([name, value]) => [name, Object.keys(value)]),
    isKeyCondition,
  ]);

/** What was parsed before; undefined where it was not. Its answers too belong to whoever asked. */
export type Recall = (text: string, context: ExpressionContext) => unknown;

/** The parser with a memory; its answers are the same, and belong to whoever asked. */
export const remembering = ({ parse }: ExpressionParser): ExpressionParser & { recall: Recall } => {
  const known = new Map<string, Parsed>();

  const learn = (text: string, context: ExpressionContext): Parsed => {
    const { attrNames = {}, attrVals = {} } = context;
    const all = (names: object): Record<string, true> =>
      Object.fromEntries(Object.keys(names).map((name) => [name, true]));
    // Also those that another expression of the same request has used already.
    const unused = { unusedAttrNames: all(attrNames), unusedAttrVals: all(attrVals) };
    const tree = parse(text, { context: { ...context, ...unused } });
    const places = new Map<unknown, Value>(Object.entries(attrVals).map(([name, value]) => [value, new Value(name)]));
    return {
      tree: copy(tree, (part) => places.get(part)),
      names: Object.keys(attrNames).filter((name) => !(name in unused.unusedAttrNames)),
      values: Object.keys(attrVals).filter((name) => !(name in unused.unusedAttrVals)),
    };
  };

  const give = ({ tree, names, values }: Parsed, context: ExpressionContext): unknown => {
    for (const name of names) delete context.unusedAttrNames[name];
    for (const name of values) delete context.unusedAttrVals[name];
    return copy(tree, (part) => (part instanceof Value ? context.attrVals?.[part.name] : undefined));
  };

  return {
    parse: (text, options) => {
      const { context } = options;
      if (LOOKS_AT_VALUES.test(text) || !Object.values(context.attrVals ?? {}).every(isObject))
        return parse(text, options);
      const key = keyOf(text, context);
      const parsed = known.get(key) ?? learn(text, context);
      if (known.size < MOST) known.set(key, parsed);
      return give(parsed, context);
    },
    recall: (text, context) => {
      const parsed = known.get(keyOf(text, context));
      // A text says what is wrong with it.
      return parsed && typeof parsed.tree !== 'string' ? give(parsed, context) : undefined;
    },
  };
};
