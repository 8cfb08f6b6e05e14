/** Builds what API Gateway knows about a request: `$context` of its templates, `requestContext` of its events. */
import type { APIGatewayEventIdentity, APIGatewayEventRequestContext } from 'aws-lambda';
import type { AssemblyApi, AssemblyMethod, AssemblyStage } from '../assembly/apis.ts';
import type { Caller, HttpRequest } from '../http.ts';
import { sessionOf, userIdOf } from '../authorization/sessions.ts';
import type { World } from '../world/world.ts';

/** A request to a stage of an API, with what is known before a method is matched. */
export interface Visit {
  api: AssemblyApi;
  stage: AssemblyStage;
  request: HttpRequest;
  /** Below the stage, as on the wire: `/migrations`. */
  path: string;
  requestId: string;
  extendedRequestId: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** Every request comes from this machine. */
const SOURCE_IP = '127.0.0.1';

const ANONYMOUS: APIGatewayEventIdentity = {
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  sourceIp: SOURCE_IP,
  user: null,
  userAgent: null,
  userArn: null,
};

/**
 * For a role's session, `caller` and `user` are its id, as GetCallerIdentity returns it. A caller that needs no
 * signature is unknown.
 */
const identityOf = (world: World, { request }: Visit, caller: Caller | undefined): APIGatewayEventIdentity => {
  const anonymous = { ...ANONYMOUS, userAgent: request.headers['user-agent'] ?? null };
  if (!caller) return anonymous;
  const id = userIdOf(world, caller);
  return {
    ...anonymous,
    accessKey: caller.accessKeyId,
    accountId: caller.account,
    caller: id,
    user: id,
    userArn: sessionOf(world, caller),
  };
};

/** Formats a time as in `09/Apr/2015:12:34:56 +0000`. */
const requestTime = (at: number): string => {
  const [, , day = '', month = '', year = '', time = ''] =
    /^(\w+), (\d+) (\w+) (\d+) ([\d:]+) GMT$/.exec(new Date(at).toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
};

/** The request context with `deploymentId`, which the types of `aws-lambda` lack. */
export type RequestContext = APIGatewayEventRequestContext & { deploymentId: string };

/**
 * Builds the request context; `method` is undefined if none matched. Source: API Gateway Developer Guide, "Variables
 * for data transformations for API Gateway" and "Lambda proxy integrations".
 */
export const requestContextOf = (
  world: World,
  visit: Visit,
  method: AssemblyMethod | undefined,
  caller?: Caller,
): RequestContext => {
  const { api, stage, request, path } = visit;
  const domainName = request.host.replace(/:\d+$/, '');
  return {
    accountId: api.account,
    apiId: api.id,
    authorizer: undefined,
    deploymentId: stage.deploymentId,
    // "The full domain name used to invoke the API. This should be the same as the incoming Host header."
    domainName: request.host,
    domainPrefix: domainName.split('.')[0] ?? '',
    extendedRequestId: visit.extendedRequestId,
    httpMethod: request.method,
    identity: identityOf(world, visit, caller),
    path: `/${stage.name}${path}`,
    protocol: 'HTTP/1.1',
    requestId: visit.requestId,
    requestTime: requestTime(visit.at),
    requestTimeEpoch: visit.at,
    resourceId: method?.resourceId ?? '',
    resourcePath: method?.path ?? '',
    stage: stage.name,
  };
};
