/**
 * What API Gateway itself answers where a request does not get as far as the Lambda: problem details (RFC 9457), as the
 * Lambda's are. Its templates are not processed by anything but for simple variables, of which
 * `$context.error.messageString` comes with its quotes. Sources: API Gateway Developer Guide, "Gateway response types
 * for API Gateway" and "Gateway responses for REST APIs in API Gateway".
 */
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import type { Construct } from 'constructs';
import { typeOf } from '../../lambdas/api/problems.ts';

interface GatewayProblem {
  /** API Gateway's own status where it is left out, which a problem then does not repeat. */
  status?: number;
  title: string;
  /** API Gateway's own text where it is left out. */
  detail?: string;
  headers?: Record<string, string>;
}

const MESSAGE = '$context.error.messageString';
const TRY_AGAIN = { 'Retry-After': "'5'" };

/** By API Gateway's name of the response; docs/api.md has a section for each. */
export const GATEWAY_PROBLEMS = {
  ACCESS_DENIED: { status: 403, title: 'The principal may not call this' },
  MISSING_AUTHENTICATION_TOKEN: {
    status: 403,
    title: 'The request is not signed',
    detail:
      'The request has no Signature Version 4, or a method that API Gateway does not know, such as TRACE. Sign it for the service execute-api, and send it again.',
  },
  INVALID_SIGNATURE: { status: 403, title: 'The signature is not right' },
  EXPIRED_TOKEN: { status: 403, title: 'The credentials have expired' },
  THROTTLED: { status: 429, title: 'There are too many requests', headers: TRY_AGAIN },
  QUOTA_EXCEEDED: { status: 429, title: 'There are too many requests', headers: TRY_AGAIN },
  REQUEST_TOO_LARGE: { status: 413, title: 'The request is too large' },
  RESOURCE_NOT_FOUND: { status: 404, title: 'There is nothing at this path' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'The body can not be read',
    detail:
      'API Gateway does not read a body of this content-type, or can not undo its content-encoding. Send JSON (content-type: application/json), without a content-encoding.',
  },
  BAD_REQUEST_BODY: { status: 400, title: 'The request is not right' },
  BAD_REQUEST_PARAMETERS: { status: 400, title: 'The request is not right' },
  WAF_FILTERED: { status: 403, title: 'A firewall has stopped the request' },
  INTEGRATION_FAILURE: {
    status: 502,
    title: 'The service did not answer',
    detail:
      'The function behind the API failed, or took too long. What was asked for may have been taken in: send it again, with the same Idempotency-Key or unchanged, and it is carried out once.',
  },
  INTEGRATION_TIMEOUT: {
    status: 504,
    title: 'The service did not answer in time',
    detail:
      'What was asked for may have been taken in: send it again, with the same Idempotency-Key or unchanged, and it is carried out once.',
  },
  DEFAULT_4XX: { title: 'The request was refused' },
  DEFAULT_5XX: { title: 'The request failed' },
} as const satisfies Record<string, GatewayProblem>;
type Name = keyof typeof GATEWAY_PROBLEMS;

/** `ACCESS_DENIED` to `gateway-access-denied`: its code, and its section of docs/api.md. */
export const codeOf = (name: string): string => `gateway-${name.toLowerCase().replaceAll('_', '-')}`;

/** The message is not put into quotes: it has its own. */
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
      // The one that is taken where the request accepts anything; what it is called is said by the header.
      templates: { 'application/json': templateOf(name as Name, found) },
    });
  }
}
