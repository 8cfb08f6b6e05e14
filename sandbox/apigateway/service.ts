/**
 * API Gateway's REST APIs: finds the method, identifies and authorizes the caller, invokes the function. Only methods
 * with AWS_IAM check a signature, so the sandbox's gateway leaves that to this service.
 * Source: API Gateway Developer Guide, "Control access to a REST API with IAM permissions".
 */
import type { AssemblyApi } from '../assembly/apis.ts';
import type { RequiredPermission, Denial } from '../permission/permission.ts';
import type { Caller, HttpRequest, HttpResponse } from '../http.ts';
import { InvokeRefusal, LambdaFailure, type LambdaRuntime } from '../lambda/runtime.ts';
import type { Refused, Verified } from '../signature.ts';
import type { SandboxClock } from '../clock/clock.ts';
import { Random } from '../random.ts';
import type { World } from '../world/world.ts';
import { type Address, addressOf, apiAtHost } from './addresses.ts';
import { answerOf } from './answer.ts';
import { requestContextOf, type Visit } from './context.ts';
import {
  accessDenied,
  BAD_QUERY,
  FORBIDDEN,
  type GatewayError,
  gatewayResponse,
  hasLongHeaders,
  LONGEST_BODY,
  longHeaders,
  MISCONFIGURED,
  MISSING_TOKEN,
  NOT_DECODED,
  unverified,
  THROTTLED,
  TIMED_OUT,
  TOO_LONG,
  TOO_LONG_FOR_LAMBDA,
  unusable,
  wrongScope,
} from './errors.ts';
import { proxyEventOf } from './event.ts';
import { decodedBody, isBinary } from './payload.ts';
import { createRouter, type Match } from './routes.ts';
import { createThrottle } from './throttle.ts';

export interface ApiGatewayOptions {
  world: World;
  clock: SandboxClock;
  apis: AssemblyApi[];
  invoke: LambdaRuntime['invoke'];
}

/** The operations that the sandbox's gateway offers to a running call. */
export interface GatewayCall {
  /** Describes the call for the call log. */
  describe: (operation: string, input: unknown) => void;
  /** Returns who signed the request, or why AWS would reject the signature. */
  authenticate: () => Verified | Refused;
  authorize: (caller: Caller, permission: RequiredPermission) => Denial | undefined;
}

export interface ApiGateway {
  /** Returns undefined for a request that is for no API. */
  find: (request: HttpRequest) => Address | undefined;
  /** Returns whether the host is an API's own. */
  isHost: (host: string) => boolean;
  /**
   * Answers a request at an address that `find` returned. In virtual time the caller is a thread, which parks until the
   * function has answered.
   */
  handle: (request: HttpRequest, address: Address, call: GatewayCall) => Promise<HttpResponse>;
}

/** The principal that invokes functions for API Gateway. */
const PRINCIPAL = 'apigateway.amazonaws.com';

/** `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH` */
const arnOf = ({ api, stage, request }: Visit, account: string, path: string): string =>
  `arn:${api.partition}:execute-api:${api.region}:${account}:${api.id}/${stage.name}/${request.method}${path}`;

/** Masks an account as refusals show it: `********2222`. */
const masked = (account: string): string => account.slice(-4).padStart(account.length, '*');

/** Returns the caller, or nothing if the method requires none; or the reason why the caller may not call. */
const admit = (visit: Visit, { method }: Match, call: GatewayCall): { caller?: Caller } | GatewayError => {
  if (method.authorization === 'NONE') return {};
  const verified = call.authenticate();
  if (!verified.ok) return unverified(verified.problem, verified.message);
  const misplaced = wrongScope(verified, visit.api.region);
  if (misplaced) return misplaced;
  const path = visit.path === '' ? '/' : visit.path;
  const denial = call.authorize(verified.caller, {
    action: 'execute-api:Invoke',
    resource: arnOf(visit, visit.api.account, path),
    named: arnOf(visit, masked(visit.api.account), path),
  });
  return denial ? accessDenied(denial.message) : { caller: verified.caller };
};

