/** Checks configurationValues by an add-on's schema, as far as the catalogue's schemas go: types and unknown names. */
import { z } from 'zod';
import { EksError } from './errors.ts';
import type { ErrorFields } from './errors.ts';

interface JsonSchema {
  type?: string;
  additionalProperties?: boolean;
  properties?: Record<string, JsonSchema>;
}
const jsonSchema: z.ZodType<JsonSchema> = z.lazy(() =>
  z.looseObject({ type: z.string().optional(), additionalProperties: z.boolean().optional(), properties: z.record(z.string(), jsonSchema).optional() }),
);

const typeOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
};

const faults = (value: unknown, schema: JsonSchema, path: string): string[] => {
  const type = typeOf(value);
  if (schema.type !== undefined && schema.type !== type && !(schema.type === 'number' && type === 'integer')) return [`${path}: ${type} found, ${schema.type} expected`];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, item]) => {
    const property = schema.properties?.[name];
    if (property) return faults(item, property, `${path}.${name}`);
    return schema.additionalProperties === false ? [`${path}.${name}: is not defined in the schema and the schema does not allow additional properties`] : [];
  });
};

/** What can only be meant as JSON; anything else is YAML, whose text the sandbox takes as it is. */
const LOOKS_LIKE_JSON = /^\s*([[{"]|null\s*$|-?\d)/;

/** Texts: aws/containers-roadmap#2216, aws/amazon-vpc-cni-k8s#2173. */
export const checkConfiguration = (text: string | undefined, configurationSchema: string, fields: ErrorFields): void => {
  if (text === undefined || !LOOKS_LIKE_JSON.test(text)) return;
  const refuse = (what: string): EksError => new EksError('InvalidParameterException', `ConfigurationValue provided in request is not supported: ${what}`, fields);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse('it is neither valid JSON nor YAML');
  }
  const found = faults(value, jsonSchema.parse(JSON.parse(configurationSchema)), '$');
  if (found.length > 0) throw refuse(`Json schema validation failed with error: [${found.join(', ')}]`);
};
