/** The named schemas of the document. Each is defined once and referenced wherever it is used. */
import type { z } from 'zod';
import { type Json, mapObjects, same } from './json.ts';
import { type Direction, nameOf, refTo, schemaOf } from './schema.ts';

const DIRECTIONS = ['output', 'input'] as const satisfies Direction[];
/** `input:Target` */
const REFERENCE = /^(input|output):(.+)$/;

/** A description belongs to the place where a schema is used, not to the named schema. */
const withoutDescription = ({ description: _description, ...schema }: Json): Json => schema;

export class Components {
  readonly #made = new Map<string, Json>();
  readonly #kinds: ReadonlyMap<z.ZodType, readonly z.ZodType[]>;

  /** `kinds` has the alternatives of each schema that is one of several. */
  constructor(kinds: ReadonlyMap<z.ZodType, readonly z.ZodType[]>) {
    this.#kinds = kinds;
  }

  /** Returns a reference to a named schema, or any other schema in full. */
  of(schema: z.ZodType, io: Direction): Json {
    const name = nameOf(schema);
    if (name === undefined) return this.#inFull(schema, io);
    this.#make(name, schema, io);
    return { $ref: refTo(name, io) };
  }

  #inFull(schema: z.ZodType, io: Direction): Json {
    const kinds = this.#kinds.get(schema);
    if (kinds) return { oneOf: kinds.map((kind) => this.of(kind, io)) };
    return schemaOf(schema, io, (name, inner, inlined) => {
      const made = this.#make(name, inner, io);
      if (!same(made, inlined))
        throw new Error(`There are two schemas named ${name}: ${JSON.stringify(made)}, ${JSON.stringify(inlined)}`);
    });
  }

  #make(name: string, schema: z.ZodType, io: Direction): Json {
    const key = refTo(name, io);
    const made = this.#made.get(key) ?? withoutDescription(this.#inFull(schema, io));
    this.#made.set(key, made);
    return made;
  }

  /** Returns the names whose schema differs by direction, or refers to one that does. */
  #split(): Set<string> {
    const split = new Set<string>();
    const shown = (schema: Json | undefined): unknown =>
      mapObjects(schema, ({ $ref, ...rest }) => {
        const [, io = '', name = ''] = REFERENCE.exec(String($ref)) ?? [];
        return $ref === undefined ? rest : { ...rest, $ref: split.has(name) ? `${io}:${name}` : name };
      });
    const names = [...this.#made.keys()].map((key) => key.replace(REFERENCE, '$2'));
    for (let before = -1; before !== split.size;) {
      before = split.size;
      for (const name of names) {
        const [output, input] = DIRECTIONS.map((io) => this.#made.get(refTo(name, io)));
        if (output && input && !same(shown(output), shown(input))) split.add(name);
      }
    }
    return split;
  }

  /**
   * Returns the document with its named schemas and with references by name. If a schema differs by direction, its
   * request schema is named like `TargetInput`, and its response schema like `Target`.
   */
  settled<Document extends { components: { schemas: Json } }>(document: Document): Document {
    const split = this.#split();
    const settledName = (key: string): string =>
      key.replace(REFERENCE, (_, io, name: string) => (io === 'input' && split.has(name) ? `${name}Input` : name));
    const schemas = Object.fromEntries(
      [...this.#made]
        .map(([key, schema]): [string, Json] => [settledName(key), schema])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    const whole = { ...document, components: { ...document.components, schemas } };
    return mapObjects(whole, (object) => {
      const { $ref, ...rest } = object;
      return typeof $ref === 'string' && REFERENCE.test($ref)
        ? { $ref: `#/components/schemas/${settledName($ref)}`, ...rest }
        : object;
    }) as Document;
  }
}
