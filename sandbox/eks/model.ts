/**
 * The EKS API as the SDK describes it: operations with their routes, and the shapes of inputs and outputs.
 *
 * `@aws-sdk/client-eks` ships its model as nested arrays whose tags and positions are internal to the SDK. Only this
 * file depends on them; a test compares them with known shapes, so that an SDK update that changes them fails only
 * there. What the arrays do not contain (lengths, enumerations) is in `constraints.ts`.
 */
import * as sdk from '@aws-sdk/client-eks';
import { NormalizedSchema } from '@smithy/core/schema';
import type { SchemaRef } from '@smithy/types';

export type Schema = NormalizedSchema;

/** Tag of an operation: `[9, namespace, name, traits, () => input, () => output]`. */
const OPERATION_TAG = 9;
/** Tag of an error's shape: `[-3, namespace, name, { httpError }, member names, member shapes]`. */
const ERROR_TAG = -3;

export interface Operation {
  name: string;
  method: string;
  /** HTTP status of a success. */
  status: number;
  /** Matches the path on the wire, with one group for each label. */
  pattern: RegExp;
  labels: string[];
  input: Schema;
  output: Schema;
}

const isTagged = (
  value: unknown,
  tag: number,
): value is [number, string, string, Record<string, unknown>, ...unknown[]] => Array.isArray(value) && value[0] === tag;

const exported: unknown[] = Object.values(sdk);

const toOperation = ([, , name, traits, input, output]: [
  number,
  string,
  string,
  Record<string, unknown>,
  ...unknown[],
]): Operation => {
  const [method, uri, status] = traits['http'] as [string, string, number];
  const [path = ''] = uri.split('?');
  return {
    name,
    method,
    status,
    pattern: new RegExp(`^${path.replace(/\{\w+\+?\}/g, '([^/]+)')}/?$`),
    labels: [...path.matchAll(/\{(\w+)\+?\}/g)].map(([, label]) => label ?? ''),
    input: NormalizedSchema.of((input as () => SchemaRef)()),
    output: NormalizedSchema.of((output as () => SchemaRef)()),
  };
};

/** All operations of EKS, those with fewer labels first, so that a fixed path takes precedence over a pattern. */
export const operations: readonly Operation[] = exported
  .filter((value) => isTagged(value, OPERATION_TAG))
  .map(toOperation)
  .sort((a, b) => a.labels.length - b.labels.length);

/** HTTP statuses of the errors in EKS's model, by error name. */
export const errorStatuses: ReadonlyMap<string, number> = new Map(
  exported
    .filter((value) => isTagged(value, ERROR_TAG))
    .flatMap(([, , name, traits]) =>
      typeof traits['httpError'] === 'number' ? [[name, traits['httpError']] as const] : [],
    ),
);

interface Route {
  operation: Operation;
  labels: string[];
}

const search = (method: string, path: string): Route | undefined => {
  for (const operation of operations) {
    const match = operation.method === method ? operation.pattern.exec(path) : null;
    if (match) return { operation, labels: match.slice(1) };
  }
  return undefined;
};

/** Routes are cached: each call looks up its path several times, and most calls share few paths. */
const MOST_ROUTES = 1000;
const routes = new Map<string, Route | undefined>();

/** Returns the operation of a request, with labels still percent-encoded; undefined if EKS has no such operation. */
export const findOperation = (method: string, path: string): Route | undefined => {
  const key = `${method} ${path}`;
  if (routes.has(key)) return routes.get(key);
  const route = search(method, path);
  if (routes.size >= MOST_ROUTES) routes.clear();
  routes.set(key, route);
  return route;
};
