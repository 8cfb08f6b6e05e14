/** Errors about fields and the answers that list them (k8s.io/apimachinery, util/validation/field and api/errors). */
import { type Details, Refusal } from '../answers.ts';
import { isSince } from '../resources/served.ts';
import { internalJson, quoted, sharp } from '../go/print.ts';

const REASONS = {
  Required: ['FieldValueRequired', 'Required value'],
  Invalid: ['FieldValueInvalid', 'Invalid value'],
  NotSupported: ['FieldValueNotSupported', 'Unsupported value'],
  Forbidden: ['FieldValueForbidden', 'Forbidden'],
  Duplicate: ['FieldValueDuplicate', 'Duplicate value'],
  NotFound: ['FieldValueNotFound', 'Not found'],
  TooLong: ['FieldValueTooLong', 'Too long'],
} as const;

/** A value whose printed form depends on the API server's version. `type`: its Go type. */
export interface Structured {
  value: unknown;
  type: string;
}

export interface FieldError {
  reason: keyof typeof REASONS;
  field: string;
  /** The value as printed; absent for errors that print none, null for one that is not set. */
  value?: string | number | boolean | Structured | null;
  detail: string;
}

export const required = (field: string, detail = ''): FieldError => ({ reason: 'Required', field, detail });
export const invalid = (field: string, value: Exclude<FieldError['value'], undefined>, detail: string): FieldError => ({
  reason: 'Invalid',
  field,
  value,
  detail,
});
export const forbidden = (field: string, detail: string): FieldError => ({ reason: 'Forbidden', field, detail });
export const notSupported = (
  field: string,
  value: NonNullable<FieldError['value']>,
  supported: readonly string[],
): FieldError => ({
  reason: 'NotSupported',
  field,
  value,
  detail: `supported values: ${supported.map(quoted).join(', ')}`,
});
export const duplicate = (field: string, value: NonNullable<FieldError['value']>): FieldError => ({
  reason: 'Duplicate',
  field,
  value,
  detail: '',
});
export const notFoundValue = (field: string, value: string): FieldError => ({
  reason: 'NotFound',
  field,
  value,
  detail: '',
});
export const tooLong = (field: string, bytes: number): FieldError => ({
  reason: 'TooLong',
  field,
  detail: `may not be more than ${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`,
});

const printed = (value: Exclude<FieldError['value'], undefined>, version: string): string => {
  if (value === null) return isSince(version, '1.34') ? 'null' : quoted('null');
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object') return String(value);
  // Structured values are JSON since that version.
  return isSince(version, '1.34') ? internalJson(value.value, value.type) : sharp(value.value, value.type);
};

/** Returns an error without its field, such as `Invalid value: -1: must be greater than or equal to 0`. */
export const bodyOf = ({ reason, value, detail }: FieldError, version: string): string =>
  [
    REASONS[reason][1],
    ...(value === undefined ? [] : [printed(value, version)]),
    ...(detail === '' ? [] : [detail]),
  ].join(': ');

/** What an Invalid answer is about; the group is empty for core kinds. */
export interface Subject {
  kind: string;
  group: string;
}

/** Returns the 422 that lists the errors of an object. `version`: the cluster's. */
export const invalidObject = (
  { kind, group }: Subject,
  name: string,
  errors: readonly FieldError[],
  version: string,
): Refusal => {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${bodyOf(error, version)}`))];
  const details: Details = {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    ...(kind === '' ? {} : { kind }),
    causes: errors.map((error) => ({
      reason: REASONS[error.reason][0],
      message: bodyOf(error, version),
      field: error.field,
    })),
  };
  const what = group === '' ? kind : `${kind}.${group}`;
  return new Refusal(
    422,
    'Invalid',
    `${what} ${quoted(name)} is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`,
    details,
  );
};
