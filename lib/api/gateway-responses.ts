/**
 * API Gateway's own responses to requests that do not reach the Lambda: problem details (RFC 9457), like the Lambda's.
 * Their templates support only simple variables, of which `$context.error.messageString` includes its quotes. Sources:
 * API Gateway Developer Guide, "Gateway response types for API Gateway" and "Gateway responses for REST APIs in API
 * Gateway".
 */
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import type { Construct } from 'constructs';
import { typeOf } from '../../lambdas/api/problems.ts';

interface GatewayProblem {
  /** If absent, API Gateway uses its own status, and the problem has none. */
  status?: number;
  title: string;
  /** If absent, the problem has API Gateway's own text. */
  detail?: string;
  headers?: Record<string, string>;
}

const MESSAGE = '$context.error.messageString';
const TRY_AGAIN = { 'Retry-After': "'5'" };

/** Problems by API Gateway's name of the response. docs/api.md has a section for each. */
export const GATEWAY_PROBLEMS = {
  ACCESS_DENIED: { status: 403, title: 'The principal may not call this method' },
  MISSING_AUTHENTICATION_TOKEN: {
    status: 403,
    title: 'The request is not signed',
    detail:
      'The request has no Signature Version 4, or has a method that API Gateway does not support, such as TRACE. Sign it for the service execute-api and send it again.',
  },
  INVALID_SIGNATURE: { status: 403, title: 'The signature is invalid' },
  EXPIRED_TOKEN: { status: 403, title: 'The credentials have expired' },
  THROTTLED: { status: 429, title: 'There are too many requests', headers: TRY_AGAIN },
  QUOTA_EXCEEDED: { status: 429, title: 'There are too many requests', headers: TRY_AGAIN },
  REQUEST_TOO_LARGE: { status: 413, title: 'The request is too large' },
  RESOURCE_NOT_FOUND: { status: 404, title: 'This path does not exist' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'The body cannot be read',
    detail:
      'API Gateway cannot read a body with this content-type or content-encoding. Send JSON (content-type: application/json) without a content-encoding.',
  },
  BAD_REQUEST_BODY: { status: 400, title: 'The request is invalid' },
  BAD_REQUEST_PARAMETERS: { status: 400, title: 'The request is invalid' },
  WAF_FILTERED: { status: 403, title: 'A firewall blocked the request' },
  INTEGRATION_FAILURE: {
    status: 502,
    title: 'The service did not answer',
    detail:
      'The function behind the API failed or timed out. The request may have been accepted. Send it again, with the same Idempotency-Key or unchanged: it is carried out only once.',
  },
  INTEGRATION_TIMEOUT: {
    status: 504,
    title: 'The service did not answer in time',
    detail:
      'The request may have been accepted. Send it again, with the same Idempotency-Key or unchanged: it is carried out only once.',
  },
  DEFAULT_4XX: { title: 'The request was refused' },
  DEFAULT_5XX: { title: 'The request failed' },
} as const satisfies Record<string, GatewayProblem>;
type Name = keyof typeof GATEWAY_PROBLEMS;

/** Converts `ACCESS_DENIED` to `gateway-access-denied`, the problem's code and its section of docs/api.md. */
export const codeOf = (name: string): string => `gateway-${name.toLowerCase().replaceAll('_', '-')}`;

/** Returns the template. API Gateway's message is inserted without quotes, because it includes them. */
const templateOf = (name: Name, { status, title, detail }: GatewayProblem): string =>
  JSON.stringify({
    type: typeOf(codeOf(name)),
    code: codeOf(name),
    title,
    ...(status === undefined ? {} : { status }),
    detail: detail ?? MESSAGE,
    instance: 'urn:uuid:$context.requestId',
  }).replace(JSON.stringify(MESSAGE), MESSAGE);

export function addGatewayResponses(scope: Construct, restApi: apigateway.RestApi): void {
  for (const [name, given] of Object.entries(GATEWAY_PROBLEMS)) {
    const found: GatewayProblem = given;
    // oxlint-disable-next-line eslint/no-new -- a construct adds itself to its scope.
    new apigateway.GatewayResponse(scope, codeOf(name), {
      restApi,
      type: apigateway.ResponseType.of(name),
      ...(found.status === undefined ? {} : { statusCode: String(found.status) }),
      responseHeaders: {
        'Content-Type': "'application/problem+json'",
        'Cache-Control': "'no-store'",
        ...found.headers,
      },
      // API Gateway uses this template for any Accept header; the response's type is set by the header above.
      templates: { 'application/json': templateOf(name as Name, found) },
    });
  }
}
