/**
 * Parses each expression only once. dynalite parses a request's expressions again each time, with their names and
 * values already in place, which takes as long as the rest of the call. A ledger has few expressions, so the parsed
 * form is kept for each text with its names and the types of its values, and filled with each request's values.
 */
import { isObject } from '../json.ts';

export interface ExpressionContext {
  attrNames?: Record<string, string>;
  attrVals?: Record<string, Record<string, unknown>>;
  /** The names and values that no expression has used so far; a parser removes those that it finds. */
  unusedAttrNames: Record<string, true>;
  unusedAttrVals: Record<string, true>;
  isKeyCondition?: boolean;
}

export interface ExpressionParser {
  /** Throws an Error for an invalid expression, or one that does not fit the values' types. */
  parse: (text: string, options: { context: ExpressionContext }) => unknown;
}

/** A position in a parsed expression that a request's value fills. */
class Value {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Returns a parsed expression that its caller owns, with these values. */
export type Build = (values: ExpressionContext['attrVals']) => unknown;

interface Parsed {
  /** The parser returns an error message as a string. */
  isError: boolean;
  build: Build;
  names: string[];
  values: string[];
}

/**
 * Far more expressions than a ledger has; a program that writes values into its expressions must not exhaust the
 * memory.
 */
const MOST_EXPRESSIONS = 1000;
/** The parser inspects the arguments of these functions, so the values' types are not enough. */
const INSPECTS_VALUES = /between|attribute_type/i;

/**
 * Returns a function that builds copies of a tree, in which `valueIn` finds the positions of values. Lists of texts, such
 * as paths, are shared: neither dynalite nor the fast path changes them.
 */
const builderOf = (tree: unknown, valueIn: (part: unknown) => Value | undefined): Build => {
  if (typeof tree !== 'object' || tree === null) return () => tree;
  const value = valueIn(tree);
  if (value) return (values) => values?.[value.name];
  if (Array.isArray(tree)) {
    if (tree.every((part) => typeof part !== 'object')) return () => tree;
    const builders = tree.map((part) => builderOf(part, valueIn));
    return (values) => builders.map((build) => build(values));
  }
  // Some objects have no prototype, so that an attribute may have any name.
  const prototype = Object.getPrototypeOf(tree) as object | null;
  const members = Object.entries(tree).map(([key, part]) => [key, builderOf(part, valueIn)] as const);
  return (values) => {
    const built: Record<string, unknown> =
      prototype === Object.prototype ? {} : (Object.create(prototype) as Record<string, unknown>);
    for (const [key, build] of members) built[key] = build(values);
    return built;
  };
};

/**
 * Returns a function that fills one tree with each request's values, instead of building another: its result is only
 * valid until the next call, and nothing may change it. `names`: those of all values.
 */
export const inPlace = (build: Build, names: readonly string[]): Build => {
  const placeholders = Object.fromEntries(names.map((name) => [name, {}]));
  const nameOf = new Map<unknown, string>(Object.entries(placeholders).map(([name, value]) => [value, name]));
  const positions: { parent: Record<string, unknown>; key: string; name: string }[] = [];
  const visit = (parent: object): void => {
    for (const [key, part] of Object.entries(parent)) {
      const name = nameOf.get(part);
      if (name !== undefined) positions.push({ parent: parent as Record<string, unknown>, key, name });
      else if (typeof part === 'object' && part !== null) visit(part as object);
    }
  };
  const tree = build(placeholders);
  if (typeof tree === 'object' && tree !== null) visit(tree);
  return (values) => {
    for (const { parent, key, name } of positions) parent[key] = values?.[name];
    return tree;
  };
};

const keyOf = (text: string, { attrNames, attrVals = {}, isKeyCondition = false }: ExpressionContext): string =>
  JSON.stringify([
    text,
    attrNames,
    Object.entries(attrVals).map(([name, value]) => [name, Object.keys(value)]),
    isKeyCondition,
  ]);

/** Returns a function that builds an expression that was parsed before; undefined otherwise. */
export type Recall = (text: string, context: ExpressionContext) => Build | undefined;

/** Wraps the parser with a cache; results are the same, and callers own them. */
export const remembering = ({ parse }: ExpressionParser): ExpressionParser & { recall: Recall } => {
  const cache = new Map<string, Parsed>();

  const parseOnce = (text: string, context: ExpressionContext): Parsed => {
    const { attrNames = {}, attrVals = {} } = context;
    const all = (names: object): Record<string, true> =>
      Object.fromEntries(Object.keys(names).map((name) => [name, true]));
    // Including those that another expression of the same request has already used.
    const unused = { unusedAttrNames: all(attrNames), unusedAttrVals: all(attrVals) };
    const tree = parse(text, { context: { ...context, ...unused } });
    const values = new Map<unknown, Value>(Object.entries(attrVals).map(([name, value]) => [value, new Value(name)]));
    return {
      isError: typeof tree === 'string',
      build: builderOf(tree, (part) => values.get(part)),
      names: Object.keys(attrNames).filter((name) => !(name in unused.unusedAttrNames)),
      values: Object.keys(attrVals).filter((name) => !(name in unused.unusedAttrVals)),
    };
  };

  const use = ({ build, names, values }: Parsed, context: ExpressionContext): Build => {
    for (const name of names) delete context.unusedAttrNames[name];
    for (const name of values) delete context.unusedAttrVals[name];
    return build;
  };

  return {
    parse: (text, options) => {
      const { context } = options;
      if (INSPECTS_VALUES.test(text) || !Object.values(context.attrVals ?? {}).every(isObject))
        return parse(text, options);
      const key = keyOf(text, context);
      const parsed = cache.get(key) ?? parseOnce(text, context);
      if (cache.size < MOST_EXPRESSIONS) cache.set(key, parsed);
      return use(parsed, context)(context.attrVals);
    },
    recall: (text, context) => {
      const parsed = cache.get(keyOf(text, context));
      return parsed && !parsed.isError ? use(parsed, context) : undefined;
    },
  };
};
