/**
 * Reads objects that other software defines. Nothing is assumed about their shape: what is not there, or is of another type, is
 * `undefined`, and nothing throws.
 */
import { judgeImage, type Judgement } from '../images/known.ts';
import type { Pod, Workload } from '../kubernetes/objects.ts';
import type { ServiceAccountRef } from '../terms/subject.ts';
import { shown } from '../text/text.ts';
import type { Consumer, ConsumerFacts, Need } from './model.ts';

/** In the place of a namespace or a name of a service account that the objects do not show: it may be any. */
export const ANY = '*';
/** The longest name or ARN that is kept. Names of Kubernetes have 253 characters at most, ARNs of roles some 620. */
export const MOST = 640;

/** An object, and its metadata. */
export interface SeenObject {
  namespace?: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  object: unknown;
}

/** What was read of a cluster. */
export interface Seen {
  /** Returns the objects of a resource, such as `secretstores.external-secrets.io`. */
  objects: (resource: string) => readonly SeenObject[];
  /** Returns whether a resource could not be read. */
  isUnread: (resource: string) => boolean;
  pods: readonly Pod[];
  workloads: readonly Workload[];
  /** Images of the pods of CSI drivers, in addition to those of `pods`. */
  driverImages: readonly string[];
}

/** One way in which software uses the web identity of a service account: a row of docs/consumers.md. */
export interface ConsumerRule {
  product: string;
  /** The resource as kubectl names it. */
  resource: string;
  kind: string;
  /** By which fields it is found, as Markdown. */
  field: string;
  needs: readonly Need[];
  /** As in `Consumer`. */
  how: string;
  instead: string;
  source: string;
}

/** The rules of a product, and the function that finds its consumers by them. */
export interface Detector {
  rules: readonly ConsumerRule[];
  find: (seen: Seen) => Consumer[];
}

/** Returns the value at a path of fields; `undefined` if one of them does not exist. */
export function fieldAt(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (typeof found !== 'object' || found === null || Array.isArray(found) || !Object.hasOwn(found, name))
      return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found ?? undefined;
}

/** Returns the text at a path, printable; `undefined` if there is none, or it is empty. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = fieldAt(value, ...path);
  return typeof found === 'string' && found !== '' ? shown(found, MOST) : undefined;
}

/** Returns the list at a path; empty if there is none. */
export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = fieldAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** Returns the name at a path. If there is a value that is no text, the name may be any. */
export function nameAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = fieldAt(value, ...path);
  return found === undefined || typeof found === 'string' ? textAt(value, ...path) : ANY;
}

function labelsOf(object: unknown): Record<string, string> {
  const labels = fieldAt(object, 'metadata', 'labels');
  if (typeof labels !== 'object' || labels === null) return {};
  return Object.fromEntries(
    Object.entries(labels).filter((one): one is [string, string] => typeof one[1] === 'string'),
  );
}

/** Returns the objects with their metadata. An API server has no object without a name, and none could be accepted. */
const readObjects = (objects: readonly unknown[]): SeenObject[] =>
  objects.flatMap((object) => {
    const name = textAt(object, 'metadata', 'name');
    const namespace = textAt(object, 'metadata', 'namespace');
    return name === undefined
      ? []
      : [{ name, labels: labelsOf(object), object, ...(namespace === undefined ? {} : { namespace }) }];
  });

export function seenOf(
  { objects, unread, driverImages = [] }: ConsumerFacts,
  { pods, workloads = [] }: { pods: readonly Pod[]; workloads?: readonly Workload[] },
): Seen {
  const read = new Map<string, SeenObject[]>();
  return {
    objects: (resource) => {
      const known =
        read.get(resource) ?? readObjects(Object.hasOwn(objects, resource) ? (objects[resource] ?? []) : []);
      read.set(resource, known);
      return known;
    },
    isUnread: (resource) => unread.some((one) => one.resource === resource),
    pods,
    workloads,
    driverImages,
  };
}

/** Returns the consumer that a rule has found. `how` and `instead` are the rule's, unless the object needs its own. */
export const consumerBy = (
  { resource, kind, needs, how, instead, source }: ConsumerRule,
  { namespace, name }: Pick<SeenObject, 'namespace' | 'name'>,
  of: Pick<Consumer, 'serviceAccount'> & Partial<Pick<Consumer, 'roleArn' | 'how' | 'instead' | 'needs'>>,
): Consumer => ({
  resource,
  kind,
  ...(namespace === undefined ? {} : { namespace }),
  name,
  needs,
  how,
  instead,
  source,
  ...of,
});

/** Returns the judgements of those images that a known component has. */
export const judgedImages = (images: readonly string[], component: string): Judgement[] =>
  images.map(judgeImage).filter((judged) => 'known' in judged && judged.known?.component === component);

/** Returns the judgements of the images of a known component, for each container in the pods that has one. */
export const imagesOf = (
  { containers }: { containers: readonly { image: string }[] },
  component: string,
): Judgement[] =>
  judgedImages(
    containers.map(({ image }) => image),
    component,
  );

/** Returns what has each of the keys, in the given order. */
export function byKeys<Item>(
  items: readonly Item[],
  keysOf: (item: Item) => Iterable<string>,
): ReadonlyMap<string, readonly Item[]> {
  const by = new Map<string, Item[]>();
  for (const item of items)
    for (const key of keysOf(item)) {
      const of = by.get(key) ?? [];
      of.push(item);
      by.set(key, of);
    }
  return by;
}

/** Returns the service accounts of pods and workloads, each once. */
export const accountsOf = (all: readonly { namespace: string; serviceAccount: string }[]): ServiceAccountRef[] => [
  ...new Map(
    all.map(({ namespace, serviceAccount }) => [`${namespace}/${serviceAccount}`, { namespace, name: serviceAccount }]),
  ).values(),
];
