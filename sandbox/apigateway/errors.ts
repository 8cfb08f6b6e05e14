/**
 * Errors that API Gateway itself returns, and how the API's gateway responses shape them. Source: API Gateway Developer
 * Guide, "Gateway response types for API Gateway" and "Gateway responses for REST APIs in API Gateway".
 */
import type { AssemblyApi } from '../assembly/apis.ts';
import {
  type AssemblyGatewayResponse,
  RESPONSE_TYPES,
  type ResponseType,
  substitute,
} from '../assembly/gateway-responses.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { isObject } from '../json.ts';
import type { SignatureProblem } from '../signature.ts';
import type { RequestContext, Visit } from './context.ts';
import { decoded } from './routes.ts';

/** A refusal or failure before any gateway response of the API is applied. */
export interface GatewayError {
  type: ResponseType;
  message: string;
  /** The value of the header `x-amzn-errortype`. */
  name: string;
  /** Set if it differs from the type's own status. */
  status?: number;
}

const errorOf = (type: ResponseType, name: string, message: string, status?: number): GatewayError => ({
  type,
  name,
  message,
  ...(status === undefined ? {} : { status }),
});

/**
 * Also the answer for a path or method that does not exist, signed or not: re:Post, "Missing Authentication Token"
 * errors of a REST API's endpoint.
 */
export const MISSING_TOKEN = errorOf(
  'MISSING_AUTHENTICATION_TOKEN',
  'MissingAuthenticationTokenException',
  'Missing Authentication Token',
);
/** Text: re:Post and many reports of API Gateway's 504. */
export const TIMED_OUT = errorOf('INTEGRATION_TIMEOUT', 'InternalServerErrorException', 'Endpoint request timed out');
/**
 * The function's policy does not allow API Gateway to invoke it, or the function does not exist. API Gateway's log says
 * "Invalid permissions on Lambda function" (re:Post, "API Gateway 500 Internal server error").
 */
export const MISCONFIGURED = errorOf(
  'API_CONFIGURATION_ERROR',
  'InternalServerErrorException',
  'Internal server error',
);
/** The payload exceeds Lambda's limit: koki-develop/lgtm-generator#10 has the whole answer. */
export const TOO_LONG_FOR_LAMBDA = errorOf('REQUEST_TOO_LARGE', 'BadRequestException', 'Request Too Long');

/**
 * An unsupported content coding, or a body that is not encoded as declared: Developer Guide, "Call an API method with a
 * compressed payload". The text is not documented.
 */
export const NOT_DECODED = errorOf('UNSUPPORTED_MEDIA_TYPE', 'UnsupportedMediaTypeException', 'Unsupported Media Type');

/**
 * The stage's limits are exceeded: Developer Guide, "Gateway response types for API Gateway"; text: re:Post, many
 * reports.
 */
export const THROTTLED = errorOf('THROTTLED', 'TooManyRequestsException', 'Too Many Requests');

/** A function failed or returned a malformed result: 502, with the type that a knob sets (`apiUnusableAnswer`). */
export const unusable = (type: ResponseType): GatewayError =>
  errorOf(type, 'InternalServerErrorException', 'Internal server error', 502);

/** The message is IAM's, in which API Gateway masks all but the last digits of the owner's account. */
export const accessDenied = (message: string): GatewayError =>
  errorOf('ACCESS_DENIED', 'AccessDeniedException', message);

/**
 * Signatures that fail verification. The types for missing, invalid and expired signatures are documented; that an
 * incomplete signature and an unknown key count as invalid is not.
 */
const PROBLEMS: Record<SignatureProblem, [type: ResponseType, name: string]> = {
  missing: ['MISSING_AUTHENTICATION_TOKEN', 'MissingAuthenticationTokenException'],
  incomplete: ['INVALID_SIGNATURE', 'IncompleteSignatureException'],
  'unknown-key': ['INVALID_SIGNATURE', 'UnrecognizedClientException'],
  expired: ['EXPIRED_TOKEN', 'ExpiredTokenException'],
  mismatch: ['INVALID_SIGNATURE', 'InvalidSignatureException'],
};
export const unverified = (problem: SignatureProblem, message: string): GatewayError =>
  problem === 'missing' ? MISSING_TOKEN : errorOf(...PROBLEMS[problem], message);

/**
 * A signature for another region or service. Texts: aws/aws-sdk-js#254 and reports of other services with the same
 * front end.
 */
export const wrongScope = (scope: { service: string; region: string }, region: string): GatewayError | undefined => {
  if (scope.service !== 'execute-api')
    return errorOf(
      'INVALID_SIGNATURE',
      'InvalidSignatureException',
      "Credential should be scoped to correct service: 'execute-api'.",
    );
  if (scope.region !== region)
    return errorOf(
      'INVALID_SIGNATURE',
      'InvalidSignatureException',
      `Credential should be scoped to a valid region, not '${scope.region}'.`,
    );
  return undefined;
};

const FALLBACK: AssemblyGatewayResponse = { headers: {}, templates: {} };
const DEFAULT_TEMPLATES = { 'application/json': '{"message":$context.error.messageString}' };

