/**
 * docs/openapi.json: made of the schemas that the Lambda checks by, right by the rules of OpenAPI 3.1, and no promise
 * that is not kept.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Operation, type OperationId, OPERATIONS } from '../../../lambdas/api/operations.ts';
import { PROBLEMS } from '../../../lambdas/api/problems.ts';
import { FAILURE_NAMES } from '../../../lambdas/domain/failures/names.ts';
import { STEP_LINES } from '../../../lambdas/domain/migration/step-lines.ts';
import { codeOf, GATEWAY_PROBLEMS } from '../../../lib/api/gateway-responses.ts';
import { type Document, OPENAPI_FILE, openapiText } from '../../../scripts/openapi.ts';
import { EXAMPLES } from '../../../scripts/openapi/examples.ts';
import { containing } from '../matchers.ts';

type Json = Record<string, unknown>;
const text = readFileSync(OPENAPI_FILE, 'utf8');
const document = JSON.parse(text) as Document;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Keywords of schemas that the document uses, but for extensions. Source: OpenAPI Specification 3.1.1, "Schema Object",
 * and JSON Schema 2020-12. What 3.0 had alone (`nullable`, `example`) is none of them.
 */
const KEYWORDS = new Set(
  `title multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems
  minItems uniqueItems maxProperties minProperties required enum const type allOf oneOf anyOf not items
  properties additionalProperties propertyNames description format default discriminator readOnly writeOnly xml
  externalDocs deprecated`.split(/\s+/),
);
const TYPES = new Set(['array', 'boolean', 'integer', 'number', 'object', 'string']);

/** What is wrong with a schema, by its place. */
function wrongIn(schema: unknown, at: string): string[] {
  if (!isObject(schema)) return [`${at} is no object`];
  if ('$ref' in schema)
    return Object.keys(schema)
      .filter((name) => !['$ref', 'description', 'default'].includes(name))
      .map((name) => `${at} has ${name} next to $ref`);
  const { type, items, properties = {}, additionalProperties, required = [] } = schema;
  const own = [
    ...Object.keys(schema)
      .filter((name) => !KEYWORDS.has(name) && !name.startsWith('x-'))
      .map((name) => `${at} has ${name}`),
    ...(type !== undefined && !(typeof type === 'string' && TYPES.has(type))
      ? [`${at} has type ${JSON.stringify(type)}`]
      : []),
    ...(['exclusiveMinimum', 'exclusiveMaximum'] as const)
      .filter((name) => schema[name] !== undefined && typeof schema[name] !== 'number')
      .map((name) => `${at} has a ${name} that is no number`),
    ...(type === 'array' && items === undefined ? [`${at} is an array without items`] : []),
    ...(Array.isArray(items) ? [`${at} has a list of items`] : []),
    ...(Array.isArray(required) &&
    required.every((name) => typeof name === 'string' && Object.hasOwn(properties as Json, name))
      ? []
      : [`${at} requires what it does not have`]),
    ...(Array.isArray(schema['enum']) && schema['enum'].length === 0 ? [`${at} has an empty enum`] : []),
  ];
  const inner = [
    ...Object.entries(properties as Json).map(([name, one]): [unknown, string] => [one, `${at}.${name}`]),
    ...(['anyOf', 'oneOf', 'allOf'] as const).flatMap((name) =>
      (Array.isArray(schema[name]) ? schema[name] : []).map((one, index): [unknown, string] => [
        one,
        `${at}.${name}.${index}`,
      ]),
    ),
    ...(items === undefined ? [] : [[items, `${at}.items`] as [unknown, string]]),
    ...(isObject(additionalProperties) ? [[additionalProperties, `${at}.*`] as [unknown, string]] : []),
  ];
  return [...own, ...inner.flatMap(([one, location]) => wrongIn(one, location))];
}

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    path,
    method,
    operation: operation as Json & {
      operationId: OperationId;
      parameters: Json[];
      responses: Record<string, Json>;
      requestBody?: Json;
    },
  })),
);
const contentsOf = (holder: Json): Json[] => Object.values((holder['content'] ?? {}) as Record<string, Json>);

