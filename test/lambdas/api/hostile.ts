/** Generates hostile requests: those of the OpenAPI document with a mistake in them, and arbitrary ones. */
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { type Document, OPENAPI_FILE } from '../../../scripts/openapi.ts';
import { ACCOUNT, ADDON, CLUSTER, MIGRATION_ID, OTHER_MIGRATION_ID, target } from '../fixtures.ts';
import { eventOf } from './gateway.ts';
import { codePoint } from '../../code-points.ts';

type Json = Record<string, unknown>;
const document = JSON.parse(readFileSync(OPENAPI_FILE, 'utf8')) as Document;

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  schema: Json;
}
export interface Documented {
  method: string;
  path: string;
  parameters: Parameter[];
  body?: { schema: Json; example: unknown };
}
export const operations: Documented[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => {
    const content = (
      operation as { requestBody?: { content: Record<string, { schema: { $ref: string }; example: unknown }> } }
    ).requestBody?.content['application/json'];
    const name = content?.schema.$ref.split('/').at(-1);
    return {
      method: method.toUpperCase(),
      // API Gateway's event has the stage apart.
      path: path.slice('/v1'.length),
      parameters: operation['parameters'] as Parameter[],
      ...(content && name !== undefined
        ? { body: { schema: document.components.schemas[name] ?? {}, example: content.example } }
        : {}),
    };
  }),
);

/** What breaks parsers, logs, terminals, patterns and objects. */
const NASTY: unknown[] = [
  '',
  ' ',
  '\u0000',
  'a\nb',
  '\u001b[2J',
  '\u202e',
  '\ud800',
  '\ufeff',
  'x'.repeat(3000),
  '../../etc/passwd',
  '%2e%2e%2f',
  '${jndi:ldap://x}',
  '{{7*7}}',
  "' OR 1=1 --",
  '<script>',
  ...'__proto__ constructor null undefined NaN 0 -1 1e400 99999999999999999999'.split(' '),
  null,
  true,
  false,
  0,
  -1,
  1.5,
  Number.MAX_SAFE_INTEGER,
  1e308,
  [],
  {},
  [[]],
  [null],
  { length: -1 },
  { toString: 'x' },
  { constructor: { prototype: {} } },
  { $ne: null },
  'arn:aws:iam::999999999999:role/admin',
  'arn:aws:iam::111122223333:role/../admin',
  '111122223333 ',
  '١١١١٢٢٢٢٣٣٣٣',
  'eu-west-1\n',
  'EU-WEST-1',
  'aws-ebs-csi-driver/',
  `${MIGRATION_ID}\n`,
  MIGRATION_ID.toLowerCase(),
];
/** Made once: what costs time is making texts, and what finds something is how they are put together. */
const pooled = <Value>(arbitrary: fc.Arbitrary<Value>, numRuns: number): fc.Arbitrary<Value> =>
  fc.constantFrom(...fc.sample(arbitrary, { numRuns, seed: 20_260_105 }));
const nasty = fc.oneof(
  fc.constantFrom(...NASTY),
  pooled(
    fc.oneof(
      fc.string({ unit: codePoint, maxLength: 40 }),
      fc.double(),
      fc.bigInt().map(String),
      fc.jsonValue({ maxDepth: 3 }),
    ),
    400,
  ),
);
const nastyText = nasty.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
const nastyKey = fc.oneof(
  fc.constantFrom(
    ...'__proto__ constructor prototype hasOwnProperty toString requestedBy taskToken dryrun DryRun'.split(' '),
    'target.account',
    '',
    '\u001b',
    ...'$ref migrationId executionArn decidedBy'.split(' '),
  ),
  pooled(fc.string({ unit: codePoint, maxLength: 20 }), 50),
);

