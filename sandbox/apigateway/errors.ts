/**
 * What API Gateway itself answers, and what the API's gateway responses make of it. Source: API Gateway Developer
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

/** A refusal or failure before any API's response is looked at. */
export interface GatewayError {
  type: ResponseType;
  message: string;
  /** Of the header `x-amzn-errortype`. */
  name: string;
  /** Where it is not the type's own. */
  status?: number;
}

const errorOf = (type: ResponseType, name: string, message: string, status?: number): GatewayError => ({
  type,
  name,
  message,
  ...(status === undefined ? {} : { status }),
});

/**
 * Also for a path or a method that is not there, signed or not: re:Post, "Missing Authentication Token" errors of a
 * REST API's endpoint.
 */
export const MISSING_TOKEN = errorOf(
  'MISSING_AUTHENTICATION_TOKEN',
  'MissingAuthenticationTokenException',
  'Missing Authentication Token',
);
/** Text: re:Post and many reports of API Gateway's 504. */
export const TIMED_OUT = errorOf('INTEGRATION_TIMEOUT', 'InternalServerErrorException', 'Endpoint request timed out');
/**
 * The function's policy does not let API Gateway in, or there is no such function: its log says "Invalid permissions on
 * Lambda function" (re:Post, "API Gateway 500 Internal server error").
 */
export const MISCONFIGURED = errorOf(
  'API_CONFIGURATION_ERROR',
  'InternalServerErrorException',
  'Internal server error',
);
/** Over what Lambda takes: koki-develop/lgtm-generator#10 has the whole answer. */
export const TOO_LONG_FOR_LAMBDA = errorOf('REQUEST_TOO_LARGE', 'BadRequestException', 'Request Too Long');

/**
 * A content coding that is not supported, or a body that is not coded so: Developer Guide, "Call an API method with a
 * compressed payload". Its text is not documented.
 */
export const NOT_DECODED = errorOf('UNSUPPORTED_MEDIA_TYPE', 'UnsupportedMediaTypeException', 'Unsupported Media Type');

/** Over the limits of the stage: Developer Guide, "Gateway response types for API Gateway"; text: re:Post, many reports. */
export const THROTTLED = errorOf('THROTTLED', 'TooManyRequestsException', 'Too Many Requests');

/** A function that failed, or whose answer is malformed: 502, of a type that a knob says (`apiUnusableAnswer`). */
export const unusable = (type: ResponseType): GatewayError =>
  errorOf(type, 'InternalServerErrorException', 'Internal server error', 502);

/** Message: IAM's, in which API Gateway hides the owner's account but for its end. */
export const accessDenied = (message: string): GatewayError =>
  errorOf('ACCESS_DENIED', 'AccessDeniedException', message);

/**
 * Signatures that are not believed. The types are documented for a missing, an invalid and an expired one; that a
 * signature with parts missing and an unknown key count as invalid is not.
 */
const PROBLEMS: Record<SignatureProblem, [type: ResponseType, name: string]> = {
  missing: ['MISSING_AUTHENTICATION_TOKEN', 'MissingAuthenticationTokenException'],
  incomplete: ['INVALID_SIGNATURE', 'IncompleteSignatureException'],
  'unknown-key': ['INVALID_SIGNATURE', 'UnrecognizedClientException'],
  expired: ['EXPIRED_TOKEN', 'ExpiredTokenException'],
  mismatch: ['INVALID_SIGNATURE', 'InvalidSignatureException'],
};
export const notBelieved = (problem: SignatureProblem, message: string): GatewayError =>
  problem === 'missing' ? MISSING_TOKEN : errorOf(...PROBLEMS[problem], message);

/** A signature for another place. Texts: aws/aws-sdk-js#254 and reports of other services with the same front. */
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
 * "If the response type is unspecified, this response defaults to the DEFAULT_4XX type", or 5XX, by the status that it
 * would have.
 */
const chosen = ({ responses }: AssemblyApi, type: ResponseType, status: number): AssemblyGatewayResponse =>
  responses[type] ?? responses[status < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX'] ?? FALLBACK;

/** The template of a type that the caller accepts, else the one for JSON, else the first. */
const templateOf = (templates: Record<string, string>, accept: string): [type: string, template: string] => {
  const wanted = accept.split(',').map((each) => each.split(';')[0]?.trim() ?? '');
  const type =
    [...wanted, 'application/json'].find((each) => Object.hasOwn(templates, each)) ?? Object.keys(templates)[0] ?? '';
  return [type, templates[type] ?? ''];
};

interface Values {
  context: object;
  /** Where a method was found, as they were sent. */
  pathParameters: Record<string, string>;
}

/**
 * The value of `context.identity.sourceIp`, `method.request.header.Accept`, `stageVariables.name`; empty where there is
 * none.
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

/** `pathParameters`: where a method was found, as they were sent. */
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
  const own = Object.entries(headers).map(([name, value]): [string, string] => [
    name,
    value.startsWith("'") ? value.slice(1, -1) : valueOf(value),
  ]);
  return {
    status,
    headers: { 'content-type': type, ...Object.fromEntries(own), 'x-amzn-errortype': error.name },
    body: substitute(template, valueOf),
  };
};

/** No API or no stage of that name: no API's responses are asked. */
export const FORBIDDEN: HttpResponse = {
  status: 403,
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'ForbiddenException' },
  body: '{"message":"Forbidden"}',
};

/** Bytes of a request's body (Developer Guide, "Amazon API Gateway quotas"). */
export const LONGEST_BODY = 10_485_760;
/**
 * What is in front of API Gateway refuses it, so that it is plain text and REQUEST_TOO_LARGE is not asked:
 * koki-develop/lgtm-generator#10.
 */
export const TOO_LONG: HttpResponse = {
  status: 413,
  headers: { 'content-type': 'text; charset=utf-8' },
  body: `HTTP content length exceeded ${LONGEST_BODY} bytes.`,
};

/** Bytes of a request's line and header values together (Developer Guide, "Amazon API Gateway quotas"). */
const LONGEST_HEADERS = 10_240;
/** Whether its line and the values of its headers are longer than API Gateway takes. */
export const hasLongHeaders = ({ method, path, query, headers }: HttpRequest): boolean => {
  const values = [method, path, ...Object.values(headers), ...Object.entries(query).flat(2)];
  return values.reduce((bytes, value) => bytes + Buffer.byteLength(value) + 1, 0) > LONGEST_HEADERS;
};
/** As of a body that is too long, what is in front of API Gateway refuses it. */
export const longHeaders = (status: number): HttpResponse => ({
  status,
  headers: { 'content-type': 'text; charset=utf-8' },
  body: `HTTP header is larger than ${LONGEST_HEADERS} bytes.`,
});

/**
 * A query whose percent signs are not followed by two hexadecimal digits: API Gateway answers 400
 * (adamchainz/apig-wsgi#102). Its body is not reported.
 */
export const BAD_QUERY: HttpResponse = {
  status: 400,
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'BadRequestException' },
  body: '{"message":"Bad Request"}',
};
