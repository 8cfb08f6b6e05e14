/** What generators, tools that walk the API and readers make of docs/openapi.json. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { planBody } from '../../../lambdas/api/inputs.ts';
import { type OperationId, OPERATIONS } from '../../../lambdas/api/operations.ts';
import { schemaNames } from '../../../lambdas/domain/text/schemas.ts';
import { type Document, OPENAPI_FILE } from '../../../scripts/openapi.ts';
import { Components } from '../../../scripts/openapi/components.ts';

type Json = Record<string, unknown>;
const document = JSON.parse(readFileSync(OPENAPI_FILE, 'utf8')) as Document;
const { schemas } = document.components;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every object of the document with its place, but for examples. */
function* objectsIn(value: unknown, at = ''): Generator<[string, Json]> {
  if (Array.isArray(value)) for (const [index, inner] of value.entries()) yield* objectsIn(inner, `${at}/${index}`);
  if (!isObject(value)) return;
  yield [at, value];
  for (const [name, inner] of Object.entries(value)) if (name !== 'example') yield* objectsIn(inner, `${at}/${name}`);
}
const isObjectSchema = (one: Json): boolean => one['type'] === 'object' && isObject(one['properties']);

/** Object schemas that are there twice: in their place, or as a named one that is not referred to. */
function twinsIn({ paths, components }: Pick<Document, 'paths' | 'components'>): string[] {
  const seen = new Map<string, string>();
  const twins: string[] = [];
  for (const [at, one] of objectsIn({ paths, schemas: components.schemas })) {
    if (!isObjectSchema(one)) continue;
    const { description: _, ...rest } = one;
    const text = JSON.stringify(rest);
    const other = seen.get(text);
    if (other !== undefined) twins.push(`${at} is ${other}`);
    seen.set(text, at);
  }
  return twins;
}
const undescribedIn = (value: unknown): string[] =>
  [...objectsIn(value)].flatMap(([at, one]) =>
    isObjectSchema(one)
      ? Object.entries(one['properties'] as Record<string, Json>)
          .filter(([, property]) => !/"[^"]*\S\."/.test(JSON.stringify(property['description'] ?? '')))
          .map(([name]) => `${at}/${name}`)
      : [],
  );

describe('schemas', () => {
  it('are there once each', () => {
    expect(twinsIn(document)).toEqual([]);
    const copy = {
      ...document,
      components: { ...document.components, schemas: { ...schemas, Other: schemas['Check']! } },
    };
    expect(twinsIn(copy)).toEqual(['/schemas/Other is /schemas/Check']);
  });
  it('say of every property what it is, in sentences', () => {
    expect(undescribedIn(schemas)).toEqual([]);
    expect(undescribedIn({ type: 'object', properties: { a: { type: 'string' } } })).toEqual(['/a']);
    expect([...objectsIn(schemas)].filter(([, one]) => isObjectSchema(one)).length).toBeGreaterThan(80);
  });
  it('say of every time that it is one', () => {
    const times = [...objectsIn(schemas)].flatMap(([at, { properties }]) =>
      isObject(properties)
        ? Object.entries(properties as Record<string, Json>)
            .filter(([name, { type }]) => type === 'string' && /(At|^at|Until|^since|^until|^youngest)$/.test(name))
            .map(([name, { format }]) => [`${at}/${name}`, format])
        : [],
    );
    expect(times.length).toBeGreaterThan(30);
    expect(times.filter(([, format]) => format !== 'date-time')).toEqual([]);
  });
  it('limit every text, list and number of a request that the service limits', () => {
    const sent = Object.entries(schemas).filter(([name]) => /Request$|Input$|Decision|^Reason$/.test(name));
    const open = [...objectsIn(Object.fromEntries(sent))].filter(
      ([at, one]) =>
        (one['type'] === 'string' && !['pattern', 'enum', 'const', 'maxLength'].some((keyword) => keyword in one)) ||
        (one['type'] === 'array' && one['maxItems'] === undefined) ||
        (one['type'] === 'integer' && (one['minimum'] === undefined || one['maximum'] === undefined)) ||
        (isObjectSchema(one) && one['additionalProperties'] !== false && !at.endsWith('/oneOf')),
    );
    // An answer's.
    expect(open.filter(([at]) => !at.startsWith('/RequestedSweep')).map(([at]) => at)).toEqual([]);
  });
  it('have no pattern that validators read in different ways', () => {
    const patterns = [...objectsIn(document)].flatMap(([, { pattern }]) =>
      typeof pattern === 'string' ? pattern : [],
    );
    expect(patterns.length).toBeGreaterThan(20);
    expect(patterns.filter((pattern) => /\\[dwsbpDWB]/.test(pattern.replaceAll(String.raw`\s`, '')))).toEqual([]);
  });
  it('are refused where two of one name differ', () => {
    const components = new Components(new Map());
    components.of(z.object({ a: z.string() }).register(schemaNames, { name: 'One' }), 'output');
    const other = z.object({ b: z.string() }).register(schemaNames, { name: 'One' });
    expect(() => components.of(z.object({ inner: other }), 'output')).toThrow('two schemas named One');
  });
  it('are two where what is sent differs from what is answered', () => {
    expect(schemas['Target']).not.toHaveProperty('additionalProperties');
    expect(schemas['TargetInput']).toMatchObject({ additionalProperties: false });
    expect(Object.keys(schemas).filter((name) => name.endsWith('Input') && !schemas[name.slice(0, -5)])).toEqual([]);
    expect(schemas['PlanRequest']).toEqual({
      oneOf: [
        { $ref: '#/components/schemas/AddonPlanRequest' },
        { $ref: '#/components/schemas/ServiceAccountPlanRequest' },
      ],
    });
    expect(schemaNames.get(planBody)).toEqual({ name: 'PlanRequest' });
  });
});

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);
const byId = new Map(operations.map((one) => [String(one.operation['operationId']), one]));
const SERVER = String(document.servers[0]!['url']);
const server = SERVER.replace('{api}', 'abcdefghij').replace('{region}', 'eu-west-1');

