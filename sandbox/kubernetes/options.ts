/** Options of writes: query parameters, and the options that a deletion sends as its body. */
import type { HttpRequest } from '../http.ts';
import type { ClusterState } from '../world/world.ts';
import { queryOf } from './query.ts';
import { forbidden, invalidObject, notSupported, required } from './validation/field-errors.ts';
import type { FieldError } from './validation/field-errors.ts';
import { managerErrors } from './validation/metadata.ts';

const META_GROUP = 'meta.k8s.io';
const VALIDATIONS = ['', 'Ignore', 'Strict', 'Warn'] as const;
export type FieldValidation = Exclude<(typeof VALIDATIONS)[number], ''>;

export interface WriteOptions {
  dryRun: boolean;
  /** The field manager. */
  manager: string;
  fieldValidation: FieldValidation;
}

/** Returns the 422 for options that are not valid. `kind`: such as `CreateOptions`. */
export const invalidOptions = (kind: string, errors: readonly FieldError[], version: string): Error =>
  invalidObject({ kind, group: META_GROUP }, '', errors, version);

/** Returns the errors of the values of `dryRun`. */
export const dryRunErrors = (values: readonly string[]): FieldError[] =>
  values.every((value) => value === 'All')
    ? []
    : [notSupported('dryRun', { value: values, type: '[]string' }, ['All'])];

/** Returns all values of a query parameter. */
export const valuesOf = ({ query }: HttpRequest, name: string): string[] => {
  const value = query[name];
  return value === undefined ? [] : [value].flat();
};

/**
 * Returns the field manager of a write. A client that does not set it is named by its user agent (k8s.io/apiserver,
 * managedfields).
 */
const managerOf = (request: HttpRequest): string =>
  queryOf(request)('fieldManager') ?? (request.headers['user-agent']?.split('/')[0]?.slice(0, 128) || 'unknown');

/** Reads the options of a creation, update or patch. Throws the 422 if one of them is not valid. */
export const readWriteOptions = (
  { version }: Pick<ClusterState, 'version'>,
  request: HttpRequest,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
  isApply = false,
): WriteOptions => {
  const query = queryOf(request);
  const manager = query('fieldManager') ?? '';
  const dryRun = valuesOf(request, 'dryRun');
  const validation = query('fieldValidation') ?? '';
  const isKnown = (text: string): text is (typeof VALIDATIONS)[number] =>
    (VALIDATIONS as readonly string[]).includes(text);
  const errors = [
    ...(isApply && manager === '' ? [required('fieldManager', 'is required for apply patch')] : []),
    ...(kind === 'PatchOptions' && !isApply && query('force') !== undefined
      ? [forbidden('force', 'may not be specified for non-apply patch')]
      : []),
    ...managerErrors(manager, 'fieldManager'),
    ...dryRunErrors(dryRun),
    ...(isKnown(validation) ? [] : [notSupported('fieldValidation', validation, VALIDATIONS)]),
  ];
  if (errors.length > 0) throw invalidOptions(kind, errors, version);
  return {
    dryRun: dryRun.length > 0,
    manager: managerOf(request),
    fieldValidation: isKnown(validation) && validation !== '' ? validation : 'Warn',
  };
};
