/**
 * `node scripts/openapi.ts`: writes docs/openapi.json, the API's OpenAPI document, from the schemas that the Lambda
 * itself checks by. Version 3.0.3, since API Gateway imports no 3.1. A test fails while it is stale.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import * as answers from '../lambdas/api/answers.ts';
import * as inputs from '../lambdas/api/inputs.ts';
import { IDEMPOTENCY_KEY } from '../lambdas/api/event.ts';
import { type Operation, type OperationId, OPERATIONS, PROBLEMS_OF_ALL } from '../lambdas/api/operations.ts';
import { problem, type ProblemKind, PROBLEMS, typeOf } from '../lambdas/api/problems.ts';
import { STAGE } from '../lib/api/api.ts';
import { codeOf, GATEWAY_PROBLEMS } from '../lib/api/gateway-responses.ts';
import { jsonText } from './json-text.ts';
import { EXAMPLES } from './openapi/examples.ts';

export const OPENAPI_FILE = join(import.meta.dirname, '..', 'docs', 'openapi.json');

type Json = Record<string, unknown>;

/** An OpenAPI document, as far as this one goes. */
export interface Document {
  openapi: string;
  info: Json;
  servers: Json[];
  security: Json[];
  paths: Record<string, Record<string, Json>>;
  components: { schemas: Record<string, Json>; securitySchemes: Json };
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Bounds of every safe integer say nothing. */
const isBound = (name: string, value: unknown): boolean =>
  (name === 'minimum' || name === 'maximum') && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER;

function tidied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidied);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, inner]) => !isBound(name, inner))
      .map(([name, inner]) => [name, tidied(inner)]),
  );
}

/**
 * Of an answer, the values that there are today: others may be added, and a client has to go on then. `schema` is
 * changed in its place.
 */
function openEnum(schema: Json): void {
  const { enum: values } = schema;
  if (schema['type'] !== 'string' || !Array.isArray(values) || values.length < 2) return;
  delete schema['enum'];
  const told = `One of ${values.map((value) => `\`${String(value)}\``).join(', ')}; others may be added.`;
  const { description } = schema;
  schema['description'] = typeof description === 'string' ? `${description} ${told}` : told;
  schema['x-extensible-enum'] = values;
}

/** `io`: of what is sent, the schema before its defaults are filled in; of what is answered, the one after. */
const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...made } = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io,
    override: ({ jsonSchema }) => {
      const { openapi: instead } = jsonSchema as { openapi?: Json };
      if (instead) {
        for (const name of Object.keys(jsonSchema)) delete (jsonSchema as Json)[name];
        Object.assign(jsonSchema, instead);
      }
      // The format says it already.
      if (jsonSchema.format === 'date-time' || jsonSchema.format === 'date') delete jsonSchema.pattern;
      // An answer may get fields later: who reads it must not refuse it then.
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      if (io === 'output') openEnum(jsonSchema);
    },
  });
  return tidied(made) as Json;
};

/** By its name in the document. API Gateway takes letters and digits alone. */
const NAMED: [string, z.ZodType, 'input' | 'output'][] = [
  ['PlanRequest', inputs.planBody, 'input'],
  ['MigrationRequest', inputs.migrationBody, 'input'],
  ['ApprovalDecision', inputs.approvalBody, 'input'],
  ['Reason', inputs.reasonBody, 'input'],
  ['RollbackRequest', inputs.rollbackBody, 'input'],
  ['RetirementRequest', inputs.retirementBody, 'input'],
  ['SweepRequest', inputs.sweepBody, 'input'],
  ['Accepted', answers.accepted, 'output'],
  ['Plan', answers.planAnswer, 'output'],
  ['Migration', answers.migrationAnswer, 'output'],
  ['MigrationPage', answers.listAnswer, 'output'],
  ['Approval', answers.approvalAnswer, 'output'],
  ['Rollback', answers.rollbackAnswer, 'output'],
  ['Retirement', answers.retirementAnswer, 'output'],
  ['Cancellation', answers.cancelAnswer, 'output'],
  ['SweepAction', answers.sweepActionAnswer, 'output'],
  ['IdentitiesPage', answers.identitiesAnswer, 'output'],
  ['SweepAccepted', answers.sweepAccepted, 'output'],
  ['Sweep', answers.sweepAnswer, 'output'],
  ['SweepPage', answers.sweepListAnswer, 'output'],
  ['SweepReport', answers.sweepReportAnswer, 'output'],
];

function refOf(schema: z.ZodType): Json {
  const named = NAMED.find(([, one]) => one === schema);
  if (!named) throw new Error('A schema of an operation has no name in scripts/openapi.ts.');
  return { $ref: `#/components/schemas/${named[0]}` };
}

