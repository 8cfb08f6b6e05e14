/** Takes apart what eksctl prints: one fact for each field, so that what differs can be named. */

/** Values of fields by their names, such as `vpc-cni Version`. Fields without a value are absent. */
export type FieldFacts = Map<string, string>;

/** What names an element of a list, in the order in which it is looked for. */
const NAMED_BY = ['Name', 'AssociationARN', 'AssociationID', 'Code'] as const;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const nameOf = (element: Record<string, unknown>, position: number): string => {
  const name = NAMED_BY.map((key) => element[key]).find((one) => typeof one === 'string');
  // Clusters of several regions may have the same name.
  const region = element['Region'];
  const words = [region, name].filter((word) => typeof word === 'string');
  return words.length === 0 ? String(position + 1) : words.join(' ');
};

/** A time as eksctl prints it has no fraction if it is 0. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const textOf = (value: string | number | boolean): string =>
  typeof value === 'string' && TIME.test(value) ? new Date(value).toISOString() : String(value);

const collect = (value: unknown, path: string, facts: FieldFacts): void => {
  if (value === undefined || value === null) return;
  const inside = (part: string): string => (path === '' ? part : `${path} ${part}`);
  if (Array.isArray(value)) {
    if (value.length === 0) return;
    if (!value.every(isRecord)) {
      facts.set(path, value.map(String).join(', '));
      return;
    }
    const names = value.map(nameOf);
    // AWS documents no order of its lists.
    facts.set(inside('names'), names.toSorted().join(', '));
    for (const [position, element] of value.entries()) collect(element, inside(names[position] ?? ''), facts);
    return;
  }
  if (isRecord(value)) for (const [key, inner] of Object.entries(value)) collect(inner, inside(key), facts);
  else facts.set(path, textOf(value as string | number | boolean));
};

/** Returns the fields of a document. */
export const fieldsOf = (document: unknown): FieldFacts => {
  const facts: FieldFacts = new Map();
  collect(document, '', facts);
  return facts;
};

/** Returns the facts with a word before each name. */
export const under = (word: string, facts: ReadonlyMap<string, string>): FieldFacts =>
  new Map([...facts].map(([name, value]) => [`${word}: ${name}`, value]));
