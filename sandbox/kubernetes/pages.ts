/**
 * Pagination of lists. All pages of a list show the state at the time of the first page: the remaining items are stored
 * as they were then, for as long as etcd would keep them (k8s.io/apiserver, storage/etcd3: continue.go, errors.go).
 */
import { z } from 'zod';
import { badRequest, expired } from './answers.ts';
import type { Query } from './query.ts';
import type { KubeState, ListSnapshot } from './kube-state.ts';
import type { KubeObject } from './objects.ts';

/** etcd is compacted every five minutes (kube-apiserver, --etcd-compaction-interval). */
const KEPT = 300_000;
/** Limits the memory used by lists that clients do not read to the end; the oldest snapshot is dropped first. */
const MOST_SNAPSHOTS = 32;

const TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** `rv` -1: the client continues with the current state. */
const continueToken = z.object({ v: z.literal('meta.k8s.io/v1'), rv: z.number(), start: z.string() });
type Token = z.infer<typeof continueToken>;

const writeToken = (rv: number, start: string): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start } satisfies Token)).toString('base64url');
const readToken = (token: string): Token => {
  try {
    return continueToken.parse(JSON.parse(Buffer.from(token, 'base64url').toString('utf8')));
  } catch {
    throw badRequest('continue key is not valid: it was not issued by this server');
  }
};

const readLimit = (limit: string | undefined): number => {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (!/^\d+$/.test(limit))
    throw badRequest(`Invalid value for limit: strconv.ParseInt: parsing "${limit}": invalid syntax`);
  return Number(limit) || Number.POSITIVE_INFINITY;
};

/** Cached values that lists need of an object; `json` belongs to `version`. */
interface Listed {
  position: string;
  version?: string;
  json?: string;
}
const listed = new WeakMap<KubeObject, Listed>();

const listedOf = (object: KubeObject): Listed => {
  const known = listed.get(object);
  if (known) return known;
  const { namespace = '', name } = object.metadata;
  const created = { position: `${namespace}/${name}` };
  listed.set(object, created);
  return created;
};

/** Returns the object's sort key in etcd's order: by namespace, then by name. */
const position = (object: KubeObject): string => listedOf(object).position;

const jsonOf = (object: KubeObject): string => {
  const known = listedOf(object);
  const { resourceVersion } = object.metadata;
  if (known.json === undefined || known.version !== resourceVersion)
    Object.assign(known, { json: JSON.stringify(object), version: resourceVersion });
  return known.json ?? '';
};

export interface Page {
  items: KubeObject[];
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
}

const snapshotOf = (kube: KubeState, list: string, token: Token, now: number): ListSnapshot => {
  const found = kube.snapshots.find(
    (snapshot) => snapshot.resourceVersion === token.rv && snapshot.list === list && now - snapshot.takenAt <= KEPT,
  );
  if (found) return found;
  const refusal = expired(TOO_OLD);
  refusal.continueToken = writeToken(-1, token.start);
  throw refusal;
};

/**
 * Returns a page of a list. `list`: identifies the list, the same for each of its pages. `find`: returns the objects
 * that match now, in any order. `now`: the world's time.
 */
export const pageOf = (
  kube: KubeState,
  options: { list: string; query: Query; now: number; find: () => KubeObject[] },
): Page => {
  const { list, query, now, find } = options;
  const given = query('continue');
  const token = given === undefined ? undefined : readToken(given);
  const limit = readLimit(query('limit'));
  const selected = query('labelSelector') !== undefined || query('fieldSelector') !== undefined;

  const answer = (items: KubeObject[], rv: number, left: number): Page => {
    const last = items.at(-1);
    if (!last || left === 0) return { items, metadata: { resourceVersion: String(rv) } };
    // The API server does not count the remaining items of a list with a selector.
    return {
      items,
      metadata: {
        resourceVersion: String(rv),
        continue: writeToken(rv, position(last)),
        ...(selected ? {} : { remainingItemCount: left }),
      },
    };
  };

  if (token && token.rv >= 0) {
    const { items } = snapshotOf(kube, list, token, now);
    const first = items.findIndex((item) => item.position > token.start);
    const rest = first === -1 ? [] : items.slice(first);
    return answer(
      rest.slice(0, limit).map(({ json }) => JSON.parse(json) as KubeObject),
      token.rv,
      Math.max(0, rest.length - limit),
    );
  }

  const found = find()
    .map((object) => ({ object, position: position(object) }))
    .filter((each) => token === undefined || each.position > token.start)
    .sort((a, b) => (a.position < b.position ? -1 : 1));
  const later = found.slice(limit);
  const rv = kube.resourceVersion;
  if (later.length > 0) {
    const snapshot = {
      resourceVersion: rv,
      takenAt: now,
      list,
      items: later.map((each) => ({ position: each.position, json: jsonOf(each.object) })),
    };
    const others = kube.snapshots.filter(
      (other) => now - other.takenAt <= KEPT && !(other.resourceVersion === rv && other.list === list),
    );
    kube.snapshots = [...others, snapshot].slice(-MOST_SNAPSHOTS);
  }
  return answer(
    found.slice(0, limit).map(({ object }) => object),
    rv,
    later.length,
  );
};