/** What the document's schema lets through, in the main. */
function valueOf(schema: Json): fc.Arbitrary<unknown> {
  const { $ref, type, properties = {}, required = [], items, pattern, maxLength = 60 } = schema;
  if (typeof $ref === 'string') return valueOf(document.components.schemas[$ref.split('/').at(-1) ?? ''] ?? {});
  const alternatives = schema['anyOf'] ?? schema['oneOf'];
  const { enum: values, minimum = 0, maximum = 100 } = schema;
  if (Array.isArray(values)) return fc.constantFrom(...(values as unknown[]));
  if ('const' in schema) return fc.constant(schema['const']);
  if (Array.isArray(alternatives)) return fc.oneof(...alternatives.map((one) => valueOf(one as Json)));
  if (type === 'boolean') return fc.boolean();
  if (type === 'number') return fc.double({ min: Number(minimum), max: Number(maximum), noNaN: true });
  if (type === 'integer') return fc.integer({ min: Number(minimum), max: Number(maximum) });
  if (type === 'array') return fc.array(valueOf((items ?? {}) as Json), { maxLength: 3 });
  if (type === 'object') {
    const fields = Object.fromEntries(
      Object.entries(properties as Record<string, Json>).map(([name, one]) => [name, valueOf(one)]),
    );
    return fc.record(fields, { requiredKeys: required as string[], noNullPrototype: true });
  }
  if (schema['format'] === 'date-time') return fc.constant('2026-01-05T09:00:00Z');
  if (schema['format'] === 'date') return fc.constant('2026-01-05');
  if (typeof pattern === 'string')
    return fc.stringMatching(new RegExp(pattern)).map((text) => text.slice(0, Number(maxLength)));
  return fc.string({ maxLength: Math.min(60, Number(maxLength)) });
}
const VALUES = new Map(
  operations.flatMap(({ body }) =>
    body ? [[body, fc.oneof(fc.constant(body.example), pooled(valueOf(body.schema), 200))] as const] : [],
  ),
);

/** By a chain of names, where in the value something is put, replaced or taken away. */
function mutated(
  value: unknown,
  steps: number[],
  change: { kind: 'replace' | 'add' | 'remove'; key: string; nasty: unknown },
): unknown {
  const copy = structuredClone(value);
  let at = copy;
  for (const step of steps) {
    const inner =
      typeof at === 'object' && at !== null
        ? Object.values(at).filter((one) => typeof one === 'object' && one !== null)
        : [];
    if (inner.length === 0) break;
    at = inner[step % inner.length] as unknown;
  }
  if (typeof at !== 'object' || at === null) return change.nasty;
  const keys = Object.keys(at);
  const key =
    change.kind === 'add' || keys.length === 0 ? change.key : (keys[(steps[0] ?? 0) % keys.length] ?? change.key);
  if (change.kind === 'remove') Reflect.deleteProperty(at, key);
  else Object.defineProperty(at, key, { value: change.nasty, enumerable: true, configurable: true, writable: true });
  return copy;
}
const change = fc.record({
  kind: fc.constantFrom('replace' as const, 'add' as const, 'remove' as const),
  key: nastyKey,
  nasty,
});
const GOOD = new Map<string, string[]>([
  ['id', [MIGRATION_ID, OTHER_MIGRATION_ID]],
  ['name', [CLUSTER]],
  ['account', [ACCOUNT]],
  ['region', [target.region]],
  ['cluster', [CLUSTER]],
]);
const GOOD_BY = new Map<Parameter, fc.Arbitrary<string>>();
const goodOf = (parameter: Parameter): fc.Arbitrary<string> => {
  const found = GOOD_BY.get(parameter) ?? makeGood(parameter);
  GOOD_BY.set(parameter, found);
  return found;
};
const makeGood = ({ name, schema }: Parameter): fc.Arbitrary<string> =>
  fc.oneof(
    ...(GOOD.has(name) ? [{ weight: 6, arbitrary: fc.constantFrom(...(GOOD.get(name) ?? [])) }] : []),
    pooled(valueOf(schema).map(String), 20),
  );

const HEADERS = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Record<string, string>>({ 'content-type': 'application/json' }) },
  {
    weight: 1,
    arbitrary: fc
      .dictionary(
        fc.oneof(
          fc.constantFrom('content-type', 'Idempotency-Key', 'X-Forwarded-For', '__proto__', 'Accept'),
          fc.string({ maxLength: 10 }),
        ),
        nastyText,
        { maxKeys: 4, noNullPrototype: true },
      )
      .map((extra) => ({ 'content-type': 'application/json', ...extra })),
  },
);

