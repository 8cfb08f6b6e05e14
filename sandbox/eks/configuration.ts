/**
 * Validates configurationValues, JSON or YAML, by an add-on's schema, with EKS's messages: those of the validator that
 * EKS seems to use (github.com/networknt/json-schema-validator).
 */
import { Validator } from '@cfworker/json-schema';
import type { OutputUnit, Schema } from '@cfworker/json-schema';
import { readConfiguration } from '../configuration-value.ts';
import { isObject } from '../json.ts';
import { EksError } from './errors.ts';
import type { ErrorFields } from './errors.ts';

interface Checker {
  schema: Schema;
  validator: Validator;
}

/** Cached validators by schema text: the same few schemas are used repeatedly. */
const checkers = new Map<string, Checker>();
const checkerOf = (text: string): Checker => {
  const known = checkers.get(text);
  if (known) return known;
  const schema = JSON.parse(text) as Schema;
  // Drafts 6 and 7 do not differ in anything that these schemas use.
  const created = {
    schema,
    validator: new Validator(schema, schema.$schema?.includes('draft-06') ? '7' : '2019-09', false),
  };
  checkers.set(text, created);
  return created;
};

const at = (document: unknown, pointer: string): unknown =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (value, part) =>
        Array.isArray(value) ? (value as unknown[])[Number(part)] : isObject(value) ? value[part] : undefined,
      document,
    );

/** Returns a keyword's value, following references. */
const keywordValue = (schema: Schema, location: string): unknown => {
  let value: unknown = schema;
  for (const part of location.split('/').slice(1)) {
    value = part === '$ref' && isObject(value) ? at(schema, String(value['$ref'])) : at(value, `#/${part}`);
  }
  return value;
};

const typeOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
};

/** Returns a path such as `$.controller.tolerations[0].key`. */
const pathOf = (location: string): string =>
  location
    .split('/')
    .slice(1)
    .reduce(
      (path, part) =>
        /^\d+$/.test(part)
          ? `${path}[${part}]`
          : `${path}.${decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')}`,
      '$',
    );

type Explain = (expected: unknown, found: unknown) => string;
/**
 * Messages by keyword. Keywords that are missing here only report that something below them is invalid. Sources:
 * aws/containers-roadmap#2216, terraform-aws-modules/terraform-aws-eks#2349, networknt's messages.
 */
const TEXTS: Record<string, Explain> = {
  false: () => 'is not defined in the schema and the schema does not allow additional properties',
  type: (expected, found) =>
    Array.isArray(expected)
      ? `${typeOf(found)} found, but [${expected.join(', ')}] is required`
      : `${typeOf(found)} found, ${String(expected)} expected`,
  enum: (expected) =>
    `does not have a value in the enumeration [${Array.isArray(expected) ? expected.join(', ') : ''}]`,
  pattern: (expected) => `does not match the regex pattern ${String(expected)}`,
  minimum: (expected) => `must have a minimum value of ${String(expected)}`,
  maximum: (expected) => `must have a maximum value of ${String(expected)}`,
  minLength: (expected) => `must be at least ${String(expected)} characters long`,
  maxLength: (expected) => `may only be ${String(expected)} characters long`,
};

/**
 * Returns whether an error only repeats another one: the validator also reports a property with an invalid value as an
 * additional property.
 */
const isEcho = ({ keyword, instanceLocation: here }: OutputUnit, units: OutputUnit[]): boolean =>
  keyword === 'false' &&
  units.some(
    (other) =>
      other.instanceLocation.startsWith(`${here}/`) || (other.instanceLocation === here && other.keyword !== 'false'),
  );

const faults = ({ schema, validator }: Checker, value: unknown): string[] => {
  const units = validator.validate(value).errors.filter(({ keyword }) => Object.hasOwn(TEXTS, keyword));
  const texts = units
    .filter((unit) => !isEcho(unit, units))
    .map(
      ({ keyword, keywordLocation, instanceLocation }) =>
        `${pathOf(instanceLocation)}: ${TEXTS[keyword]?.(keywordValue(schema, keywordLocation), at(value, instanceLocation)) ?? keyword}`,
    );
  return [...new Set(texts)];
};

/** Throws EksError if configuration values do not match the schema. Missing values are valid. */
export const checkConfiguration = (
  text: string | undefined,
  configurationSchema: string,
  fields: ErrorFields,
): void => {
  if (!text) return;
  const refuse = (what: string): EksError =>
    new EksError(
      'InvalidParameterException',
      `ConfigurationValue provided in request is not supported: ${what}`,
      fields,
    );
  let value: unknown;
  try {
    value = readConfiguration(text);
  } catch {
    // AWS's message is not known.
    throw refuse('it is neither valid JSON nor YAML');
  }
  const checker = checkerOf(configurationSchema);
  const found = faults(checker, value);
  if (found.length > 0) throw refuse(`Json schema validation failed with error: [${found.join(', ')}]`);
};
