/**
 * Pagination of lists. All pages of a list show the state at the time of the first page: the remaining items are stored
 * as they were then, for as long as etcd would keep them (k8s.io/apiserver, storage/etcd3: continue.go, errors.go).
 */
import { z } from 'zod';
import { badRequest, expired, Refusal } from './answers.ts';
import { GoSyntaxError, parseGoJson } from './go/json.ts';
import type { KubeState, ListSnapshot } from '../objects/kube-state.ts';
import { type ListOptions, readResourceVersion } from './list-options.ts';
import type { KubeObject } from '../objects/objects.ts';
import { parseServed } from './served.ts';

/** etcd is compacted every five minutes (kube-apiserver, --etcd-compaction-interval). */
const KEPT = 300_000;
/** Limits the memory used by lists that clients do not read to the end; the oldest snapshot is dropped first. */
const MOST_SNAPSHOTS = 32;

const TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** `rv` -1: the client continues with the current state. */
interface Token {
  rv: number;
  /** Start of the page: the position after that of the last item. */
  start: string;
}

const VERSION = 'meta.k8s.io/v1';
const NEXT = '\0';

const writeToken = (rv: number, start: string): string =>
  Buffer.from(JSON.stringify({ v: VERSION, rv, start })).toString('base64url');

const invalidToken = (why: string): Refusal => badRequest(`invalid continue token: ${why}`);

const readToken = (token: string): Token => {
  const illegal = token.search(/[^A-Za-z0-9_-]/);
  if (illegal !== -1 || token.length % 4 === 1)
    throw invalidToken(
      `continue key is not valid: illegal base64 data at input byte ${illegal === -1 ? token.length - 1 : illegal}`,
    );
  let value: unknown;
  try {
    // Each byte as a character: Go's parser reports the first byte that it does not expect.
    ({ value } = parseGoJson(Buffer.from(token, 'base64url').toString('latin1')));
  } catch (error) {
    throw error instanceof GoSyntaxError ? invalidToken(`continue key is not valid: ${error.message}`) : error;
  }
  const parsed = z.looseObject({ v: z.string(), rv: z.int(), start: z.string() }).safeParse(value).data;
  if (parsed?.v !== VERSION)
    throw invalidToken(
      `continue key is not valid: server does not recognize this encoded version ${parsed?.v ?? ''}`.trimEnd(),
    );
  const { rv, start } = parsed;
  if (rv === 0)
    throw invalidToken('continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  if (start === '') throw invalidToken('continue key is not valid: encoded start key empty (version meta.k8s.io/v1)');
  if (!start.startsWith('/') || /\/\/|\/\.{1,2}(\/|$)/.test(start) || start.endsWith('/'))
    throw invalidToken(`continue key is not valid: ${start}`);
  return { rv, start };
};

/** Returns the 504 for a version that the API server has not reached after three seconds. */
const tooLarge = (wanted: number, current: number): Refusal =>
  new Refusal(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${wanted}, current: ${current}`,
    {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
    { 'retry-after': '1' },
  );

const TOO_OLD_LIST = 'The resourceVersion for the provided list is too old.';

/**
 * Returns the exact version that a list wants; undefined if any recent one will do. `changedAt`: the version at which
 * the list last changed, before which its contents are not known.
 */
const exactVersion = (kube: KubeState, options: ListOptions, changedAt: () => number): number | undefined => {
  const { resourceVersion: text, resourceVersionMatch: match, limit } = options;
  if (text === '') return undefined;
  const wanted = readResourceVersion(text, (message) => badRequest(`invalid resource version: ${message}`));
  if (wanted > kube.resourceVersion) throw tooLarge(wanted, kube.resourceVersion);
  const exact = match === 'Exact' || (match === '' && Number.isFinite(limit) && wanted > 0);
  if (!exact) return undefined;
  if (changedAt() > wanted) throw expired(TOO_OLD_LIST);
  return wanted;
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
  const { namespace, name } = object.metadata;
  const created = { position: namespace ? `/${namespace}/${name}` : `/${name}` };
  listed.set(object, created);
  return created;
};

/** Returns the object's sort key in etcd's order: by namespace, then by name. */
export const position = (object: KubeObject): string => listedOf(object).position;

/** Returns the text of an object as it is served now. */
const jsonOf = (object: KubeObject, serve: (object: KubeObject) => KubeObject): string => {
  const known = listedOf(object);
  const { resourceVersion } = object.metadata;
  if (known.json === undefined || known.version !== resourceVersion)
    Object.assign(known, { json: JSON.stringify(serve(object)), version: resourceVersion });
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

/** Keeps the rest of a list for later pages, in the place of an earlier one of the same version. */
const keep = (kube: KubeState, snapshot: ListSnapshot): void => {
  const { resourceVersion, list, takenAt } = snapshot;
  const others = kube.snapshots.filter(
    (other) => takenAt - other.takenAt <= KEPT && !(other.resourceVersion === resourceVersion && other.list === list),
  );
  kube.snapshots = [...others, snapshot].slice(-MOST_SNAPSHOTS);
};

interface WantedList {
  /** Identifies the list, the same for each of its pages. */
  list: string;
  options: ListOptions;
  /** The world's time. */
  now: number;
  /** Returns the objects that match now, in any order. */
  find: () => KubeObject[];
  /** Returns the version at which the resource last changed. */
  changedAt: () => number;
  /** Returns an object as it is answered, which is kept for later pages. */
  serve: (object: KubeObject) => KubeObject;
}

/** Returns a page of a list. */
export const pageOf = (kube: KubeState, wanted: WantedList): Page => {
  const { list, options, now, find, changedAt, serve } = wanted;
  const { limit, selected } = options;
  const token = options.continue === '' ? undefined : readToken(options.continue);
  if (token && options.resourceVersion !== '' && options.resourceVersion !== '0')
    throw badRequest('specifying resource version is not allowed when using continue');
  const exact = token ? undefined : exactVersion(kube, options, changedAt);

  const answer = (items: KubeObject[], rv: number, left: number): Page => {
    const last = items.at(-1);
    if (!last || left === 0) return { items, metadata: { resourceVersion: String(rv) } };
    // The API server does not count the remaining items of a list with a selector.
    return {
      items,
      metadata: {
        resourceVersion: String(rv),
        continue: writeToken(rv, `${position(last)}${NEXT}`),
        ...(selected ? {} : { remainingItemCount: left }),
      },
    };
  };

  if (token && token.rv >= 0) {
    const { items } = snapshotOf(kube, list, token, now);
    const first = items.findIndex((item) => item.position >= token.start);
    const rest = first === -1 ? [] : items.slice(first);
    return answer(
      rest.slice(0, limit).map(({ json }) => parseServed(json)),
      token.rv,
      Math.max(0, rest.length - limit),
    );
  }

  const found = find()
    .map((object) => ({ object, position: position(object) }))
    .filter((each) => token === undefined || each.position >= token.start)
    .sort((a, b) => (a.position < b.position ? -1 : 1));
  const later = found.slice(limit);
  const rv = exact ?? kube.resourceVersion;
  if (later.length > 0) {
    const items = later.map((each) => ({ position: each.position, json: jsonOf(each.object, serve) }));
    keep(kube, { resourceVersion: rv, takenAt: now, list, items });
  }
  return answer(
    found.slice(0, limit).map(({ object }) => object),
    rv,
    later.length,
  );
};