/**
 * "If the response type is unspecified, this response defaults to the DEFAULT_4XX type", or to DEFAULT_5XX, by the
 * status that the error would have.
 */
const chosen = ({ responses }: AssemblyApi, type: ResponseType, status: number): AssemblyGatewayResponse =>
  responses[type] ?? responses[status < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX'] ?? FALLBACK;

/** Returns the template of a type that the caller accepts, otherwise the JSON template, otherwise the first. */
const templateOf = (templates: Record<string, string>, accept: string): [type: string, template: string] => {
  const accepted = accept.split(',').map((each) => each.split(';')[0]?.trim() ?? '');
  const type =
    [...accepted, 'application/json'].find((each) => Object.hasOwn(templates, each)) ?? Object.keys(templates)[0] ?? '';
  return [type, templates[type] ?? ''];
};

interface Values {
  context: object;
  /** Percent-encoded as sent; empty if no method matched. */
  pathParameters: Record<string, string>;
}

/**
 * Resolves variables such as `context.identity.sourceIp`, `method.request.header.Accept` and `stageVariables.name`; a
 * variable without a value is empty.
 */
const variablesOf = ({ request, stage }: Visit, { context, pathParameters }: Values): ((name: string) => string) => {
  const path = new Map(Object.entries(pathParameters));
  const parameters: Record<string, (name: string) => string | undefined> = {
    header: (name) => request.headers[name.toLowerCase()],
    querystring: (name) => [request.query[name]].flat().at(-1),
    path: (name) => decoded(path.get(name) ?? ''),
  };
  return (name) => {
    const [root = '', ...steps] = name.split('.');
    if (root === 'method') return parameters[steps[1] ?? '']?.(steps.slice(2).join('.')) ?? '';
    if (root === 'stageVariables') return stage.variables[steps.join('.')] ?? '';
    const value = steps.reduce<unknown>((inside, step) => (isObject(inside) ? inside[step] : undefined), context);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
};

/**
 * Renders an error through the API's gateway responses. `pathParameters` are percent-encoded as sent; empty if no
 * method matched.
 */
export const gatewayResponse = (
  visit: Visit,
  context: RequestContext,
  error: GatewayError,
  pathParameters: Record<string, string> = {},
): HttpResponse => {
  const { api, request } = visit;
  const natural = error.status ?? RESPONSE_TYPES[error.type] ?? 500;
  const { status = natural, headers, templates } = chosen(api, error.type, natural);
  const ofError = { message: error.message, messageString: JSON.stringify(error.message), responseType: error.type };
  const valueOf = variablesOf(visit, { context: { ...context, error: ofError }, pathParameters });
  const [type, template] = templateOf(
    Object.keys(templates).length === 0 ? DEFAULT_TEMPLATES : templates,
    request.headers['accept'] ?? '',
  );
  const ownHeaders = Object.entries(headers).map(([name, value]): [string, string] => [
    name,
    value.startsWith("'") ? value.slice(1, -1) : valueOf(value),
  ]);
  return {
    status,
    headers: { 'content-type': type, ...Object.fromEntries(ownHeaders), 'x-amzn-errortype': error.name },
    body: substitute(template, valueOf),
  };
};

/** The API or the stage does not exist, so no gateway responses apply. */
export const FORBIDDEN: HttpResponse = {
  status: 403,
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'ForbiddenException' },
  body: '{"message":"Forbidden"}',
};

/** Longest request body in bytes (Developer Guide, "Amazon API Gateway quotas"). */
export const LONGEST_BODY = 10_485_760;
/**
 * The front end before API Gateway refuses the request, so the answer is plain text and REQUEST_TOO_LARGE does not
 * apply: koki-develop/lgtm-generator#10.
 */
export const TOO_LONG: HttpResponse = {
  status: 413,
  headers: { 'content-type': 'text; charset=utf-8' },
  body: `HTTP content length exceeded ${LONGEST_BODY} bytes.`,
};

/** Longest request line and header values together, in bytes (Developer Guide, "Amazon API Gateway quotas"). */
const LONGEST_HEADERS = 10_240;
/** Returns whether the request line and the header values are longer than API Gateway accepts. */
export const hasLongHeaders = ({ method, path, query, headers }: HttpRequest): boolean => {
  const values = [method, path, ...Object.values(headers), ...Object.entries(query).flat(2)];
  return values.reduce((bytes, value) => bytes + Buffer.byteLength(value) + 1, 0) > LONGEST_HEADERS;
};
/** As with a body that is too long, the front end before API Gateway refuses the request. */
export const longHeaders = (status: number): HttpResponse => ({
  status,
  headers: { 'content-type': 'text; charset=utf-8' },
  body: `HTTP header is larger than ${LONGEST_HEADERS} bytes.`,
});

/**
 * API Gateway answers 400 to a query in which a percent sign is not followed by two hexadecimal digits
 * (adamchainz/apig-wsgi#102). The body of that answer is not reported.
 */
export const BAD_QUERY: HttpResponse = {
  status: 400,
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'BadRequestException' },
  body: '{"message":"Bad Request"}',
};
