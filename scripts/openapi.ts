/**
 * `node scripts/openapi.ts` writes docs/openapi.json, the API's OpenAPI document, from the schemas that the Lambda
 * validates with. It is OpenAPI 3.1, whose schemas are JSON Schema; API Gateway cannot import that version, but need
 * not, because the CDK app creates the API from the same operations. A test fails if the document is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import * as answers from '../lambdas/api/answers.ts';
import * as inputs from '../lambdas/api/inputs.ts';
import { IDEMPOTENCY_KEY } from '../lambdas/api/event.ts';
import { type Operation, type OperationId, OPERATIONS } from '../lambdas/api/operations.ts';
import { STAGE } from '../lib/api/api.ts';
import { jsonText } from './json-text.ts';
import { Components } from './openapi/components.ts';
import { EXAMPLES } from './openapi/examples.ts';
import type { Json } from './openapi/json.ts';
import { linksFrom } from './openapi/links.ts';
import { problemsOf, problemSchema, RETRY_AFTER } from './openapi/problems.ts';
import { REQUEST_KINDS } from './openapi/request-kinds.ts';

const ROOT = join(import.meta.dirname, '..');
export const OPENAPI_FILE = join(ROOT, 'docs', 'openapi.json');

/** The parts of an OpenAPI document that this one uses. */
export interface Document {
  openapi: string;
  info: Json;
  servers: Json[];
  tags: Json[];
  security: Json[];
  paths: Record<string, Record<string, Json>>;
  components: { schemas: Record<string, Json>; securitySchemes: Json };
}

/** Descriptions of the tags; the tag of an operation is the first part of its path. */
const TAGS: Record<string, string> = {
  plans: 'Dry runs: what a migration would do, and what would block it.',
  migrations: 'Migrations of an add-on or a service account, with their approvals and rollbacks.',
  clusters: 'How the workloads of a cluster get their AWS credentials.',
  sweeps: 'Migrations of a fleet of clusters, in waves.',
};

function parametersOf(where: 'path' | 'query', schema: z.ZodObject | undefined, components: Components): Json[] {
  const { properties = {}, required = [] }: { properties?: Record<string, Json>; required?: string[] } = schema
    ? components.of(schema, 'input')
    : {};
  return Object.entries(properties).map(([name, { description, ...rest }]) => {
    if (description === undefined) throw new Error(`The parameter ${where}.${name} has no description in its schema.`);
    return { name, in: where, required: required.includes(name), description, schema: rest };
  });
}

const KEY_PARAMETER: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A request with the same key from the same principal is carried out only once, however often it is sent; a retry gets the same answer. Use a separate key for each request, such as a UUID.',
  schema: {
    type: 'string',
    minLength: 1,
    maxLength: 255,
    pattern: IDEMPOTENCY_KEY.source.replaceAll(String.raw`\x20-\x7e`, ' -~').replace('{1,255}', '*'),
  },
};

const REQUEST_ID_SCHEMA: Json = { type: 'string', minLength: 1, maxLength: 128, pattern: '^[!-~]*$' };
const TRACEPARENT_SCHEMA: Json = { type: 'string' };
/** Headers with which a caller can find its request again. */
const ID_PARAMETERS: Json[] = [
  {
    name: 'X-Request-Id',
    in: 'header',
    required: false,
    description:
      "The caller's id of the request. It is returned in the response, and is recorded with the work that the request starts.",
    schema: REQUEST_ID_SCHEMA,
  },
  {
    name: 'traceparent',
    in: 'header',
    required: false,
    description: "The caller's id of the request in W3C Trace Context format. A malformed value is ignored.",
    schema: TRACEPARENT_SCHEMA,
  },
];
const ID_HEADERS: Json = {
  'X-Request-Id': {
    description: "Id of the request: the caller's, or API Gateway's if the caller sent none.",
    schema: { type: 'string' },
  },
  traceparent: {
    description: "The caller's `traceparent`. Absent if the caller sent none.",
    schema: TRACEPARENT_SCHEMA,
  },
};
const KNOWN_PARAMETER: Json = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: '`ETag` of the response that the caller already has.',
  schema: { type: 'string' },
};
const ETAG: Json = {
  ETag: { description: 'Version of the response. It changes when the response changes.', schema: { type: 'string' } },
};

