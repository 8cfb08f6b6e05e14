/** What a case sees of an API server, whether it is the sandbox's or a real one. */
import type { Json } from '../../../sandbox/json.ts';

export interface Sent {
  /** Sent as JSON. */
  body?: unknown;
  /** The content type; default: JSON for a POST or PUT, a strategic merge patch for a PATCH. */
  type?: string;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  /** The decoded JSON; undefined if the body is something else. */
  body: Json;
  /** The body as text. */
  text: string;
}

/** An object as the API returns it. */
export interface Item extends Json {
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    resourceVersion: string;
    generation?: number;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { kind: string; name: string; uid: string }[];
    managedFields?: Json[];
    [key: string]: unknown;
  };
  spec: Json;
  status: Json;
}

/** One change of an object, in the order in which the server wrote it. */
export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: Item;
}

/** The changes of one resource in the case's namespace since it began. */
export interface Observation {
  /** Returns the changes so far, after waiting until those that have happened have arrived. */
  changes(): Promise<Change[]>;
  /** Returns the changes that have arrived by now. */
  soFar(): Change[];
}

/** An API server with its controllers, for one case. */
export interface Server {
  /** The namespace of the case. */
  namespace: string;
  request(method: string, path: string, sent?: Sent): Promise<Answer>;
  /**
   * Waits until nothing in the namespace changes any more and, if given, `done` holds. Throws an Error that names
   * `what` if that takes too long.
   */
  settle(what: string, done?: () => Promise<boolean>): Promise<void>;
  /** Waits only until `done` holds, while the controllers go on. Throws an Error if that takes too long. */
  until(what: string, done: () => Promise<boolean>): Promise<void>;
  /** Observes a resource of the namespace: `/api/v1 pods`, `/apis/apps/v1 replicasets`. */
  observe(group: string, resource: string): Promise<Observation>;
}

/** Returns the path of a namespaced resource or object. */
export const pathOf = ({ namespace }: Server, group: string, resource: string, name?: string): string =>
  `${group}/namespaces/${namespace}/${resource}${name === undefined ? '' : `/${name}`}`;

export const CORE = '/api/v1';
export const APPS = '/apis/apps/v1';
export const POLICY = '/apis/policy/v1';
