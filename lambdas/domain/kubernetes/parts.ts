/** Keeps of objects that other software defines only what is evaluated, so that thousands of them fit into memory. */

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const kept = (value: unknown, names: readonly string[]): unknown =>
  isFields(value)
    ? Object.fromEntries(names.filter((name) => Object.hasOwn(value, name)).map((name) => [name, value[name]]))
    : value;

/** Returns an object with its kind, name, namespace and labels, and with these fields of its spec. */
export const partOf = (object: unknown, fields: readonly string[]): unknown =>
  isFields(object)
    ? {
        kind: object['kind'],
        metadata: kept(object['metadata'], ['namespace', 'name', 'labels']),
        spec: kept(object['spec'], fields),
      }
    : object;
