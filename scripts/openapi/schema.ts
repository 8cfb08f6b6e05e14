/** Converts a zod schema to an OpenAPI 3.1 schema with references to the named schemas in it. */
import { z } from 'zod';
import { openPatterns, schemaNames } from '../../lambdas/domain/text/schemas.ts';
import { isObject, type Json, mapObjects } from './json.ts';

/** `input`: a request, before defaults are applied. `output`: a response, after. */
export type Direction = 'input' | 'output';
/** Marks the object of a named schema until it is replaced by a reference. */
export const NAME = 'x-name';

/** Bounds of safe integers are left out, because they carry no information. */
const isNoBound = (name: string, value: unknown): boolean =>
  (name === 'minimum' || name === 'maximum') && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER;

/** Returns an equivalent pattern for every dialect: `\d` and `\w` match more than ASCII in some. */
const portable = (pattern: string): string =>
  pattern.replace(/\[(?:\\.|[^\]\\])*\]|\\[dw]/g, (part) => {
    const inClass = part.replaceAll(String.raw`\d`, '0-9').replaceAll(String.raw`\w`, 'A-Za-z0-9_');
    return part.startsWith('[') ? inClass : `[${inClass}]`;
  });

/** Lists the values of a response field without closing the set, because later versions may add values. */
function openEnum({ enum: values, ...schema }: Json): Json {
  if (schema['type'] !== 'string' || !Array.isArray(values) || values.length < 2)
    return values === undefined ? schema : { ...schema, enum: values };
  const listed = `One of ${values.map((value) => `\`${String(value)}\``).join(', ')}; later versions may add others.`;
  const { description } = schema;
  return {
    ...schema,
    description: typeof description === 'string' ? `${description} ${listed}` : listed,
    'x-extensible-enum': values,
  };
}

/** Returns the name under which a schema, or the schema that it refines or describes, was registered. */
export const nameOf = (schema: z.core.$ZodType): string | undefined => schemaNames.get(schema)?.name;

/** Returns a provisional `$ref` to a named schema in a direction; `components.ts` replaces it by the final name. */
export const refTo = (name: string, io: Direction): string => `${io}:${name}`;

function tidied(schema: Json, io: Direction): Json {
  const kept = Object.entries(schema).filter(
    ([name, value]) =>
      !isNoBound(name, value) &&
      // Every JSON key is a string anyway.
      !(name === 'propertyNames' && isObject(value) && Object.keys(value).join() === 'type') &&
      // In a response every default has been applied.
      !(name === 'default' && io === 'output'),
  );
  const { pattern, ...rest } = Object.fromEntries(kept);
  const whole = typeof pattern === 'string' ? { ...rest, pattern: portable(pattern) } : rest;
  return io === 'output' ? openEnum(whole) : whole;
}

function overridden(jsonSchema: Json, io: Direction): void {
  const { openapi: instead, description } = jsonSchema;
  if (isObject(instead)) {
    for (const name of Object.keys(jsonSchema)) delete jsonSchema[name];
    Object.assign(jsonSchema, instead, description === undefined ? {} : { description });
  }
  // The format already implies the pattern.
  if (jsonSchema['format'] === 'date-time' || jsonSchema['format'] === 'date') delete jsonSchema['pattern'];
  // Later versions may add fields to a response, which clients must not reject.
  if (io === 'output' && jsonSchema['additionalProperties'] === false) delete jsonSchema['additionalProperties'];
}

/** Returns the schema in full, with references for named schemas in it. Calls `found` with each of them. */
export function schemaOf(
  schema: z.ZodType,
  io: Direction,
  found: (name: string, schema: z.ZodType, inlined: Json) => void,
): Json {
  const named = new Map<string, z.core.$ZodType>();
  const { $schema: _, ...made } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    override: ({ zodSchema, jsonSchema }) => {
      overridden(jsonSchema, io);
      if (io === 'output' && openPatterns.has(zodSchema)) delete jsonSchema.pattern;
      const name = nameOf(zodSchema);
      if (name === undefined || name === nameOf(schema)) return;
      named.set(name, zodSchema);
      (jsonSchema as Json)[NAME] = name;
    },
  });
  return mapObjects(made, (object) => {
    const { [NAME]: name, description, default: preset, ...rest } = tidied(object, io);
    if (typeof name !== 'string')
      return {
        ...rest,
        ...(description === undefined ? {} : { description }),
        ...(preset === undefined ? {} : { default: preset }),
      };
    found(name, named.get(name) as z.ZodType, rest);
    return {
      $ref: refTo(name, io),
      ...(description === undefined ? {} : { description }),
      ...(preset === undefined ? {} : { default: preset }),
    };
  }) as Json;
}
