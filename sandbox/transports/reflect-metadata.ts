/**
 * The three functions of the metadata-reflection proposal that `tsyringe`, on which `@peculiar/x509` is built, requires
 * when it is loaded. Import this before `@peculiar/x509`; an existing implementation is kept.
 */
type Key = string | symbol | undefined;
type Store = Map<Key, Map<unknown, unknown>>;

const stores = new WeakMap<object, Store>();

const own = (metadataKey: unknown, target: object, property?: Key): unknown =>
  stores.get(target)?.get(property)?.get(metadataKey);

const inherited = (metadataKey: unknown, target: object, property?: Key): unknown => {
  for (let object: object | null = target; object; object = Object.getPrototypeOf(object) as object | null) {
    const value = own(metadataKey, object, property);
    if (value !== undefined) return value;
  }
  return undefined;
};

const define = (metadataKey: unknown, value: unknown, target: object, property?: Key): void => {
  const store: Store = stores.get(target) ?? new Map();
  const values = store.get(property) ?? new Map<unknown, unknown>();
  stores.set(target, store.set(property, values.set(metadataKey, value)));
};

if (!('getMetadata' in Reflect))
  Object.assign(Reflect, { getMetadata: inherited, getOwnMetadata: own, defineMetadata: define });