const MEANINGS: Record<string, string> = {
  'path.id': 'Id of a migration or plan, or of a sweep.',
  'path.name': 'Name of the EKS cluster.',
  'query.account': 'AWS account of the cluster.',
  'query.region': 'AWS region of the cluster.',
  'query.cluster': 'Name of the EKS cluster.',
  'query.addon': 'Name of the EKS add-on.',
  'query.status': 'How it stands.',
  'query.outcome': 'How it ended.',
  'query.dryRun': '`true`: dry runs alone; `any`: dry runs and migrations; otherwise migrations alone.',
  'query.requestedBy': 'What the request states, whole: of one by this API, the ARN of the principal that signed it.',
  'query.since': 'Started at that time or later. A day begins at 00:00 UTC.',
  'query.until': 'Started before that time.',
  'query.limit': 'How many at most.',
  'query.next': 'Where to go on: what the page before said is next, unchanged.',
};

const parametersOf = (where: 'path' | 'query', schema: z.ZodObject | undefined): Json[] => {
  const { properties = {}, required = [] }: { properties?: Record<string, Json>; required?: string[] } = schema
    ? schemaOf(schema, 'input')
    : {};
  return Object.entries(properties).map(([name, one]) => {
    const { [`${where}.${name}`]: description } = MEANINGS;
    if (description === undefined)
      throw new Error(`The parameter ${where}.${name} has no meaning in scripts/openapi.ts.`);
    return { name, in: where, required: required.includes(name), description, schema: one };
  });
};

const KEY_PARAMETER: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'The same request under the same key of the same principal is carried out once, however often it is sent: a retry is answered as the first one. One key for each request, such as a UUID.',
  schema: {
    type: 'string',
    minLength: 1,
    maxLength: 255,
    pattern: IDEMPOTENCY_KEY.source.replaceAll(String.raw`\x20-\x7e`, ' -~').replace('{1,255}', '*'),
  },
};

const asProblem = (description: string, example: Json, headers?: Json): Json => ({
  description,
  ...(headers ? { headers } : {}),
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, example } },
});
const RETRY_AFTER = { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } } };

const DETAILS: Partial<Record<ProblemKind, Json>> = {
  'invalid-request': {
    detail: 'body.target.region: must be an AWS region such as eu-west-1',
    errors: [{ field: 'body.target.region', message: 'must be an AWS region such as eu-west-1' }],
  },
};
const exampleOf = (kind: ProblemKind): Json => ({
  type: typeOf(kind),
  code: kind,
  title: PROBLEMS[kind].title,
  status: PROBLEMS[kind].status,
  detail: `${PROBLEMS[kind].title}.`,
  ...DETAILS[kind],
});

/** Of a status that API Gateway alone answers with. */
function gatewayExample(wanted: number): Json {
  const [name = '', found] =
    Object.entries(GATEWAY_PROBLEMS).find(([, one]) => 'status' in one && one.status === wanted) ?? [];
  const title = found?.title ?? '';
  return { type: typeOf(codeOf(name)), code: codeOf(name), title, status: wanted, detail: `${title}.` };
}

/** Every code that a problem may have: the Lambda's and API Gateway's. */
const CODES = [...Object.keys(PROBLEMS), ...Object.keys(GATEWAY_PROBLEMS).map(codeOf)];
const problemSchema = problem.extend({ code: z.string().meta({ openapi: { type: 'string', enum: CODES } }) });

/** Of API Gateway itself, whatever the operation; the statuses that it shares with the Lambda are told there too. */
const gatewayStatuses = new Map<number, string[]>();
for (const one of Object.values(GATEWAY_PROBLEMS))
  if ('status' in one) gatewayStatuses.set(one.status, [...(gatewayStatuses.get(one.status) ?? []), one.title]);
