/**
 * What an API answers where API Gateway itself refuses or fails. Source: API Gateway Developer Guide, "Gateway
 * responses for REST APIs in API Gateway" and "Gateway response types for API Gateway"; CloudFormation Template
 * Reference, `AWS::ApiGateway::GatewayResponse`.
 */
import { AssemblyError, type Where } from './error.ts';
import { isObject } from '../json.ts';
import type { ResolvedResource } from './resources.ts';
import type { Stack } from './stacks.ts';

/** Types with their default status; the two fallbacks have none of their own. */
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
  /** Left out: the type's own. */
  status?: number;
  /** Headers by name: text in single quotes, or a variable such as `context.requestId`. */
  headers: Record<string, string>;
  /** Bodies by content type, with variables such as `$context.error.messageString`. */
  templates: Record<string, string>;
}

/** What a variable may begin with, as a template writes it. */
const VARIABLE = /\$((?:context|stageVariables)(?:\.\w+)+|method\.request\.(?:header|path|querystring)\.[\w-]+)/g;

/** Of `$context`: those that make sense before a request has come to a function. */
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
      `the variable ${name}, which the sandbox's gateway responses do not have. There are: ${[...CONTEXT].map((known) => `context.${known}`).join(', ')}, method.request.…, stageVariables.…`,
      where,
    );
  }
};

/**
 * The template with each variable replaced; nothing is escaped, and nothing else is Velocity's (Developer Guide:
 * "supporting only simple variable substitution").
 */
export const substitute = (template: string, valueOf: (name: string) => string): string =>
  template.replace(VARIABLE, (_, name: string) => valueOf(name));

const HEADER = 'gatewayresponse.header.';

const headersOf = (given: unknown, where: Where): Record<string, string> =>
  Object.fromEntries(
    Object.entries(isObject(given) ? given : {}).map(([key, value]) => {
      const at: Where = { ...where, path: `${where.path ?? ''}.${key}` };
      if (!key.startsWith(HEADER))
        throw new AssemblyError(`the parameter ${key}; the sandbox's gateway responses have ${HEADER}NAME alone`, at);
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

/** With its type. Throws AssemblyError for a type, a variable or a parameter that the sandbox does not know. */
export const gatewayResponseOf = (
  stack: Stack,
  { properties, where }: ResolvedResource,
): [ResponseType, AssemblyGatewayResponse] => {
  const type = stack.resolver.textOf(properties['ResponseType'], { ...where, path: 'Properties.ResponseType' });
  if (!isType(type)) throw new AssemblyError(`the response type ${type}, which API Gateway does not have`, where);
  const { StatusCode: given, ResponseParameters: parameters, ResponseTemplates: templates } = properties;
  const at: Where = { ...where, path: 'Properties.StatusCode' };
  const status = given === undefined ? undefined : stack.resolver.textOf(given, at);
  if (status !== undefined && !/^[1-5]\d\d$/.test(status))
    throw new AssemblyError(`the status ${status}, which is none`, at);
  return [
    type,
    {
      ...(status === undefined ? {} : { status: Number(status) }),
      headers: headersOf(parameters, { ...where, path: 'Properties.ResponseParameters' }),
      templates: templatesOf(templates, { ...where, path: 'Properties.ResponseTemplates' }),
    },
  ];
};