/** Returns the function's answer, or API Gateway's error if the function failed to answer. */
const integrate = async (
  { world, clock, invoke }: ApiGatewayOptions,
  visit: Visit,
  { method }: Match,
  event: unknown,
): Promise<HttpResponse | GatewayError> => {
  const timer = clock.timer(method.timeoutMilliseconds);
  const malformed = unusable(world.knobs.apiUnusableAnswer);
  const running = invoke(method.functionArn, event, {
    caller: PRINCIPAL,
    sourceArn: arnOf(visit, visit.api.account, method.path),
  }).then(
    (result) => answerOf(result, isBinary(visit.api, visit.request.headers['accept'] ?? '')) ?? malformed,
    (error: unknown) => {
      if (error instanceof InvokeRefusal) return MISCONFIGURED;
      if (!(error instanceof LambdaFailure)) throw error;
      return error.errorType === 'Lambda.RequestTooLargeException' ? TOO_LONG_FOR_LAMBDA : malformed;
    },
  );
  // A function that times out keeps running; its late result is ignored.
  running.catch(() => undefined);
  try {
    return await clock.park(Promise.race([running, timer.elapsed.then(() => TIMED_OUT)]));
  } finally {
    timer.cancel();
  }
};

/** Refuses requests that never reach an API. */
const refusedInFront = (request: HttpRequest, { knobs }: World): HttpResponse | undefined => {
  if (hasLongHeaders(request)) return longHeaders(knobs.apiLongHeadersStatus);
  if (request.body.byteLength > LONGEST_BODY) return TOO_LONG;
  return request.badQuery === true ? BAD_QUERY : undefined;
};

export const createApiGatewayService = (options: ApiGatewayOptions): ApiGateway => {
  const { world, clock, apis } = options;
  const routers = new Map(apis.map((api) => [api, createRouter(api.methods)]));
  const isAllowed = createThrottle(world);
  // A generator of its own, so that adding an API does not shift any other random sequence.
  const random = new Random(world.seed);

  const visitOf = (request: HttpRequest, { api, prefix }: Address): Visit | undefined => {
    const [, name = '', path = ''] = /^\/([^/]*)(.*)$/s.exec(request.path.slice(prefix.length)) ?? [];
    const stage = api?.stages.find((each) => each.name === name);
    return (
      api &&
      stage && {
        api,
        stage,
        request,
        path,
        requestId: random.uuid(),
        extendedRequestId: `${random.string(15)}=`,
        at: clock.now(),
      }
    );
  };

  const answer = async (visit: Visit, call: GatewayCall): Promise<HttpResponse> => {
    const { api, stage, request, path } = visit;
    const match = routers.get(api)?.(path, request.method);
    call.describe(`${request.method} ${match?.method.path ?? path}`, { stage: stage.name, path });
    if (!match) return gatewayResponse(visit, requestContextOf(world, visit, undefined), MISSING_TOKEN);
    const refuse = (error: GatewayError, caller?: Caller): HttpResponse =>
      gatewayResponse(visit, requestContextOf(world, visit, match.method, caller), error, match.parameters);
    if (!isAllowed(stage, match.method, visit.at)) return refuse(THROTTLED);
    const admitted = admit(visit, match, call);
    if ('type' in admitted) return refuse(admitted);
    const context = requestContextOf(world, visit, match.method, admitted.caller);
    const body = world.knobs.apiContentEncoding === 'decoded' ? decodedBody(request, LONGEST_BODY) : request.body;
    if (!body) return refuse(NOT_DECODED, admitted.caller);
    const event = proxyEventOf(world, { ...visit, request: { ...request, body } }, match, context);
    const answered = await integrate(options, visit, match, event);
    return 'type' in answered ? refuse(answered, admitted.caller) : answered;
  };

  return {
    find: (request) => addressOf(apis, request),
    isHost: (host) => apiAtHost(apis, host) !== undefined,
    handle: async (request, address, call) => {
      call.describe(`${request.method} ${request.path}`, {});
      const refused = refusedInFront(request, world);
      if (refused) return refused;
      const visit = visitOf(request, address);
      if (!visit) return FORBIDDEN;
      const { status, headers, body } = await answer(visit, call);
      return {
        status,
        headers: { ...headers, 'x-amzn-requestid': visit.requestId, 'x-amz-apigw-id': visit.extendedRequestId },
        body,
      };
    },
  };
};
