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

/** Paths of a set in the form FieldsV1; `.` in it means the object or item itself, beside what is in it. */
function pathsOf(fields: Record<string, unknown>, path = ''): string[] {
  return Object.entries(fields).flatMap(([element, inner]) => {
    if (element === '.') return path === '' ? [] : [path];
    const there = `${path}${elementText(element)}`;
    return isFields(inner) && Object.keys(inner).length > 0 ? pathsOf(inner, there) : [there];
  });
}

/** By manager, in the order in which the object names them; what controllers write into the status is left out. */
export function toManagedFields(entries: z.output<typeof managedFieldsEntries>): ManagedFields[] {
  const byManager = new Map<string, Set<string>>();
  for (const { manager, subresource, fieldsV1 } of entries) {
    if (!fieldsV1 || subresource === 'status') continue;
    const { 'f:status': _, ...fields } = fieldsV1;
    const name = manager ?? '';
    const paths = byManager.get(name) ?? new Set();
    for (const path of pathsOf(fields)) paths.add(path);
    byManager.set(name, paths);
  }
  return [...byManager].map(([manager, fields]) => ({ manager, fields: [...fields] }));
}