describe('docs/openapi.json', () => {
  it('is as scripts/openapi.ts makes it (node scripts/openapi.ts)', () => expect(text).toBe(openapiText()));

  it('has every operation of the API, and no other', () =>
    expect(
      operations
        .map(({ path, method, operation }) => `${operation.operationId} ${method.toUpperCase()} ${path}`)
        .sort(),
    ).toEqual(
      Object.entries<Operation>(OPERATIONS)
        .map(([id, { method, path }]) => `${id} ${method} /v1${path}`)
        .sort(),
    ));

  it('is OpenAPI 3.1, of the version of the service', () => {
    expect(document.openapi).toBe('3.1.1');
    const { version } = JSON.parse(readFileSync(join(OPENAPI_FILE, '../../package.json'), 'utf8')) as Json;
    expect(document.info['version']).toBe(version);
    expect(document.info['version']).toMatch(/^\d+\.\d+\.\d+$/);
    expect(Object.keys(document).sort()).toEqual('components info openapi paths security servers tags'.split(' '));
    expect(Object.keys(document.components.schemas).every((name) => /^[A-Za-z0-9]+$/.test(name))).toBe(true);
    for (const { operation } of operations) {
      expect(
        Object.keys(operation).filter(
          (name) =>
            !['operationId', 'summary', 'description', 'tags', 'parameters', 'requestBody', 'responses'].includes(name),
        ),
      ).toEqual([]);
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(status).toMatch(/^[2-5]\d\d$/);
        expect(response['description']).toMatch(/\S/);
      }
    }
  });

  it('has schemas of the keywords of 3.1 alone', () => {
    const schemas: [unknown, string][] = [
      ...Object.entries(document.components.schemas).map(([name, one]): [unknown, string] => [one, name]),
      ...operations.flatMap(({ operation }) => [
        ...operation.parameters.map((one): [unknown, string] => [
          one['schema'],
          `${operation.operationId} ${String(one['name'])}`,
        ]),
        ...[operation.requestBody ?? {}, ...Object.values(operation.responses)]
          .flatMap(contentsOf)
          .map((one): [unknown, string] => [one['schema'], operation.operationId]),
      ]),
    ];
    expect(schemas.length).toBeGreaterThan(50);
    expect(schemas.flatMap(([schema, at]) => wrongIn(schema, at))).toEqual([]);
  });

  it.each([
    [{ nullable: true }, 'has nullable'],
    [{ $ref: '#/x', type: 'object' }, 'has type next to $ref'],
    [{ type: ['string', 'null'] }, 'has type ["string","null"]'],
    [{ type: 'number', exclusiveMinimum: true }, 'exclusiveMinimum that is no number'],
    [{ $defs: {} }, 'has $defs'],
    [{ type: 'object', properties: { a: { examples: [] } } }, '.a has examples'],
    [{ type: 'array' }, 'is an array without items'],
    [{ type: 'object', required: ['a'] }, 'requires what it does not have'],
    [{ anyOf: [{ type: 'null' }] }, 'has type "null"'],
  ])('would not be, with %j', (schema, wrong) => expect(wrongIn(schema, 'it').join()).toContain(wrong));

  it('refers to what is there', () => {
    const refs = [...text.matchAll(/"\$ref": ?"([^"]+)"/g)].map(([, ref = '']) => ref);
    expect(refs.length).toBeGreaterThan(20);
    const at = (ref: string): unknown =>
      ref
        .slice(2)
        .split('/')
        .reduce<unknown>((value, part) => (isObject(value) ? value[part] : undefined), document);
    expect(refs.filter((ref) => !ref.startsWith('#/') || at(ref) === undefined)).toEqual([]);
    const used = new Set(refs.map((ref) => ref.split('/').at(-1)));
    expect(Object.keys(document.components.schemas).filter((name) => !used.has(name))).toEqual([]);
  });

  it('names each parameter of a path, and each parameter once', () => {
    for (const { path, operation } of operations) {
      const names = operation.parameters.map((one) => `${String(one['in'])} ${String(one['name'])}`);
      expect(new Set(names).size).toBe(names.length);
      expect(
        operation.parameters.filter((one) => one['in'] === 'path').map((one) => [one['name'], one['required']]),
      ).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, true]));
    }
  });

  it('wants every request to be signed', () => {
    expect(document.security).toEqual([{ sigv4: [] }]);
    expect(document.components.securitySchemes).toEqual({
      sigv4: expect.objectContaining({
        type: 'apiKey',
        in: 'header',
        name: 'Authorization',
        'x-amazon-apigateway-authtype': 'awsSigv4',
      }) as unknown,
    });
  });

  it('tells of each problem by its status', () => {
    for (const { operation } of operations) {
      const operationProblems = (OPERATIONS[operation.operationId] as Operation).problems;
      for (const kind of operationProblems)
        expect(operation.responses[PROBLEMS[kind].status]?.['description']).toContain(PROBLEMS[kind].title);
      // IAM refuses by 403 alone.
      expect(operation.responses).not.toHaveProperty('401');
      for (const status of [400, 403, 413, 429, 500, 502, 503, 504])
        expect(Object.keys((operation.responses[status]?.['content'] ?? {}) as Json)).toEqual([
          'application/problem+json',
        ]);
    }
  });
});