const OF_GATEWAY = [403, 429, 502, 504];

function problemsOf(operation: Operation): Record<string, Json> {
  const kinds: ProblemKind[] = [...PROBLEMS_OF_ALL, ...operation.problems];
  const statuses = [...new Set([...kinds.map((kind) => PROBLEMS[kind].status), ...OF_GATEWAY])].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const own = kinds.filter((kind) => PROBLEMS[kind].status === status);
      const titles = [
        ...new Set([
          ...own.map((kind) => PROBLEMS[kind].title),
          ...(OF_GATEWAY.includes(status) ? (gatewayStatuses.get(status) ?? []) : []),
        ]),
      ];
      const [first] = own;
      const example = first ? exampleOf(first) : gatewayExample(status);
      return [
        String(status),
        asProblem(`${titles.join('. ')}.`, example, status === 503 || status === 429 ? RETRY_AFTER : undefined),
      ];
    }),
  );
}

const LOCATION: Json = { Location: { description: 'Where to look for it.', schema: { type: 'string' } } };
/** Operations that say when to look again while what they show is under way. */
const WHILE_UNDER_WAY: ReadonlySet<OperationId> = new Set(['getPlan', 'getMigration', 'getSweep', 'decideApproval']);

function operationOf(id: OperationId): Json {
  const operation: Operation = OPERATIONS[id];
  const { summary, description, parameters, query, body, status, answer, idempotencyKey } = operation;
  const { request, answer: example } = EXAMPLES[id];
  const isNew = answer === answers.accepted || answer === answers.sweepAccepted;
  const goesOn = status === 202 || WHILE_UNDER_WAY.has(id);
  const headers = { ...(operation.method === 'POST' ? LOCATION : {}), ...(goesOn ? RETRY_AFTER : {}) };
  return {
    operationId: id,
    summary,
    description,
    parameters: [
      ...parametersOf('path', parameters),
      ...parametersOf('query', query),
      ...(idempotencyKey ? [KEY_PARAMETER] : []),
    ],
    // Where every field may be left out, so may the whole body.
    ...(body
      ? {
          requestBody: {
            required: ![inputs.reasonBody, inputs.rollbackBody, inputs.retirementBody].some((one) => one === body),
            content: { 'application/json': { schema: refOf(body), example: request } },
          },
        }
      : {}),
    responses: {
      [status]: {
        description: isNew ? 'It was taken in.' : 'As asked for.',
        ...(Object.keys(headers).length > 0 ? { headers } : {}),
        content: { 'application/json': { schema: refOf(answer), example } },
      },
      ...problemsOf(operation),
    },
  };
}

export function openapi(): Document {
  const paths: Document['paths'] = {};
  for (const id of Object.keys(OPERATIONS) as OperationId[]) {
    const { path, method } = OPERATIONS[id];
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(id) };
  }
  return {
    openapi: '3.0.3',
    info: {
      title: 'EKS Pod Identity Migrator',
      version: STAGE,
      description: 'Moves EKS add-ons, and service accounts, from IRSA to EKS Pod Identity. See docs/api.md.',
      license: { name: 'Apache-2.0' },
    },
    servers: [
      {
        url: `https://{api}.execute-api.{region}.amazonaws.com/${STAGE}`,
        description: "The stack's output ApiUrl.",
        variables: { api: { default: 'abcdefghij' }, region: { default: 'eu-west-1' } },
      },
    ],
    security: [{ sigv4: [] }],
    paths,
    components: {
      schemas: {
        ...Object.fromEntries(NAMED.map(([name, schema, io]) => [name, schemaOf(schema, io)])),
        Problem: schemaOf(problemSchema, 'output'),
      },
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          name: 'Authorization',
          in: 'header',
          description: 'AWS Signature Version 4, for the service execute-api.',
          'x-amazon-apigateway-authtype': 'awsSigv4',
        },
      },
    },
  };
}

/** As its file holds it: with a line for each operation and for each named schema. */
export const openapiText = (): string => jsonText(openapi(), 3);

if (import.meta.main) {
  writeFileSync(OPENAPI_FILE, openapiText());
  console.log('Wrote docs/openapi.json.');
}
