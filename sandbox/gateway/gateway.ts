/**
 * The sandbox's gateway: both transports hand their requests to it. It runs the events that are due, identifies the
 * caller and the operation, refuses what AWS would refuse before the request reaches a service, and writes the call
 * log.
 */
import type { ApiGateway } from '../apigateway/service.ts';
import { Authorizer } from '../authorization/authorizer.ts';
import type { Claim } from '../claim.ts';
import { Admission } from './admission.ts';
import type { KubernetesFactory } from '../kubernetes/control-planes.ts';
import { type Admitted, type Failure, logCall, type OpenCall, runService } from './calls.ts';
import { createFaultInjector, throttledResponse } from './faults.ts';
import { inputOf, isMutating, operationOf } from './operations.ts';
import type { HttpRequest, HttpResponse, Service } from '../http.ts';
import { assertRunning, currentInvocation } from '../lambda/invocation.ts';
import type { SandboxClock } from '../clock/clock.ts';
import type { SeenCall } from '../calls/faults.ts';
import { timeText } from '../clock/time-text.ts';
import type { World } from '../world/world.ts';

export interface GatewayOptions {
  world: World;
  /** The world's time. */
  clock: { now(): number };
  /** By the service's name in the signature's credential scope. */
  services: Record<string, Service>;
  /** The API server of a cluster. */
  kubernetes: KubernetesFactory;
  /** The clock that signatures are checked against; default: this machine's, which SDKs sign by. */
  signatureTime?: () => number;
  /**
   * Returns the step whose function has that role, for functions in processes of their own. Functions in this process
   * are identified by their invocation.
   */
  stepOf?: (principalArn: string) => string | undefined;
  /** Decides what callers may do; default: an authorizer for the world's roles. */
  authorizer?: Authorizer;
  /** The application's own APIs, if it has any. */
  apis?: ApiGateway;
}

export interface Gateway {
  /**
   * Answers every request; rejects only if a fault breaks the connection or ends the calling process. `claim` is the
   * key of a caller in this process, which does not sign.
   */
  handle: (request: HttpRequest, claim?: Claim) => Promise<HttpResponse>;
  /** Runs the events that are due by now, as every request does before it is answered. */
  catchUp: () => void;
  /** Errors that services threw, which callers saw as a 500: each is a defect of the sandbox. */
  failures: Failure[];
  /**
   * Origins such as http://127.0.0.1:4566 at which the AWS services answer in addition to their own hosts; a listening
   * transport adds its own.
   */
  addresses: Set<string>;
  /** Returns whether the application's API answers at that URL's host. */
  hasApiAt: (url: URL) => boolean;
}

/** A call as fault rules see it. */
const seenCall = (
  { service, protocol, region, cluster }: OpenCall,
  request: HttpRequest,
  step: string,
  executionArn: string | undefined,
): Omit<SeenCall, 'n'> => {
  const operation = operationOf(service, request);
  return {
    service,
    operation,
    step,
    mutating: isMutating(protocol, request.method, operation),
    region,
    ...(cluster ? { cluster: cluster.name } : {}),
    ...(executionArn === undefined ? {} : { executionArn }),
  };
};

export const createGateway = (options: GatewayOptions): Gateway => {
  const { world, clock, services, kubernetes, signatureTime = Date.now, stepOf, apis } = options;
  const { authorizer = new Authorizer(world) } = options;
  const failures: Failure[] = [];
  const addresses: Gateway['addresses'] = new Set();
  const ids = world.random.fork();
  const requestId = (): string => ids.uuid();
  const injectFault = createFaultInjector(world);
  const admission = new Admission({
    world,
    services,
    kubernetes,
    // By AWS's clock: a function signs with the time of its own clock.
    signatureTime: () =>
      signatureTime() - (currentInvocation() === undefined ? 0 : world.knobs.functionClockSkewSeconds * 1000),
    authorizer,
    apis,
    addresses,
    requestId,
  });

  const catchUp = (): void => world.schedule.advanceTo(clock.now());
  const arrivedAt = (): string => timeText(world.schedule.now());

  /** Runs the call and logs it. */
  const effect = async (admitted: Admitted, request: HttpRequest, call: OpenCall, log: Log): Promise<HttpResponse> => {
    // A call that hung arrives later than it was made.
    catchUp();
    const at = arrivedAt();
    if (world.throttles.take(call, world.schedule.now()))
      return log(at, await runService(admitted, request, call, { authorizer, failures, requestId }));
    Object.assign(call, { operation: operationOf(call.service, request), input: inputOf(call.service, request) });
    return log(at, throttledResponse(call, requestId()));
  };

  const handle: Gateway['handle'] = async (request, claim) => {
    assertRunning();
    catchUp();
    const { call, admitted } = admission.admit(request, claim);
    const invocation = currentInvocation();
    const log: Log = (at, response) => logCall(world, { call, method: request.method, at, invocation }, response);
    if ('status' in admitted) return log(arrivedAt(), admitted);
    const answer = (): Promise<HttpResponse> => effect(admitted, request, call, log);
    const step = invocation?.step ?? stepOf?.(call.caller);
    if (step === undefined) return answer();
    const input = (): unknown => inputOf(call.service, request);
    const seen = seenCall(call, request, step, invocation?.execution?.arn);
    const fault = world.faults.faultFor(seen, input, world.schedule.now());
    if (fault === undefined) return answer();
    Object.assign(call, { operation: seen.operation, input: input() });
    const refuse = (response: HttpResponse): HttpResponse => log(arrivedAt(), response);
    return injectFault(fault, { call, invocation, effect: answer, refuse, requestId });
  };

  const hasApiAt: Gateway['hasApiAt'] = ({ host, origin }) =>
    apis?.isHost(host) === true || (!!apis && addresses.has(origin));
  return { handle, catchUp, failures, addresses, hasApiAt };
};

type Log = (at: string, response: HttpResponse) => HttpResponse;

/**
 * Wraps the gateway for callers from outside, who are not threads of the clock: each of their requests is answered on a
 * thread of its own.
 */
export const onThreads = (gateway: Gateway, clock: Pick<SandboxClock, 'spawn'>): Gateway => ({
  ...gateway,
  handle: (request) => clock.spawn(() => gateway.handle(request)),
});
