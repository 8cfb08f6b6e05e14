/** Requests as API Gateway hands them over, given to the Lambda's own handler over the ports in memory. */
import { expect } from 'vitest';
import { problem, type Problem } from '../../../lambdas/api/problems.ts';
import { createHandler, type LambdaContext } from '../../../lambdas/runtime/handler.ts';
import { apiStep } from '../../../lambdas/steps/api/handler.ts';
import { type Fakes, newFakes } from '../fakes.ts';
import { ACCOUNT } from '../fixtures.ts';

export const ALICE = `arn:aws:sts::${ACCOUNT}:assumed-role/Deployer/alice`;
export const BOB = `arn:aws:sts::${ACCOUNT}:assumed-role/Reviewer/bob`;
export const REQUEST_ID = '7a3c9f1e-5d2b-4c8a-9e6f-0b1d2c3e4f5a';
const STAGE = '/v1';

export interface Request {
  method: string;
  path: string;
  query?: Record<string, string | string[]>;
  headers?: Record<string, string | string[]>;
  /** An object is sent as JSON; text as it is. */
  body?: unknown;
  base64?: boolean;
  caller?: string;
}

const lists = (values: Record<string, string | string[]>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value].flat()]));
const lasts = (values: Record<string, string[]>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, all]) => [name, all.at(-1) ?? '']));

export function eventOf({
  method,
  path,
  query = {},
  headers = {},
  body,
  base64 = false,
  caller = ALICE,
}: Request): Record<string, unknown> {
  const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
  const given = lists(
    body !== undefined && typeof body !== 'string' ? { 'Content-Type': 'application/json', ...headers } : headers,
  );
  const parameters = lists(query);
  return {
    resource: path,
    path,
    httpMethod: method,
    headers: lasts(given),
    multiValueHeaders: given,
    queryStringParameters: Object.keys(parameters).length === 0 ? null : lasts(parameters),
    multiValueQueryStringParameters: Object.keys(parameters).length === 0 ? null : parameters,
    pathParameters: null,
    stageVariables: null,
    requestContext: {
      accountId: ACCOUNT,
      apiId: 'a1b2c3',
      stage: 'v1',
      path: `${STAGE}${path}`,
      httpMethod: method,
      requestId: REQUEST_ID,
      identity: { userArn: caller, sourceIp: '192.0.2.1' },
    },
    body: text === null ? null : base64 ? Buffer.from(text).toString('base64') : text,
    isBase64Encoded: base64,
  };
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

const context = (fakes: Fakes) => ({ getRemainingTimeInMillis: () => fakes.invocation.remaining }) as LambdaContext;

export async function handle(fakes: Fakes, event: unknown): Promise<Answer> {
  const { statusCode, headers, body } = (await createHandler(apiStep, fakes.dependencies)(event, context(fakes))) as {
    statusCode: number;
    headers: Record<string, string>;
    body: string;
  };
  return { status: statusCode, headers, body: body === '' ? undefined : (JSON.parse(body) as unknown) };
}

/** What came by no method of an operation: API Gateway's resource is the proxy one. */
export const proxied = (request: Request): Record<string, unknown> => ({
  ...eventOf(request),
  resource: request.path === '/' ? '/' : '/{proxy+}',
  pathParameters: request.path === '/' ? null : { proxy: request.path.replace(/^\//, '') },
});

export const send = (fakes: Fakes, request: Request): Promise<Answer> => handle(fakes, eventOf(request));

/** The problem that was answered, which is one of that kind. */
export function problemIn({ status, headers, body }: Answer, kind: string): Problem {
  expect(headers['content-type']).toBe('application/problem+json');
  const found = problem.parse(body);
  expect(found).toMatchObject({ type: `urn:eks-pod-identity-migrator:problem:${kind}`, code: kind, status });
  return found;
}

/** Returns the fields that an answer calls invalid. */
export const fieldsIn = (answer: Answer): string[] =>
  (problemIn(answer, 'invalid-request').errors ?? []).map(({ field }) => field);

/** Everything that the API can start or change. */
export const started = ({ executions, journal }: Fakes) => ({
  migrations: executions.migrations.length,
  rollbacks: executions.rollbacks.length,
  changes: journal.mutations().length,
});

export { newFakes };