/** As by the document, and then with something wrong: in one place, or in several. */
const requestOf = ({ method, path, parameters, body }: Documented): fc.Arbitrary<Json> => {
  const given = parameters.filter((one) => one.in === 'query');
  return fc
    .record({
      values: fc.record(
        Object.fromEntries(
          parameters
            .filter((one) => one.in === 'path')
            .map((one) => [
              one.name,
              fc.oneof({ weight: 8, arbitrary: goodOf(one) }, { weight: 1, arbitrary: nastyText }),
            ]),
        ),
        { noNullPrototype: true },
      ),
      query: fc.record(
        Object.fromEntries(
          given.map((one) => [
            one.name,
            fc.oneof({ weight: 12, arbitrary: goodOf(one) }, { weight: 1, arbitrary: nastyText }),
          ]),
        ),
        { requiredKeys: [], noNullPrototype: true },
      ),
      extra: fc.oneof(
        { weight: 9, arbitrary: fc.constant({}) },
        { weight: 1, arbitrary: fc.dictionary(nastyKey, nastyText, { maxKeys: 2, noNullPrototype: true }) },
      ),
      headers: HEADERS,
      base64: fc.boolean(),
      body: body
        ? fc
            .tuple(VALUES.get(body) ?? fc.constant({}), fc.array(fc.nat(9), { maxLength: 3 }), change, fc.nat(15))
            .map(([value, steps, how, dice]) =>
              dice < 3
                ? value
                : dice === 3
                  ? { ...(value as Json), reason: 'x'.repeat(70_000) }
                  : mutated(value, steps, how),
            )
        : fc.constant(undefined),
    })
    .map(({ values, query, extra, headers, base64, body: sent }) =>
      eventOf({
        method,
        path: path.replace(/\{(\w+)\}/g, (_, name: string) =>
          encodeURIComponent(String((values as Record<string, unknown>)[name]).toWellFormed()),
        ),
        query: { ...query, ...extra } as Record<string, string>,
        headers,
        base64,
        ...(sent === undefined ? {} : { body: JSON.stringify(sent) ?? '' }),
      }),
    );
};
const documented = fc.oneof(...operations.map(requestOf));

const deep = fc
  .tuple(fc.constantFrom('[', '{"a":', '{"target":'), fc.integer({ min: 1, max: 9000 }))
  .map(([open, times]) => open.repeat(times));
/** No form at all. */
const garbage = fc
  .record({
    httpMethod: fc.oneof(
      fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', '', '__proto__', 'post'),
      fc.string(),
    ),
    path: fc.oneof(
      fc.constantFrom(
        '/',
        '',
        '/plans',
        '/migrations',
        `/migrations/${MIGRATION_ID}`,
        `/migrations/${MIGRATION_ID}/cancel`,
        '/__proto__',
        '/migrations//',
        '/%00',
        `/migrations/${'a'.repeat(5000)}`,
        '/..',
      ),
      nastyText,
      pooled(fc.webPath(), 100),
    ),
    headers: fc.oneof(fc.constant({ 'content-type': 'application/json' }), fc.constant(null), nasty),
    query: fc.oneof(fc.constant(null), fc.dictionary(nastyKey, nastyText, { maxKeys: 3 }), nasty),
    body: fc.oneof(
      fc.constant(null),
      nastyText,
      deep,
      pooled(fc.json(), 100),
      pooled(fc.string({ unit: codePoint, maxLength: 200 }), 100),
      fc.constant(JSON.stringify({ target, addon: ADDON }).slice(0, -3)),
      fc.constant('x'.repeat(70_000)),
      nasty,
    ),
    isBase64Encoded: fc.oneof(fc.boolean(), nasty),
    resource: fc.oneof(fc.constant(null), fc.constantFrom('/migrations/{id}', '/{proxy+}', '/migrations/{nobody}')),
    pathParameters: fc.oneof(
      fc.constant(null),
      fc.dictionary(fc.constantFrom('id', 'name', 'proxy', '__proto__'), nastyText),
    ),
  })
  .map(({ headers, query, ...rest }) => ({
    ...eventOf({ method: 'GET', path: '/' }),
    multiValueHeaders: null,
    headers,
    queryStringParameters: query,
    multiValueQueryStringParameters: query,
    ...rest,
  }));

export const hostileEvent = fc.oneof({ weight: 4, arbitrary: documented }, { weight: 1, arbitrary: garbage });