const LOCATION: Json = {
  Location: {
    description: 'Path of the resource to read next, with the stage.',
    schema: { type: 'string', format: 'uri-reference' },
  },
};
/** Operations whose responses have Retry-After while the work that they show is in progress. */
const WHILE_UNDER_WAY: ReadonlySet<OperationId> = new Set(['getPlan', 'getMigration', 'getSweep', 'decideApproval']);

/** Bodies that may be left out, because all of their fields are optional. */
const OPTIONAL: readonly z.ZodType[] = [inputs.reasonBody, inputs.rollbackBody, inputs.retirementBody];

function operationOf(id: OperationId, components: Components): Json {
  const operation: Operation = OPERATIONS[id];
  const { summary, description, path, parameters, query, body, status, answer, idempotencyKey } = operation;
  const { request, answer: example } = EXAMPLES[id];
  const isNew = answer === answers.accepted || answer === answers.sweepAccepted;
  const goesOn = status === 202 || WHILE_UNDER_WAY.has(id);
  const isRead = operation.method === 'GET';
  const headers = {
    ...(isRead ? ETAG : LOCATION),
    ...(goesOn ? RETRY_AFTER : {}),
    ...ID_HEADERS,
  };
  return {
    operationId: id,
    summary,
    description,
    tags: [path.split('/')[1]],
    parameters: [
      ...parametersOf('path', parameters, components),
      ...parametersOf('query', query, components),
      ...(idempotencyKey ? [KEY_PARAMETER] : []),
      ...ID_PARAMETERS,
      ...(isRead ? [KNOWN_PARAMETER] : []),
    ],
    ...(body
      ? {
          requestBody: {
            required: !OPTIONAL.includes(body),
            content: { 'application/json': { schema: components.of(body, 'input'), example: request } },
          },
        }
      : {}),
    responses: {
      [status]: {
        description: isNew ? 'The request was accepted.' : 'The request succeeded.',
        headers,
        content: { 'application/json': { schema: components.of(answer, 'output'), example: answer.parse(example) } },
        ...linksFrom(id),
      },
      ...(isRead ? { 304: { description: 'The response has not changed.', headers: { ...ETAG, ...ID_HEADERS } } } : {}),
      ...problemsOf(operation, components.of(problemSchema, 'output')),
    },
  };
}

const SECURITY: Json = {
  sigv4: {
    type: 'apiKey',
    name: 'Authorization',
    in: 'header',
    description: 'AWS Signature Version 4, for the service execute-api.',
    'x-amazon-apigateway-authtype': 'awsSigv4',
  },
};

/** Returns the version of the service, which is also the version of the document. */
const versionOf = (): string =>
  (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;

export function openapi(): Document {
  const components = new Components(REQUEST_KINDS);
  const paths: Document['paths'] = {};
  for (const id of Object.keys(OPERATIONS) as OperationId[]) {
    const { path, method } = OPERATIONS[id];
    const whole = `/${STAGE}${path}`;
    paths[whole] = { ...paths[whole], [method.toLowerCase()]: operationOf(id, components) };
  }
  return components.settled<Document>({
    openapi: '3.1.1',
    info: {
      title: 'EKS Pod Identity Migrator',
      version: versionOf(),
      description:
        'Moves EKS add-ons and service accounts from IRSA to EKS Pod Identity. See docs/api.md, and docs/compatibility.md for what later versions may add.',
      contact: { name: 'The team that deployed the service' },
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      {
        // Paths and links begin with the stage.
        url: 'https://{api}.execute-api.{region}.amazonaws.com',
        description: `The stack's output ApiUrl, without its path /${STAGE}/.`,
        variables: {
          api: { default: 'abcdefghij', description: 'Id of the REST API.' },
          region: { default: 'eu-west-1', description: 'AWS region of the service.' },
        },
      },
    ],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    security: [{ sigv4: [] }],
    paths,
    components: { schemas: {}, securitySchemes: SECURITY },
  });
}

/** Returns the text of the file, with a line for each operation and each named schema. */
export const openapiText = (): string => jsonText(openapi(), 3);

if (import.meta.main) {
  writeFileSync(OPENAPI_FILE, openapiText());
  console.log('Wrote docs/openapi.json.');
}
