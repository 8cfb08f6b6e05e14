/**
 * `metadata.managedFields` as lists of paths, in the notation in which the API server and EKS name conflicting fields.
 * Source: sigs.k8s.io/structured-merge-diff, fieldpath (`serialize-pe.go` for the keys, `PathElement.String` for the
 * text).
 */
import { z } from 'zod';
import type { ManagedFields } from '../ports/kubernetes.ts';

export const managedFieldsEntries = z
  .array(
    z.looseObject({
      manager: z.string().nullish(),
      subresource: z.string().nullish(),
      fieldsV1: z.record(z.string(), z.unknown()).nullish(),
    }),
  )
  .nullish()
  .transform((entries) => entries ?? []);

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * An item of a list of objects, by its keys: `{"containerPort":80,"protocol":"TCP"}` is
 * `containerPort=80,protocol="TCP"`.
 */
function keyText(json: string): string {
  const keys: unknown = JSON.parse(json);
  if (!isFields(keys)) return json;
  const names = Object.keys(keys).sort();
  return names.map((name) => `${name}=${JSON.stringify(keys[name])}`).join(',');
}

/** `f:` a field, `k:` an item by its keys, `v:` an item by its value, `i:` an item by its index. */
function elementText(element: string): string {
  const text = element.slice(2);
  if (element.startsWith('k:')) return `[${keyText(text)}]`;
  if (element.startsWith('v:')) return `[=${text}]`;
  return element.startsWith('i:') ? `[${text}]` : `.${text}`;
}

/** Returns the paths of a set in the form FieldsV1; `.` in it means the object or item itself. */
function pathsOf(fields: Record<string, unknown>, path: readonly string[] = []): string[][] {
  return Object.entries(fields).flatMap(([element, inner]) => {
    if (element === '.') return path.length === 0 ? [] : [[...path]];
    const there = [...path, element];
    return isFields(inner) && Object.keys(inner).length > 0 ? pathsOf(inner, there) : [there];
  });
}

const keyOf = (path: readonly string[]): string => JSON.stringify(path);

/** Labels and annotations are owned one by one, of the object and of its template. */
const isMetadataMap = (path: readonly string[]): boolean =>
  path.at(-2) === 'f:metadata' && (path.at(-1) === 'f:labels' || path.at(-1) === 'f:annotations');

/**
 * Returns the fields of an object by manager and subresource, in the order in which the object names them, without what
 * controllers write into the status.
 *
 * A map or item that others own parts of has no value of its own, so that its path is left out: `kubectl rollout
 * restart` still owns an empty `f:annotations` after another manager took over the annotation in it.
 */
export function toManagedFields(entries: z.output<typeof managedFieldsEntries>): ManagedFields[] {
  const parsed = entries.map(({ manager, subresource, fieldsV1 }) => {
    const { 'f:status': _, ...fields } = fieldsV1 ?? {};
    return { manager: manager ?? '', subresource: subresource ?? '', paths: pathsOf(fields), known: Boolean(fieldsV1) };
  });
  const ancestors = new Set(
    parsed.flatMap(({ paths }) =>
      paths.flatMap((path) => path.slice(1).map((_, index) => keyOf(path.slice(0, index + 1)))),
    ),
  );
  const byManager = new Map<string, Omit<ManagedFields, 'fields'> & { fields: Set<string> }>();
  for (const { manager, subresource, paths, known } of parsed) {
    if (!known || subresource === 'status') continue;
    const key = keyOf([manager, subresource]);
    const owned = byManager.get(key) ?? { manager, ...(subresource === '' ? {} : { subresource }), fields: new Set() };
    for (const path of paths)
      if (!ancestors.has(keyOf(path)) && !isMetadataMap(path)) owned.fields.add(path.map(elementText).join(''));
    byManager.set(key, owned);
  }
  return [...byManager.values()].map(({ fields, ...owner }) => ({ ...owner, fields: [...fields] }));
}
