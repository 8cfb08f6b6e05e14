/**
 * Builds the event that a function receives. Source: API Gateway Developer Guide, "Input format of a Lambda function
 * for proxy integration".
 */
import type { APIGatewayProxyEvent } from 'aws-lambda';
import type { World } from '../world/world.ts';
import type { RequestContext, Visit } from './context.ts';
import { isBinary } from './payload.ts';
import { decoded, type Match } from './routes.ts';

/** API Gateway sends null for an empty map. */
const orNull = <T extends object>(values: T): T | null => (Object.keys(values).length === 0 ? null : values);

/** Headers of the connection, not of the request (Developer Guide, "Amazon API Gateway important notes"). */
const DROPPED = new Set(['connection', 'content-length', 'transfer-encoding', 'keep-alive']);

/**
 * Returns the request's headers with those that API Gateway adds. Names are in lower case, since the sandbox stores
 * them that way; AWS keeps them as sent.
 */
const headersOf = ({ request, requestId }: Visit): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(request.headers).filter(([name]) => !DROPPED.has(name))),
  host: request.host,
  'X-Amzn-Trace-Id': `Root=1-${requestId.replaceAll('-', '').replace(/^(.{8})/, '$1-')}`,
  'X-Forwarded-For': '127.0.0.1',
  'X-Forwarded-Port': '443',
  'X-Forwarded-Proto': 'https',
});

export const proxyEventOf = (
  world: World,
  visit: Visit,
  { method, parameters }: Match,
  requestContext: RequestContext,
): APIGatewayProxyEvent => {
  const { api, request, stage, path } = visit;
  const binary = request.body.byteLength > 0 && isBinary(api, request.headers['content-type']);
  const headers = headersOf(visit);
  const query = Object.entries(request.query).map(([name, value]): [string, string[]] => [name, [value].flat()]);
  const decode = world.knobs.apiPathParameters === 'decoded' ? decoded : (text: string): string => text;
  const pathParameters = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, decode(value)]));
  return {
    resource: method.path,
    path: path === '' ? '/' : path,
    httpMethod: request.method,
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    // "If a key has several values, queryStringParameters has the last."
    queryStringParameters: orNull(Object.fromEntries(query.map(([name, values]) => [name, values.at(-1) ?? '']))),
    multiValueQueryStringParameters: orNull(Object.fromEntries(query)),
    pathParameters: orNull(pathParameters),
    stageVariables: orNull(stage.variables),
    requestContext,
    body: request.body.byteLength === 0 ? null : Buffer.from(request.body).toString(binary ? 'base64' : 'utf8'),
    isBase64Encoded: binary,
  };
};
