/**
 * Whether an add-on's configuration values are valid for its schema, as CreateAddon will judge them. Source: EKS API
 * reference, CreateAddon.configurationValues (JSON or YAML) and DescribeAddonConfiguration.configurationSchema.
 */
import { Validator, type OutputUnit, type SchemaDraft } from '@cfworker/json-schema';
import { parseDocument } from 'yaml';
import { asClause } from '../text/text.ts';

export type ConfigurationVerdict =
  | { verdict: 'valid' }
  /** `errors`: where, and what is wrong; never the values themselves, which may be secret. */
  | { verdict: 'invalid'; errors: string[] }
  /** There is nothing to judge them by. */
  | { verdict: 'unknown'; why: string };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseValues(raw: string): { values: unknown } | { error: string } {
  try {
    return { values: JSON.parse(raw) };
  } catch {
    // Not JSON: YAML then, of which JSON is nearly a part.
  }
  try {
    const document = parseDocument(raw, { prettyErrors: false });
    const [error] = document.errors;
    if (error) return { error: `they are neither JSON nor YAML (${error.code}, at character ${error.pos[0]})` };
    return { values: document.toJS() };
  } catch {
    // Aliases that lead nowhere, or to more than anybody needs.
    return { error: "they are YAML that can't be resolved" };
  }
}

/** Values that are shorter say nothing by themselves, and would be found everywhere. */
const TELLING = 4;

/**
 * Texts of configuration values that may be secret: all strings and longer numbers, as they are and as JSON writes
 * them; every word of what is neither JSON nor YAML. The longest first. Never throws.
 */
export function secretsIn(raw: string): string[] {
  const parsed = parseValues(raw);
  const found = new Set<string>();
  const add = (text: string): void => {
    for (const one of [text, ...text.split('\n').map((line) => line.trim()), JSON.stringify(text).slice(1, -1)])
      if (one.length >= TELLING) found.add(one);
  };
  // Not by recursion: nobody says how deep they are. What an alias names is looked at once.
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

/** EKS's schemas are of draft 6 or 7 mostly, which validate alike. */
function draftOf(schema: Record<string, unknown>): SchemaDraft {
  const named = typeof schema['$schema'] === 'string' ? schema['$schema'] : '';
  if (named.includes('2020-12')) return '2020-12';
  if (named.includes('2019-09')) return '2019-09';
  return named.includes('draft-04') ? '4' : '7';
}

function validatorOf(text: string): Validator | { why: string } {
  try {
    const schema: unknown = JSON.parse(text);
    if (typeof schema !== 'boolean' && !isRecord(schema)) return { why: 'the schema that EKS gives is no JSON Schema' };
    // Every error is told, not the first alone.
    return new Validator(schema, isRecord(schema) ? draftOf(schema) : '7', false);
  } catch {
    return { why: "the schema that EKS gives can't be read" };
  }
}

/** Keywords whose error only says that one of the parts has an error. */
const OUTER = new Set(['$ref', 'properties', 'patternProperties', 'additionalProperties', 'items', 'allOf']);

function tell(errors: OutputUnit[]): string[] {
  const inner = errors.filter(({ keyword }) => !OUTER.has(keyword));
  // A property with an error of its own is named again as if it were not in the schema at all.
  const alsoBelow = (location: string): boolean =>
    inner.some(
      (one) =>
        one.keyword !== 'false' &&
        (one.instanceLocation === location || one.instanceLocation.startsWith(`${location}/`)),
    );
  const deeper = (location: string): boolean =>
    inner.some((one) => one.keyword === 'false' && one.instanceLocation.startsWith(`${location}/`));
  const told = inner.filter(
    ({ keyword, instanceLocation }) =>
      keyword !== 'false' || !(alsoBelow(instanceLocation) || deeper(instanceLocation)),
  );
  return [
    ...new Set(
      (told.length > 0 ? told : errors).map(({ keyword, instanceLocation, error }) => {
        const where = instanceLocation.replace(/^#\/?/, '/');
        return keyword === 'false'
          ? `${where}: is not defined in the schema, which allows nothing else`
          : `${where}: ${asClause(error)}`;
      }),
    ),
  ];
}

/** `raw`: as DescribeAddon gives it; none, or blank, is valid. Never throws. */
export function validateConfiguration(raw: string | undefined, schemaText: string | undefined): ConfigurationVerdict {
  if (raw === undefined || raw.trim() === '') return { verdict: 'valid' };
  const parsed = parseValues(raw);
  if ('error' in parsed) return { verdict: 'invalid', errors: [parsed.error] };
  if (schemaText === undefined) return { verdict: 'unknown', why: 'EKS gives no schema for this version' };
  const validator = validatorOf(schemaText);
  if ('why' in validator) return { verdict: 'unknown', why: validator.why };
  try {
    const { valid, errors } = validator.validate(parsed.values);
    if (valid) return { verdict: 'valid' };
    return { verdict: 'invalid', errors: tell(errors) };
  } catch {
    // Such as a reference that leads nowhere.
    return { verdict: 'unknown', why: "the schema that EKS gives can't be evaluated" };
  }
}
