/**
 * Validates an add-on's configuration values against its schema, as CreateAddon does. Source: EKS API reference,
 * CreateAddon.configurationValues (JSON or YAML) and DescribeAddonConfiguration.configurationSchema.
 */
import { Validator, type OutputUnit, type SchemaDraft } from '@cfworker/json-schema';
import { parseDocument } from 'yaml';
import { asClause } from '../text/text.ts';

export type ConfigurationVerdict =
  | { verdict: 'valid' }
  /** `errors`: the location and the problem of each error; never the values themselves, which may be secret. */
  | { verdict: 'invalid'; errors: string[] }
  /** There is no usable schema. */
  | { verdict: 'unknown'; why: string };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Parses configuration values, which are JSON or YAML. */
export function parseConfiguration(raw: string): { values: unknown } | { error: string } {
  try {
    return { values: JSON.parse(raw) };
  } catch {
    // Not JSON, so they are parsed as YAML.
  }
  try {
    const document = parseDocument(raw, { prettyErrors: false });
    const [error] = document.errors;
    if (error) return { error: `they are neither JSON nor YAML (${error.code} at character ${error.pos[0]})` };
    return { values: document.toJS() };
  } catch {
    // An alias is undefined, or expands to an excessive number of values.
    return { error: "they are YAML that can't be resolved" };
  }
}

/** Shorter values reveal nothing, and would match text everywhere. */
const SHORTEST_SECRET = 4;

/**
 * Returns the texts of configuration values that may be secret, the longest first: all strings and longer numbers, raw
 * and as JSON; every word if the values are neither JSON nor YAML. Never throws.
 */
export function secretsIn(raw: string): string[] {
  const parsed = parseConfiguration(raw);
  const found = new Set<string>();
  const add = (text: string): void => {
    for (const one of [text, ...text.split('\n').map((line) => line.trim()), JSON.stringify(text).slice(1, -1)])
      if (one.length >= SHORTEST_SECRET) found.add(one);
  };
  // Not recursive, since the depth is not limited. The target of an alias is visited once.
  const seen = new Set<unknown>();
  const left: unknown[] = 'values' in parsed ? [parsed.values] : (raw.match(/[^\s"'{}[\],:]+/g) ?? []);
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === 'string' || typeof value === 'number') add(String(value));
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    for (const inner of Object.values(value)) left.push(inner);
  }
  return [...found].sort((a, b) => b.length - a.length);
}

/** Most of EKS's schemas use draft 6 or 7, which validate the same way. */
function draftOf(schema: Record<string, unknown>): SchemaDraft {
  const named = typeof schema['$schema'] === 'string' ? schema['$schema'] : '';
  if (named.includes('2020-12')) return '2020-12';
  if (named.includes('2019-09')) return '2019-09';
  return named.includes('draft-04') ? '4' : '7';
}

function validatorOf(text: string): Validator | { why: string } {
  try {
    const schema: unknown = JSON.parse(text);
    if (typeof schema !== 'boolean' && !isRecord(schema))
      return { why: 'the schema that EKS returns is not a JSON Schema' };
    // Reports every error, not only the first.
    return new Validator(schema, isRecord(schema) ? draftOf(schema) : '7', false);
  } catch {
    return { why: 'the schema that EKS returns cannot be parsed' };
  }
}

/** Keywords whose error only means that a nested value has an error. */
const OUTER = new Set(['$ref', 'properties', 'patternProperties', 'additionalProperties', 'items', 'allOf']);

function errorTexts(errors: OutputUnit[]): string[] {
  const inner = errors.filter(({ keyword }) => !OUTER.has(keyword));
  // The validator reports a property that has an error a second time, as if the schema did not define it.
  const alsoBelow = (location: string): boolean =>
    inner.some(
      (one) =>
        one.keyword !== 'false' &&
        (one.instanceLocation === location || one.instanceLocation.startsWith(`${location}/`)),
    );
  const deeper = (location: string): boolean =>
    inner.some((one) => one.keyword === 'false' && one.instanceLocation.startsWith(`${location}/`));
  const reported = inner.filter(
    ({ keyword, instanceLocation }) =>
      keyword !== 'false' || !(alsoBelow(instanceLocation) || deeper(instanceLocation)),
  );
  return [
    ...new Set(
      (reported.length > 0 ? reported : errors).map(({ keyword, instanceLocation, error }) => {
        const where = instanceLocation.replace(/^#\/?/, '/');
        return keyword === 'false'
          ? `${where}: is not defined in the schema, which allows no other properties`
          : `${where}: ${asClause(error)}`;
      }),
    ),
  ];
}

/** Validates values as DescribeAddon returns them. Absent or blank values are valid. Never throws. */
export function validateConfiguration(raw: string | undefined, schemaText: string | undefined): ConfigurationVerdict {
  if (raw === undefined || raw.trim() === '') return { verdict: 'valid' };
  const parsed = parseConfiguration(raw);
  if ('error' in parsed) return { verdict: 'invalid', errors: [parsed.error] };
  if (schemaText === undefined) return { verdict: 'unknown', why: 'EKS returns no schema for this version' };
  const validator = validatorOf(schemaText);
  if ('why' in validator) return { verdict: 'unknown', why: validator.why };
  try {
    const { valid, errors } = validator.validate(parsed.values);
    if (valid) return { verdict: 'valid' };
    return { verdict: 'invalid', errors: errorTexts(errors) };
  } catch {
    // For example, a reference in the schema is undefined.
    return { verdict: 'unknown', why: 'the schema that EKS returns cannot be evaluated' };
  }
}