/** Every object in the examples of something. */
function* examplesIn(value: unknown, inExample = false): Generator<Json> {
  if (Array.isArray(value)) for (const inner of value) yield* examplesIn(inner, inExample);
  if (!isObject(value)) return;
  if (inExample) yield value;
  for (const [name, inner] of Object.entries(value)) yield* examplesIn(inner, inExample || name === 'example');
}

it('paths are those that the links of answers have: either is joined with the server', () => {
  const known = operations.map(
    ({ path }) => new RegExp(`^${server.replaceAll('.', String.raw`\.`)}${path.replace(/\{\w+\}/g, '[^/]+')}$`),
  );
  const links = operations
    .flatMap(({ operation }) => [...examplesIn(operation['responses'])])
    .flatMap((example) => (isObject(example['links']) ? Object.values(example['links']) : []))
    .map(String);
  expect(links.length).toBeGreaterThan(25);
  for (const link of links) {
    expect({ link, known: known.some((one) => one.test(`${server}${link}`)) }).toEqual({ link, known: true });
    // By RFC 3986 too, from the stack's output ApiUrl.
    expect(new URL(link, `${server}/v1/`).href).toBe(`${server}${link}`);
  }
});

interface Link {
  operationId: OperationId;
  parameters: Record<string, string>;
  requestBody?: Json;
}
const linksOf = ({ operation }: { operation: Json }): Link[] =>
  Object.values(operation['responses'] as Record<string, Json>).flatMap((response) =>
    Object.values((response['links'] ?? {}) as Record<string, Link>),
  );
/** What a pointer may lead to, by the schema: lists have any number of entries. */
function schemaAt(schema: Json, [part, ...rest]: string[]): Json | undefined {
  const { $ref } = schema;
  if (typeof $ref === 'string') return schemaAt(schemas[$ref.split('/').at(-1)!]!, [part!, ...rest]);
  if (part === undefined) return schema;
  const next = schema['type'] === 'array' ? schema['items'] : ((schema['properties'] ?? {}) as Json)[part];
  return isObject(next) ? schemaAt(next, rest) : undefined;
}

describe('links', () => {
  it('reach every operation from the ones that start something, and from lists', () => {
    const reached = new Set<string>(['createPlan', 'createMigration', 'createSweep', 'listMigrations', 'listSweeps']);
    for (const id of reached) for (const link of linksOf(byId.get(id)!)) reached.add(link.operationId);
    expect([...reached].sort()).toEqual(Object.keys(OPERATIONS).sort());
  });
  it('name parameters of the operation, all that it requires, and fields of the answer', () => {
    for (const { operation } of operations) {
      const [status] = Object.keys(operation['responses'] as Json);
      const response = (operation['responses'] as Record<string, Json>)[status!] as {
        content: Record<string, { schema: Json }>;
      };
      const { schema } = response.content['application/json']!;
      for (const { operationId, parameters, requestBody } of linksOf({ operation })) {
        const target = byId.get(operationId)!.operation as { parameters: Json[]; requestBody?: { required: boolean } };
        const names = target.parameters.map(({ in: where, name }) =>
          where === 'path' ? name : `${String(where)}.${String(name)}`,
        );
        expect(names).toEqual(expect.arrayContaining(Object.keys(parameters)));
        const required = target.parameters.filter(({ required: must }) => must).map(({ name }) => name);
        expect(Object.keys(parameters).map((name) => name.replace('query.', ''))).toEqual(
          expect.arrayContaining(required),
        );
        expect(requestBody === undefined && target.requestBody?.required === true).toBe(false);
        const pointers = [...JSON.stringify({ parameters, requestBody }).matchAll(/\$response\.body#\/([\w/]+)/g)];
        expect(pointers.length).toBeGreaterThan(0);
        for (const [, pointer = ''] of pointers)
          expect(schemaAt(schema, pointer.split('/')), `${String(operation['operationId'])} ${pointer}`).toBeDefined();
      }
    }
  });
});

it('is described as 3.1 where its source says why', () =>
  expect(readFileSync(join(OPENAPI_FILE, '../../scripts/openapi.ts'), 'utf8')).not.toContain('3.0.3'));
