/**
 * Converts `metadata.managedFields` to lists of paths, in the notation of the API server and EKS for conflicting
 * fields. Source: sigs.k8s.io/structured-merge-diff, fieldpath (`serialize-pe.go` for the keys, `PathElement.String`
 * for the text).
 */
import { z } from 'zod';
import { shownText } from '../domain/text/text.ts';
import type { ManagedFields } from '../ports/kubernetes.ts';

export const managedFieldsEntries = z
  .array(
    z.looseObject({
      manager: shownText.nullish(),
      subresource: shownText.nullish(),
      fieldsV1: z.record(z.string(), z.unknown()).nullish(),
    }),
  )
  .nullish()
  .transform((entries) => entries ?? []);

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Returns the keys of a list item as text: `{"containerPort":80,"protocol":"TCP"}` as
 * `containerPort=80,protocol="TCP"`.
 */
function keyText(json: string): string {
  const keys: unknown = JSON.parse(json);
  if (!isFields(keys)) return json;
  const names = Object.keys(keys).sort();
  return names.map((name) => `${name}=${JSON.stringify(keys[name])}`).join(',');
}

/**
 * Returns an element of a path as text. `f:` is a field, `k:` an item by keys, `v:` an item by value, `i:` an item by
 * index.
 */
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

/** Returns whether a set has fields below a path. */
function leadsOn(fields: unknown, path: readonly string[]): boolean {
  let there = fields;
  for (const element of path) {
    if (!isFields(there)) return false;
    there = there[element];
  }
  return isFields(there) && Object.keys(there).some((element) => element !== '.');
}

/**
 * Returns whether a path is a map of labels or annotations, of the object or its template, whose entries are owned
 * separately.
 */
const isMetadataMap = (path: readonly string[]): boolean =>
  path.at(-2) === 'f:metadata' && (path.at(-1) === 'f:labels' || path.at(-1) === 'f:annotations');

/**
 * Returns the fields of an object by manager and subresource, in the object's order, except for those that controllers
 * write into the status.
 *
 * The path of a map or item is left out if other managers own parts of it, because it has no value of its own: `kubectl
 * rollout restart` still owns an empty `f:annotations` after another manager has taken over the annotation in it.
 */
export function toManagedFields(entries: z.output<typeof managedFieldsEntries>): ManagedFields[] {
  const isValue = (path: readonly string[]): boolean =>
    !isMetadataMap(path) && !entries.some(({ fieldsV1 }) => leadsOn(fieldsV1, path));
  const byOwner = new Map<string, Omit<ManagedFields, 'fields'> & { fields: Set<string> }>();
  for (const { manager, subresource, fieldsV1 } of entries) {
    if (!fieldsV1 || subresource === 'status') continue;
    const { 'f:status': _, ...fields } = fieldsV1;
    const key = JSON.stringify([manager ?? '', subresource ?? '']);
    const owner = { manager: manager ?? '', ...(subresource ? { subresource } : {}) };
    const owned = byOwner.get(key) ?? { ...owner, fields: new Set<string>() };
    for (const path of pathsOf(fields)) if (isValue(path)) owned.fields.add(path.map(elementText).join(''));
    byOwner.set(key, owned);
  }
  return [...byOwner.values()].map(({ fields, ...owner }) => ({ ...owner, fields: [...fields] }));
}
