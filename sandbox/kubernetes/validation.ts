/**
 * Parses and validates the objects that clients send: their schema, unknown fields according to `fieldValidation`, and
 * the rules of their kind.
 */
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { badRequest, conflict, invalid } from './answers.ts';
import type { Query } from './query.ts';
import type { KubeObject } from './objects.ts';
import { SCHEMAS, workloadSchema } from './schemas.ts';
import { apiVersionOf, isWorkloadKind } from './store.ts';
import type { KindInfo } from './store.ts';

/** Parses a JSON object from a request body; `what` is the API server's name for the body in errors. */
export const parseObject = (body: Uint8Array, what = 'patch'): Record<string, unknown> => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (error) {
    throw badRequest(`error decoding ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw badRequest(`error decoding ${what}: the body is not a JSON object`);
  return parsed as Record<string, unknown>;
};

const isObject = (value: unknown): value is Record<PropertyKey, unknown> => typeof value === 'object' && value !== null;

/** Returns a path such as `spec.selector.foo`, as the API server names fields. */
const fieldOf = (path: PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}${text === '' ? '' : '.'}${String(part)}`),
    '',
  );

const remove = (document: unknown, path: PropertyKey[]): void => {
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), document);
  const last = path.at(-1);
  if (isObject(parent) && last !== undefined) delete parent[last];
};

const unknownFields = (issues: z.core.$ZodIssue[]): PropertyKey[][] =>
  issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : []));

/** Adds `Invalid value` unless the message is already a complete detail. */
const detailOf = (message: string): string =>
  /^(Required value|Forbidden|Invalid value)/.test(message) ? message : `Invalid value: ${message}`;

/** Removes null values: on the wire, null means that the field is not set. */
const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (each === null ? [] : [[key, withoutNulls(each)]])),
  );
};

export interface Read {
  object: KubeObject;
  /** Headers of the response: a warning about dropped fields. */
  headers: Record<string, string>;
}

/**
 * Returns the object in a document of a kind that can be created. With `fieldValidation` Strict, unknown fields are an
 * error; Warn (the default) drops them with a warning, Ignore drops them.
 */
export const readObject = (info: KindInfo, document: Record<string, unknown>, name: string, query: Query): Read => {
  const schema = SCHEMAS[info.kind];
  if (!schema) throw new Error(`There is no schema for ${info.kind}.`);
  const cleaned = withoutNulls(document);
  let parsed = schema.safeParse(cleaned);
  const unknown = parsed.success ? [] : unknownFields(parsed.error.issues);
  const mode = query('fieldValidation') ?? 'Warn';
  const texts = unknown.map((path) => `unknown field "${fieldOf(path)}"`);
  if (unknown.length > 0) {
    if (mode === 'Strict')
      throw badRequest(
        `${info.kind} in version "${apiVersionOf(info).split('/').at(-1) ?? ''}" cannot be handled as a ${info.kind}: strict decoding error: ${texts.join(', ')}`,
      );
    for (const path of unknown) remove(cleaned, path);
    parsed = schema.safeParse(cleaned);
  }
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(info, name, fieldOf(issue?.path ?? []), detailOf(issue?.message ?? 'not valid'));
  }
  return {
    object: parsed.data as KubeObject,
    headers:
      texts.length > 0 && mode === 'Warn'
        ? { warning: texts.map((text) => `299 - ${JSON.stringify(text)}`).join(', ') }
        : {},
  };
};

/** Source: k8s.io/kubernetes, apis/apps/validation, ValidateStatefulSetUpdate. */
const CHANGEABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

const checkStatefulSet = (
  info: KindInfo,
  name: string,
  before: Record<string, unknown>,
  spec: z.output<typeof workloadSchema>['spec'],
): void => {
  const fixed = (of: object): object =>
    Object.fromEntries(Object.entries(of).filter(([field]) => !CHANGEABLE.includes(field)));
  const named = CHANGEABLE.map((field) => `'${field}'`);
  if (!isDeepStrictEqual(fixed(before), fixed(spec)))
    throw invalid(
      info,
      name,
      'spec',
      `Forbidden: updates to statefulset spec for fields other than ${named.slice(0, -1).join(', ')} and ${named.at(-1) ?? ''} are forbidden`,
    );
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (type === 'OnDelete' && rollingUpdate)
    throw invalid(
      info,
      name,
      'spec.updateStrategy.rollingUpdate',
      `Invalid value: ${JSON.stringify(rollingUpdate)}: only allowed for updateStrategy 'RollingUpdate'`,
    );
};

const checkWorkload = (info: KindInfo, name: string, before: KubeObject, patched: Record<string, unknown>): void => {
  const checked = workloadSchema.safeParse(patched);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw invalid(info, name, fieldOf(issue?.path ?? []), detailOf(issue?.message ?? 'not valid'));
  }
  if (info.kind === 'StatefulSet') checkStatefulSet(info, name, before.spec ?? {}, checked.data.spec);
  const { selector, template } = checked.data.spec;
  if (!isDeepStrictEqual(selector, before.spec?.['selector']))
    throw invalid(info, name, 'spec.selector', `Invalid value: ${JSON.stringify(selector)}: field is immutable`);
  const labels = template.metadata.labels ?? {};
  if (!Object.entries(selector.matchLabels).every(([label, value]) => labels[label] === value)) {
    throw invalid(
      info,
      name,
      'spec.template.metadata.labels',
      `Invalid value: ${JSON.stringify(labels)}: \`selector\` does not match template \`labels\``,
    );
  }
};

/** Returns the object after a patch. Throws Refusal if the API server would reject the patch. */
export const readPatched = (
  info: KindInfo,
  before: KubeObject,
  patched: Record<string, unknown>,
  query: Query,
): Read => {
  const { name } = before.metadata;
  const isWorkload = isWorkloadKind(info.kind);
  if (isWorkload) checkWorkload(info, name, before, patched);
  const { object: after, headers } = isWorkload
    ? { object: patched as KubeObject, headers: {} }
    : readObject(info, patched, name, query);
  if (after.metadata.name !== name)
    throw badRequest(`the name of the object (${after.metadata.name}) does not match the name on the URL (${name})`);
  if (after.metadata.resourceVersion !== before.metadata.resourceVersion) throw conflict(info, name);
  if (!isDeepStrictEqual(after['roleRef'], before['roleRef']))
    throw invalid(info, name, 'roleRef', `Invalid value: ${JSON.stringify(after['roleRef'])}: cannot change roleRef`);
  // The API's default.
  if (isWorkload && info.kind !== 'DaemonSet' && after.spec)
    after.spec = { ...after.spec, replicas: after.spec['replicas'] ?? 1 };
  return { object: after, headers };
};