describe('sets of names', () => {
  const { schemas } = document.components;
  const enumAt = (schema: string, ...path: string[]): unknown =>
    path.reduce<unknown>(
      (one, name) => (isObject(one) && isObject(one['properties']) ? one['properties'][name] : undefined),
      schemas[schema],
    );
  it('are listed: of failures, of steps and of problems', () => {
    for (const [schema, field] of [
      ['Migration', 'failure'],
      ['Plan', 'failure'],
      ['Rollback', 'error'],
      ['Sweep', 'cause'],
    ] as const)
      expect(enumAt(schema, field)).toMatchObject({ $ref: '#/components/schemas/Failure' });
    expect(enumAt('Failure', 'name')).toMatchObject({ type: 'string', 'x-extensible-enum': FAILURE_NAMES });
    expect(enumAt('Migration', 'step')).toMatchObject({ type: 'string', 'x-extensible-enum': STEP_LINES });
    expect(enumAt('Problem', 'code')).toMatchObject({
      type: 'string',
      'x-extensible-enum': [...Object.keys(PROBLEMS), ...Object.keys(GATEWAY_PROBLEMS).map(codeOf)],
    });
  });
  it('are closed in requests, and open in answers', () => {
    for (const kind of ['AddonMigrationRequest', 'ServiceAccountMigrationRequest'])
      expect(enumAt(kind, 'verification')).toMatchObject({ enum: ['injected', 'ready', 'api'] });
    expect(enumAt('Migration', 'verified')).toEqual({
      type: 'string',
      description: containing(' One of `injected`, `ready`, `api`, `none`; later versions may add others.'),
      'x-extensible-enum': ['injected', 'ready', 'api', 'none'],
    });
    // A name that stands alone tells kinds of answers apart.
    const closed = Object.entries(schemas).filter(([name]) => !/Request$|Input$|Decision|Reason/.test(name));
    expect(JSON.stringify(closed)).not.toMatch(/"enum":\["[^"\]]*",/);
  });
  it('have an example of its own for each status of a problem', () => {
    const examples = operations.flatMap(({ operation }) =>
      Object.entries(operation.responses).flatMap(([status, response]) =>
        contentsOf(response)
          .filter(({ schema }) => isObject(schema) && schema['$ref'] === '#/components/schemas/Problem')
          .map(({ example }) => ({ status: Number(status), example: example as Json })),
      ),
    );
    expect(examples.length).toBeGreaterThan(100);
    for (const { status, example } of examples)
      expect(example).toMatchObject({
        status,
        type: `urn:eks-pod-identity-migrator:problem:${String(example['code'])}`,
      });
  });
});

it.each(Object.keys(EXAMPLES) as OperationId[])('examples of %s are what it takes and answers, whole', (id) => {
  const { body, answer }: Operation = OPERATIONS[id];
  const { request, answer: shown } = EXAMPLES[id];
  expect(body?.safeParse(request).error).toBeUndefined();
  expect(request === undefined).toBe(body === undefined);
  // Nothing is said that the schema does not know.
  expect(answer.parse(shown)).toMatchObject(JSON.parse(JSON.stringify(shown)) as object);
});

describe('docs/api.md', () => {
  const page = readFileSync(join(OPENAPI_FILE, '../api.md'), 'utf8');
  const anchors = new Set(
    [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
  it('has a section for each problem, of the Lambda and of API Gateway', () =>
    expect(
      [...Object.keys(PROBLEMS), ...Object.keys(GATEWAY_PROBLEMS).map(codeOf)].filter((anchor) => !anchors.has(anchor)),
    ).toEqual([]));
  it('has every operation', () =>
    expect(
      Object.values<Operation>(OPERATIONS)
        .map(({ method, path }) => `${method} ${path}`)
        .filter((one) => !page.includes(`\`${one}`)),
    ).toEqual([]));
});
