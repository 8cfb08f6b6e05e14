/**
 * Which parts of an object can have owners of their own: the list types, map types and struct types of k8s.io/api
 * (`+listType`, `+mapType`, `+structType`), as far as the sandbox's kinds use them.
 */
import { isObject } from '../json.ts';

/** Where a value is: the field that contains it, and the field that contains that one. */
export interface Place {
  name: string;
  parent: string;
}
export const ROOT: Place = { name: '', parent: '' };

/** Objects that have one owner as a whole. */
const ATOMIC = new Set([
  'claimRef',
  'configMapKeyRef',
  'dataSource',
  'fieldRef',
  'fileKeyRef',
  'labelSelector',
  'namespaceSelector',
  'nodeSelector',
  'objectSelector',
  'podSelector',
  'required',
  'requiredDuringSchedulingIgnoredDuringExecution',
  'resourceFieldRef',
  'roleRef',
  'secretKeyRef',
  'secretRef',
  'selector',
]);

/** Keys of lists whose items are owned separately; all other lists are atomic. */
const LIST_KEYS: Record<string, string[]> = {
  addresses: ['type'],
  claims: ['name'],
  conditions: ['type'],
  containers: ['name'],
  env: ['name'],
  ephemeralContainers: ['name'],
  hostAliases: ['ip'],
  imagePullSecrets: ['name'],
  initContainers: ['name'],
  ownerReferences: ['uid'],
  podIPs: ['ip'],
  ports: ['containerPort', 'protocol'],
  resourceClaims: ['name'],
  schedulingGates: ['name'],
  secrets: ['name'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
  volumeDevices: ['devicePath'],
  volumeMounts: ['mountPath'],
  volumes: ['name'],
  webhooks: ['name'],
};
/** The pull secrets of a service account are atomic, unlike those of a pod. */
const ATOMIC_LISTS = new Set(['.imagePullSecrets']);
/** Lists of which each value is owned separately. */
const SETS = new Set(['metadata.finalizers', 'spec.podCIDRs']);
/** Lists whose items have one owner as a whole. */
const ATOMIC_ITEMS = new Set(['imagePullSecrets', 'ownerReferences', 'secrets']);
/** Defaults of keys that an item may lack. */
const KEY_DEFAULTS: Record<string, unknown> = { protocol: 'TCP' };

/** Returns the place of a field in an object. */
export const fieldPlace = (name: string, { name: parent }: Place): Place => ({ name, parent });

/** Returns the place of an item in a list. */
export const itemPlace = ({ name }: Place): Place => ({ name: '[]', parent: name });

const isSet = ({ name, parent }: Place): boolean => SETS.has(`${parent}.${name}`);

/** Returns whether a value at this place has one owner as a whole. */
export const isAtomic = (place: Place, value: unknown): boolean => {
  const { name, parent } = place;
  if (Array.isArray(value))
    return !isSet(place) && (LIST_KEYS[name] === undefined || ATOMIC_LISTS.has(`${parent}.${name}`));
  return isObject(value) && (name === '[]' ? ATOMIC_ITEMS.has(parent) : ATOMIC.has(name));
};

/**
 * Returns the element of a list's item, such as `k:{"name":"x"}` or `v:"x"`; undefined if the item has no key.
 */
export const itemElement = (place: Place, item: unknown): string | undefined => {
  if (isSet(place)) return `v:${JSON.stringify(item)}`;
  const keys = LIST_KEYS[place.name];
  if (keys === undefined || !isObject(item)) return undefined;
  const entries = keys.map((key) => [key, item[key] ?? KEY_DEFAULTS[key]] as const);
  const known = entries.filter(([, value]) => value !== undefined);
  return known.length === 0 ? undefined : `k:${JSON.stringify(Object.fromEntries(known))}`;
};
