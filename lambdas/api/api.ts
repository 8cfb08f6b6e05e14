/**
 * The API's entry point: turns API Gateway's event into an answer. Every error is answered as a problem; nothing is
 * thrown.
 */
import httpRouterHandler from '@middy/http-router';
import type { APIGatewayProxyEvent, Context } from 'aws-lambda';
import type { z } from 'zod';
import { ERROR_CLASSES, isMigrationError } from '../domain/failures/errors.ts';
import { UNEXPECTED_ERROR } from '../domain/events/metrics.ts';
import { ZOD_MESSAGES } from '../domain/text/zod-messages.ts';
import { formerFieldProblem } from '../domain/acceptance/former.ts';
import { valueAt, wrongsOf } from '../domain/text/problems.ts';
import { jsonText, shown } from '../domain/text/text.ts';
import type { HandlerDependencies } from '../ports/index.ts';
import { reportFailure } from '../runtime/failures.ts';
import { cancel, decideApproval, retire, rollBack } from './act.ts';
import {
  bodyOf,
  callerOf,
  correlationOf,
  idempotencyKeyOf,
  instanceOf,
  isProxied,
  pathOf,
  prefixOf,
  queryOf,
} from './event.ts';
import { correlationHeaders, telemetryWith } from './correlating.ts';
import { withEtag } from './etag.ts';
import { getHandOff } from './hand-off.ts';
import { listIdentities } from './identities.ts';
import { AFTER_ACCEPTED } from './later.ts';
import { type Call, type Operation, type OperationId, OPERATIONS, type Reply } from './operations.ts';
import { relatedIn } from './links.ts';
import { ApiProblem, type FieldError, invalid, type ProblemLinks, problemOf, PROBLEMS } from './problems.ts';
import type { ProxyEvent, ProxyResult } from './proxy.ts';
import { getMigration, getPlan, listMigrations } from './show.ts';
import { createMigration, createPlan } from './start.ts';
import { createSweep, getSweep, getSweepReport, listSweeps, pauseSweep, resumeSweep, stopSweep } from './sweeps.ts';

const answers: { [Id in OperationId]: (call: Call<Id>, dependencies: HandlerDependencies) => Promise<Reply<Id>> } = {
  createPlan,
  getPlan,
  createMigration,
  listMigrations,
  getMigration,
  getHandOff,
  decideApproval,
  rollBack,
  retire,
  cancel,
  listIdentities,
  createSweep,
  listSweeps,
  getSweep,
  getSweepReport,
  pauseSweep,
  resumeSweep,
  stopSweep,
};
type Answer = (
  call: unknown,
  dependencies: HandlerDependencies,
) => Promise<{ body: unknown; headers?: Record<string, string> }>;

const IDS = Object.keys(OPERATIONS) as OperationId[];

/** No answer may be cached, or interpreted as another content type. */
const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
/** Seconds after which a retry is worthwhile: throttling is over by then. */
const RETRY_AFTER = '5';

function parsed(schema: z.ZodType, value: unknown, path: string, errors: FieldError[]): unknown {
  const result = schema.safeParse(value, ZOD_MESSAGES);
  if (result.success) return result.data;
  const wrongs = wrongsOf(result.error, path, (key, at) => formerFieldProblem(key, valueAt(value, at)));
  errors.push(...wrongs.map(({ path: field, message }) => ({ field, message })));
  return undefined;
}

/** Returns the query. Adds an error for each parameter that is unknown or is given more than once. */
function queryFor({ query }: Operation, event: ProxyEvent, errors: FieldError[]): unknown {
  const given = queryOf(event);
  const once: [string, string][] = [];
  for (const [name, [value = '', ...others]] of given) {
    if (!Object.hasOwn(query.shape, name))
      errors.push({ field: `query.${shown(name, 64)}`, message: 'is not a parameter of this operation' });
    else if (others.length > 0) errors.push({ field: `query.${name}`, message: 'is given more than once' });
    else once.push([name, value]);
  }
  return parsed(query, Object.fromEntries(once), 'query', errors);
}

/** Returns the validated input. Throws `ApiProblem` with all errors at once, except for a body that cannot be read. */
function callOf(operation: Operation, event: ProxyEvent, parameters: unknown): object {
  const errors: FieldError[] = [];
  const caller = callerOf(event);
  const call = {
    caller,
    account: event.requestContext.accountId,
    correlation: correlationOf(event, errors),
    prefix: prefixOf(event),
    parameters: operation.parameters && parsed(operation.parameters, parameters, 'path', errors),
    query: queryFor(operation, event, errors),
    idempotencyKey: operation.idempotencyKey && idempotencyKeyOf(event, errors),
    body: operation.body && parsed(operation.body, bodyOf(event), 'body', errors),
  };
  if (errors.length > 0) throw invalid(errors);
  return call;
}

const result = (
  statusCode: number,
  type: string,
  body: unknown,
  headers: Record<string, string> = {},
): ProxyResult => ({
  statusCode,
  headers: { ...HEADERS, ...headers, 'content-type': type },
  body: jsonText(body),
});

/** Operations with a pattern of their path, in which any value matches a parameter. */
const PATTERNS = IDS.map((id) => ({
  ...OPERATIONS[id],
  pattern: new RegExp(`^${OPERATIONS[id].path.replace(/\{\w+\}/g, '[^/]+')}/?$`),
}));

