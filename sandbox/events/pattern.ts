/**
 * Event patterns. Source: EventBridge User Guide, "Amazon EventBridge event patterns" and "Comparison operators for use
 * in event patterns"; aws/event-ruler, which EventBridge matches by. All operators but `cidr`; what is not known is
 * refused when the rule is read. How complex wildcards may be before EventBridge refuses them is not played.
 */
import { isObject, type Json } from '../json.ts';
import { type Comparison, comparisonOf, isLeaf, type Leaf, PatternError, RESERVED } from './comparisons.ts';

export { PatternError } from './comparisons.ts';

type Pattern = (event: unknown) => boolean;

/** What a rule wants, by path: `detail.status`. A key with dots is the same as the keys one within the other. */
type Fields = ReadonlyMap<string, readonly Comparison[]>;

/**
 * Alternatives multiply: a pattern that has more is one by mistake, and takes long to compare. The number is the
 * sandbox's own.
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

/** Each alternative makes a rule of its own. */
const withAlternatives = (rules: Fields[], path: string, given: unknown, at: string): Fields[] => {
  // With one alternative alone EventBridge takes it for the name of a field.
  if (!Array.isArray(given) || given.length < 2 || !given.every(isObject))
    throw new PatternError(`$or of something that is no list of patterns, of two at least, at ${at}`);
  const all = given.flatMap((each, index) => {
    const reserved = Object.keys(each).find((key) => RESERVED.has(key));
    if (reserved !== undefined) throw new PatternError(`the operator ${reserved} as a field at ${at}[${index}]`);
    return expand(rules, path, each, `${at}[${index}]`);
  });
  if (all.length > MOST_COMBINATIONS)
    throw new PatternError(`$or with more than ${MOST_COMBINATIONS} combinations at ${at}`);
  return all;
};

/** `path`: where its fields are in the event; `at`: where it is in the pattern. */
const expand = (rules: Fields[], path: string, pattern: Json, at: string): Fields[] => {
  const entries = Object.entries(pattern);
  if (entries.length === 0) throw new PatternError(`an empty object at ${at === '' ? 'the top' : at}`);
  return entries.reduce((all, [key, given]) => {
    if (key === '$or') return withAlternatives(all, path, given, below(at, key));
    const field = below(path, key);
    if (isObject(given)) return expand(all, field, given, below(at, key));
    if (Array.isArray(given)) return withField(all, field, given, below(at, key));
    throw new PatternError(`${JSON.stringify(given)} where a list must be at ${below(at, key)}`);
  }, rules);
};

/** Which item of which list a value is in: lists have numbers. */
type Places = ReadonlyMap<number, number>;
interface Found {
  value: Leaf;
  places: Places;
}

/** The values that can be compared, by path. Empty lists and objects have none. */
const leavesOf = (event: unknown): Map<string, Found[]> => {
  const found = new Map<string, Found[]>();
  let lists = 0;
  const add = (path: string, value: unknown, places: Places): void => {
    if (Array.isArray(value)) {
      const list = lists++;
      // That two fields are of the same item matters where the items have fields.
      value.forEach((item, index) => add(path, item, isLeaf(item) ? places : new Map([...places, [list, index]])));
    } else if (isObject(value)) {
      for (const [key, part] of Object.entries(value)) add(below(path, key), part, places);
    } else if (isLeaf(value)) {
      found.set(path, [...(found.get(path) ?? []), { value, places }]);
    }
  };
  if (isObject(event)) add('', event, new Map());
  return found;
};

/** Both, unless they are of two items of one list. */
const together = (one: Places, other: Places): Places | undefined =>
  [...one].every(([list, index]) => (other.get(list) ?? index) === index) ? new Map([...one, ...other]) : undefined;

/** Whether each field has a value that fits, all of them from the same items. */
const fits = (fields: [string, readonly Comparison[]][], leaves: Map<string, Found[]>, places: Places): boolean => {
  const [[path, comparisons] = ['', []], ...others] = fields;
  if (fields.length === 0) return true;
  const found = leaves.get(path);
  if (!found) return comparisons.includes('absent') && fits(others, leaves, places);
  return found.some((each) => {
    const joined = comparisons.some((comparison) => comparison !== 'absent' && comparison(each.value))
      ? together(places, each.places)
      : undefined;
    return joined !== undefined && fits(others, leaves, joined);
  });
};

/** A pattern as a function of an event. Throws PatternError. */
export const compile = (pattern: Json): Pattern => {
  const rules = expand([new Map()], '', pattern, '').map((fields) => [...fields]);
  return (event) => {
    const leaves = leavesOf(event);
    return rules.some((fields) => fits(fields, leaves, new Map()));
  };
};
