/**
 * Event patterns. Source: EventBridge User Guide, "Amazon EventBridge event patterns" and "Comparison operators for use
 * in event patterns"; aws/event-ruler, EventBridge's matching engine. Supports all operators except `cidr`; unsupported
 * patterns are refused when the rule is read. EventBridge's limit on the complexity of wildcards is not simulated.
 */
import { isObject, type Json } from '../json.ts';
import { type Comparison, comparisonOf, isLeaf, type Leaf, PatternError, RESERVED } from './comparisons.ts';

export { PatternError } from './comparisons.ts';

type Pattern = (event: unknown) => boolean;

/** The comparisons of a rule by path, such as `detail.status`. A key with dots is the same as nested keys. */
type Fields = ReadonlyMap<string, readonly Comparison[]>;

/**
 * Alternatives multiply: a pattern with more combinations is a mistake, and slow to match. The limit is the sandbox's
 * own.
 */
const MOST_COMBINATIONS = 1000;

const below = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

const withField = (rules: Fields[], path: string, given: unknown[], at: string): Fields[] => {
  if (given.length === 0) throw new PatternError(`an empty list at ${at}`);
  const comparisons = given.map((entry) => comparisonOf(entry, at));
  return rules.map((fields) => {
    if (fields.has(path)) throw new PatternError(`a second list for ${path} at ${at}`);
    return new Map([...fields, [path, comparisons]]);
  });
};

/** Each alternative becomes a rule of its own. */
const withAlternatives = (rules: Fields[], path: string, given: unknown, at: string): Fields[] => {
  // EventBridge treats `$or` with only one alternative as the name of a field.
  if (!Array.isArray(given) || given.length < 2 || !given.every(isObject))
    throw new PatternError(`$or without a list of at least two patterns at ${at}`);
  const all = given.flatMap((each, index) => {
    const reserved = Object.keys(each).find((key) => RESERVED.has(key));
    if (reserved !== undefined) throw new PatternError(`the operator ${reserved} as a field at ${at}[${index}]`);
    return expand(rules, path, each, `${at}[${index}]`);
  });
  if (all.length > MOST_COMBINATIONS)
    throw new PatternError(`$or with more than ${MOST_COMBINATIONS} combinations at ${at}`);
  return all;
};

/** `path` is the fields' path in the event, `at` the position in the pattern. */
const expand = (rules: Fields[], path: string, pattern: Json, at: string): Fields[] => {
  const entries = Object.entries(pattern);
  if (entries.length === 0) throw new PatternError(`an empty object at ${at === '' ? 'the top' : at}`);
  return entries.reduce((all, [key, given]) => {
    if (key === '$or') return withAlternatives(all, path, given, below(at, key));
    const field = below(path, key);
    if (isObject(given)) return expand(all, field, given, below(at, key));
    if (Array.isArray(given)) return withField(all, field, given, below(at, key));
    throw new PatternError(`${JSON.stringify(given)} instead of a list at ${below(at, key)}`);
  }, rules);
};

/** The index within each list that contains the value; lists are numbered. */
type Indices = ReadonlyMap<number, number>;
interface Found {
  value: Leaf;
  indices: Indices;
}

/** Returns the comparable values by path. Empty lists and objects have none. */
const leavesOf = (event: unknown): Map<string, Found[]> => {
  const found = new Map<string, Found[]>();
  let lists = 0;
  const add = (path: string, value: unknown, indices: Indices): void => {
    if (Array.isArray(value)) {
      const list = lists++;
      // Whether two fields belong to the same item matters only if the items have fields.
      value.forEach((item, index) => add(path, item, isLeaf(item) ? indices : new Map([...indices, [list, index]])));
    } else if (isObject(value)) {
      for (const [key, part] of Object.entries(value)) add(below(path, key), part, indices);
    } else if (isLeaf(value)) {
      found.set(path, [...(found.get(path) ?? []), { value, indices }]);
    }
  };
  if (isObject(event)) add('', event, new Map());
  return found;
};

/** Merges the indices; undefined if they point to different items of one list. */
const merge = (one: Indices, other: Indices): Indices | undefined =>
  [...one].every(([list, index]) => (other.get(list) ?? index) === index) ? new Map([...one, ...other]) : undefined;

/** Returns whether each field has a matching value, all from the same items. */
const fits = (fields: [string, readonly Comparison[]][], leaves: Map<string, Found[]>, indices: Indices): boolean => {
  const [[path, comparisons] = ['', []], ...others] = fields;
  if (fields.length === 0) return true;
  const found = leaves.get(path);
  if (!found) return comparisons.includes('absent') && fits(others, leaves, indices);
  return found.some((each) => {
    const joined = comparisons.some((comparison) => comparison !== 'absent' && comparison(each.value))
      ? merge(indices, each.indices)
      : undefined;
    return joined !== undefined && fits(others, leaves, joined);
  });
};

/** Compiles a pattern to a function that matches events. Throws PatternError. */
export const compile = (pattern: Json): Pattern => {
  const rules = expand([new Map()], '', pattern, '').map((fields) => [...fields]);
  return (event) => {
    const leaves = leavesOf(event);
    return rules.some((fields) => fits(fields, leaves, new Map()));
  };
};