/** Returns the methods of the operations at a path; none if the path does not exist. */
const operationsAt = (path: string): string[] =>
  PATTERNS.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);

/** Returns the allowed methods at a path: HEAD is GET without a body, and OPTIONS lists the methods. */
const allowedAt = (path: string): string[] => {
  const methods = operationsAt(path);
  return methods.length === 0 ? [] : [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
};

function noRoute({ method, path }: { method: string; path: string }): never {
  const allowed = allowedAt(path);
  if (allowed.length === 0 || allowed.includes(method))
    throw new ApiProblem(
      'unknown-path',
      `The path ${shown(path, 200)} does not exist. Send the request to a path that docs/openapi.json lists, exactly as it is written there.`,
    );
  throw new ApiProblem(
    'method-not-allowed',
    `The path ${shown(path, 200)} does not support ${shown(method, 20)}. Use one of ${allowed.join(', ')}.`,
    { headers: { allow: allowed.join(', ') } },
  );
}

interface Request {
  event: ProxyEvent;
  dependencies: HandlerDependencies;
}

async function run(id: OperationId, parameters: unknown, { event, dependencies }: Request): Promise<ProxyResult> {
  const operation: Operation = OPERATIONS[id];
  const { body, headers } = await (answers[id] as Answer)(callOf(operation, event, parameters), dependencies);
  const later: Record<string, string> = operation.status === 202 ? { 'retry-after': AFTER_ACCEPTED } : {};
  return result(operation.status, 'application/json', operation.answer.parse(body), { ...later, ...headers });
}

/** Built once. Each call passes its request as the router's context. */
const router = httpRouterHandler({
  routes: IDS.map((id) => ({
    method: OPERATIONS[id].method,
    path: OPERATIONS[id].path,
    handler: (routed: APIGatewayProxyEvent, context: Context) =>
      run(id, routed.pathParameters, context as unknown as Request),
  })),
  notFoundResponse: noRoute,
});

/** Returns links to the migrations and sweeps that a detail names. `self` is left out if it does not exist (404). */
function linksNamed({ kind, message }: ApiProblem, event: ProxyEvent): ProblemLinks {
  const [, , id = ''] = pathOf(event).split('/');
  const paths = relatedIn([message], prefixOf(event));
  const self = id === '' ? undefined : paths.find((path) => path.endsWith(`/${id}`));
  const related = paths.filter((path) => path !== self);
  return {
    ...(self === undefined || PROBLEMS[kind].status === 404 ? {} : { self }),
    ...(related.length > 0 ? { related } : {}),
  };
}

/** Returns the problem for an error. The text of an unexpected error is logged, and is not sent to the caller. */
function problemFor(error: unknown, event: ProxyEvent, { telemetry }: HandlerDependencies): ApiProblem {
  if (error instanceof ApiProblem) return error;
  reportFailure('api', error, telemetry);
  telemetry.log.warn('api: a request could not be answered', {
    requestId: event.requestContext.requestId,
    method: event.httpMethod,
    path: shown(event.path, 200),
  });
  if (isMigrationError(error) && ERROR_CLASSES[error.name] === 'retryable') {
    return new ApiProblem(
      'unavailable',
      `The request could not be answered now (${error.name}). Send it again in a few seconds, with the same Idempotency-Key or unchanged: it is carried out only once.`,
      { headers: { 'retry-after': RETRY_AFTER } },
    );
  }
  // One of the service's own errors that no operation expects is unexpected too.
  if (isMigrationError(error)) telemetry.count(UNEXPECTED_ERROR);
  return new ApiProblem(
    'unexpected',
    "The request could not be answered because of an unexpected error. Search the service's log for the id in this problem's instance.",
  );
}

async function route(event: ProxyEvent, dependencies: HandlerDependencies): Promise<ProxyResult> {
  const { httpMethod: method } = event;
  const path = pathOf(event);
  if (method === 'OPTIONS' && operationsAt(path).length > 0)
    return { statusCode: 204, headers: { ...HEADERS, allow: allowedAt(path).join(', ') }, body: '' };
  // An operation runs only through its own method of API Gateway, because IAM has authorized that method and path.
  if (method === '' || path === '' || (isProxied(event) && method !== 'HEAD')) noRoute({ method, path });
  // Only a path with GET supports HEAD.
  const routed = { httpMethod: method === 'HEAD' && operationsAt(path).includes('GET') ? 'GET' : method, path };
  const request: Request = { event, dependencies };
  return (await router(routed as APIGatewayProxyEvent, request as unknown as Context, {} as never)) as ProxyResult;
}

async function answered(event: ProxyEvent, dependencies: HandlerDependencies): Promise<ProxyResult> {
  try {
    return await route(event, dependencies);
  } catch (error) {
    const found = problemFor(error, event, dependencies);
    return result(
      PROBLEMS[found.kind].status,
      'application/problem+json',
      problemOf(found, instanceOf(event), linksNamed(found, event)),
      found.headers,
    );
  }
}

export async function answerRequest(event: ProxyEvent, dependencies: HandlerDependencies): Promise<ProxyResult> {
  const correlation = correlationOf(event);
  const telemetry = telemetryWith(dependencies.telemetry, correlation);
  const answer = withEtag(event, await answered(event, { ...dependencies, telemetry }));
  return {
    ...answer,
    headers: { ...answer.headers, ...correlationHeaders(correlation ?? {}, event) },
    ...(event.httpMethod === 'HEAD' ? { body: '' } : {}),
  };
}
