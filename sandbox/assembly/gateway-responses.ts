/**
 * Reads an API's gateway responses: its answers when API Gateway itself refuses or fails. Source: API Gateway Developer
 * Guide, "Gateway responses for REST APIs in API Gateway" and "Gateway response types for API Gateway"; CloudFormation
 * Template Reference, `AWS::ApiGateway::GatewayResponse`.
 */
import { AssemblyError, type Where } from './error.ts';
import { isObject } from '../json.ts';
import type { ResolvedResource } from './resources.ts';
import type { Stack } from './stacks.ts';

/** Response types with their default status; the two fallbacks have none. */
export const RESPONSE_TYPES = {
  ACCESS_DENIED: 403,
  API_CONFIGURATION_ERROR: 500,
  AUTHORIZER_CONFIGURATION_ERROR: 500,
  AUTHORIZER_FAILURE: 500,
  BAD_REQUEST_BODY: 400,
  BAD_REQUEST_PARAMETERS: 400,
  DEFAULT_4XX: undefined,
  DEFAULT_5XX: undefined,
  EXPIRED_TOKEN: 403,
  INTEGRATION_FAILURE: 504,
  INTEGRATION_TIMEOUT: 504,
  INVALID_API_KEY: 403,
  INVALID_SIGNATURE: 403,
  MISSING_AUTHENTICATION_TOKEN: 403,
  QUOTA_EXCEEDED: 429,
  REQUEST_TOO_LARGE: 413,
  RESOURCE_NOT_FOUND: 404,
  THROTTLED: 429,
  UNAUTHORIZED: 401,
  UNSUPPORTED_MEDIA_TYPE: 415,
  WAF_FILTERED: 403,
} as const;
export type ResponseType = keyof typeof RESPONSE_TYPES;

export interface AssemblyGatewayResponse {
  /** Omitted: the type's default status. */
  status?: number;
  /** Headers by name: text in single quotes, or a variable such as `context.requestId`. */
  headers: Record<string, string>;
  /** Bodies by content type, with variables such as `$context.error.messageString`. */
  templates: Record<string, string>;
}

/** Matches a variable as a template writes it. */
const VARIABLE = /\$((?:context|stageVariables)(?:\.\w+)+|method\.request\.(?:header|path|querystring)\.[\w-]+)/g;

/** The variables of `$context` that are defined before a request reaches a function. */
const CONTEXT = new Set([
  'accountId',
  'apiId',
  'deploymentId',
  'domainName',
  'domainPrefix',
  'extendedRequestId',
  'httpMethod',
  'path',
  'protocol',
  'requestId',
  'requestTime',
  'requestTimeEpoch',
  'resourceId',
  'resourcePath',
  'stage',
  ...['accessKey', 'accountId', 'caller', 'sourceIp', 'user', 'userAgent', 'userArn'].map((name) => `identity.${name}`),
  ...['message', 'messageString', 'responseType'].map((name) => `error.${name}`),
]);

const checkVariable = (name: string, where: Where): void => {
  if (name.startsWith('context.') && !CONTEXT.has(name.slice('context.'.length))) {
    throw new AssemblyError(
      `the variable ${name}, which the sandbox's gateway responses do not support. Supported are: ${[...CONTEXT].map((known) => `context.${known}`).join(', ')}, method.request.…, stageVariables.…`,
      where,
    );
  }
};

/**
 * Returns the template with each variable replaced. Nothing is escaped, and no other Velocity syntax is supported
 * (Developer Guide: "supporting only simple variable substitution").
 */
export const substitute = (template: string, valueOf: (name: string) => string): string =>
  template.replace(VARIABLE, (_, name: string) => valueOf(name));

const HEADER = 'gatewayresponse.header.';

const headersOf = (given: unknown, where: Where): Record<string, string> =>
  Object.fromEntries(
    Object.entries(isObject(given) ? given : {}).map(([key, value]) => {
      const at: Where = { ...where, path: `${where.path ?? ''}.${key}` };
      if (!key.startsWith(HEADER))
        throw new AssemblyError(`the parameter ${key}; the sandbox's gateway responses support only ${HEADER}NAME`, at);
      const text = String(value);
      const variable =
        /^(context(\.\w+)+|stageVariables\.\w+|method\.request\.(header|path|querystring)\.[\w-]+)$/.test(text);
      if (!variable && !/^'.*'$/.test(text))
        throw new AssemblyError(`the value ${text}, which is neither text in single quotes nor a variable`, at);
      if (variable) checkVariable(text, at);
      return [key.slice(HEADER.length).toLowerCase(), text];
    }),
  );

const templatesOf = (given: unknown, where: Where): Record<string, string> =>
  Object.fromEntries(
    Object.entries(isObject(given) ? given : {}).map(([type, template]) => {
      const text = String(template);
      for (const [, name = ''] of text.matchAll(VARIABLE))
        checkVariable(name, { ...where, path: `${where.path ?? ''}.${type}` });
      return [type, text];
    }),
  );

const isType = (text: string): text is ResponseType => Object.hasOwn(RESPONSE_TYPES, text);

/** Returns a gateway response with its type. Throws AssemblyError for an unsupported type, variable or parameter. */
export const gatewayResponseOf = (
  stack: Stack,
  { properties, where }: ResolvedResource,
): [ResponseType, AssemblyGatewayResponse] => {
  const type = stack.resolver.textOf(properties['ResponseType'], { ...where, path: 'Properties.ResponseType' });
  if (!isType(type)) throw new AssemblyError(`the response type ${type}, which API Gateway does not have`, where);
  const { StatusCode: given, ResponseParameters: parameters, ResponseTemplates: templates } = properties;
  const at: Where = { ...where, path: 'Properties.StatusCode' };
  const status = given === undefined ? undefined : stack.resolver.textOf(given, at);
  if (status !== undefined && !/^[1-5]\d\d$/.test(status)) throw new AssemblyError(`the invalid status ${status}`, at);
  return [
    type,
    {
      ...(status === undefined ? {} : { status: Number(status) }),
      headers: headersOf(parameters, { ...where, path: 'Properties.ResponseParameters' }),
      templates: templatesOf(templates, { ...where, path: 'Properties.ResponseTemplates' }),
    },
  ];
};
