/** One zod schema as a schema of OpenAPI 3.1, with references to the named ones in it. */
import { z } from 'zod';
import { schemaNames } from '../../lambdas/domain/text/schemas.ts';
import { isObject, type Json, mapObjects } from './json.ts';

/** `input`: what is sent, before defaults are filled in. `output`: what is answered, after. */
export type Direction = 'input' | 'output';
/** Marks the object of a named schema until it is replaced by a reference. */
export const NAME = 'x-name';

/** The bounds of safe integers say nothing. */
const isNoBound = (name: string, value: unknown): boolean =>
  (name === 'minimum' || name === 'maximum') && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER;

/** The same pattern in any dialect: `\d` and `\w` are more than ASCII in some. */
const portable = (pattern: string): string =>
  pattern.replace(/\[(?:\\.|[^\]\\])*\]|\\[dw]/g, (part) => {
    const inClass = part.replaceAll(String.raw`\d`, '0-9').replaceAll(String.raw`\w`, 'A-Za-z0-9_');
    return part.startsWith('[') ? inClass : `[${inClass}]`;
  });

/** Lists the values of an answer without closing the set: others may be added. */
function openEnum({ enum: values, ...schema }: Json): Json {
  if (schema['type'] !== 'string' || !Array.isArray(values) || values.length < 2)
    return values === undefined ? schema : { ...schema, enum: values };
  const listed = `One of ${values.map((value) => `\`${String(value)}\``).join(', ')}; others may be added.`;
  const { description } = schema;
  return {
    ...schema,
    description: typeof description === 'string' ? `${description} ${listed}` : listed,
    'x-extensible-enum': values,
  };
}

/** The name under which a schema was registered, or the one that it refines or describes. */
export const nameOf = (schema: z.core.$ZodType): string | undefined => schemaNames.get(schema)?.name;

/** `$ref` to the schema of that name, as it is in that direction; `components.ts` settles what it is called. */
export const refTo = (name: string, io: Direction): string => `${io}:${name}`;

function tidied(schema: Json, io: Direction): Json {
  const kept = Object.entries(schema).filter(
    ([name, value]) =>
      !isNoBound(name, value) &&
      // Every key is text.
      !(name === 'propertyNames' && isObject(value) && Object.keys(value).join() === 'type') &&
      // An answer has every default filled in.
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
  // The format says it already.
  if (jsonSchema['format'] === 'date-time' || jsonSchema['format'] === 'date') delete jsonSchema['pattern'];
  // An answer may get fields later: clients must not refuse it then.
  if (io === 'output' && jsonSchema['additionalProperties'] === false) delete jsonSchema['additionalProperties'];
}

/** The schema itself in full; `found` is told of each named one in it, which is a reference there. */
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
