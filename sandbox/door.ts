/**
 * The one way into the sandbox: both transports hand their requests to it. It lets the world's time catch up, finds
 * out who calls what, refuses what AWS would refuse before any service sees it, and writes the call log.
 */
import type { Address } from './apigateway/addresses.ts';
import type { ApiGateway } from './apigateway/service.ts';
import { Authorizer } from './authorization/authorizer.ts';
import { createFaultPlayer, throttledAnswer } from './door-faults.ts';
import { inputOf, isMutating, operationOf } from './door-operations.ts';
import { errorNameOf, guessOperation, guessService, protocolOf, refusal, signatureRefusal } from './door-protocols.ts';
import type { Protocol } from './door-protocols.ts';
import { regionRefusal } from './door-regions.ts';
import type { CallContext, Caller, HttpRequest, HttpResponse, Service } from './http.ts';
import { assertRunning, currentInvocation } from './lambda/invocation.ts';
import { verifyEksToken } from './signature-eks-token.ts';
import { readTrusted, TRUSTED } from './signature-trusted.ts';
import { ALGORITHM, type Refused, type Verified, verifySignature } from './signature.ts';
import { clusterAt } from './world/endpoints.ts';
import type { ClusterState, World } from './world/world.ts';

export interface DoorOptions {
  world: World;
  /** The world's time. */
  clock: { now(): number };
  /** By the service's name in the signature's credential scope. */
  services: Record<string, Service>;
  /** The API server of a cluster. */
  kubernetes: (cluster: ClusterState) => Service;
  /** The clock that signatures are judged by; default: this machine's, since SDKs sign by it. */
  signatureTime?: () => number;
  /**
   * The step whose function has that role, for functions in processes of their own: those here are known by their
   * invocation.
   */
  stepOf?: (principalArn: string) => string | undefined;
  /** Whether callers may name their key instead of signing; only where none of them comes from outside this process. */
  trustCallers?: boolean;
  /** Who may do what; default: one of its own, by the world's roles. */
  authorizer?: Authorizer;
  /** The application's own APIs, if it has any. */
  apis?: ApiGateway;
}

export interface Door {
  /** Answers every request; rejects only where a fault breaks the connection or ends the process that calls. */
  handle: (request: HttpRequest) => Promise<HttpResponse>;
  /** Lets happen what is due by now, as every request does before it is answered. */
  catchUp: () => void;
  /** What services threw, which callers saw as a 500: each one is a defect of the sandbox. */
  failures: { service: string; operation: string; error: unknown }[];
  /**
   * Origins such as http://127.0.0.1:4566 at which the AWS services answer beside their own hosts; a transport that
   * listens adds its own.
   */
  addresses: Set<string>;
  /** Whether the application's API answers at that URL's host. */
  hasApiAt: (url: URL) => boolean;
}

/** What is known of a call while it runs; becomes its line in the call log. */
interface OpenCall {
  service: string;
  protocol: Protocol;
  operation: string;
  input: unknown;
  caller: string;
  account: string;
  region: string;
  cluster?: ClusterState;
  /** The action that its caller has no right to. */
  denied?: string;
}

/** A call that was let in: whom it goes to, and who makes it. */
interface Admitted {
  service: Service;
  caller: Caller;
}

/** Who calls an API, before a method of it has asked. */
const UNASKED: Caller = { accessKeyId: '', principalArn: '', account: '' };

export const createDoor = ({
  world,
  clock,
  services,
  kubernetes,
  signatureTime = Date.now,
  stepOf,
  trustCallers = false,
  authorizer = new Authorizer(world),
  apis,
}: DoorOptions): Door => {
  const failures: Door['failures'] = [];
  const addresses: Door['addresses'] = new Set();
  const ids = world.random.fork();
  const playFault = createFaultPlayer(world);
  const apiServers = new Map<ClusterState, Service>();

  const apiServerOf = (cluster: ClusterState): Service => {
    const service = apiServers.get(cluster) ?? kubernetes(cluster);
    apiServers.set(cluster, service);
    return service;
  };

  const run = async ({ service, caller }: Admitted, request: HttpRequest, call: OpenCall): Promise<HttpResponse> => {
    const context: CallContext = {
      caller,
      region: call.region,
      describe: (operation, input) => {
        call.operation = operation;
        call.input = input;
      },
      authorize: (asked) => {
        const denial = authorizer.authorize(caller, asked, call.region);
        if (denial) call.denied = denial.action;
        return denial;
      },
    };
    try {
      return await service(request, context);
    } catch (error) {
      failures.push({ service: call.service, operation: call.operation, error });
      const name =
        call.protocol === 'kubernetes' || call.protocol === 'rest-xml'
          ? 'InternalError'
          : call.protocol === 'query'
            ? 'ServiceFailure'
            : 'InternalServerError';
      return refusal(
        call.protocol,
        500,
        name,
        `The sandbox's ${call.service} service failed in ${call.operation}: ${error instanceof Error ? error.message : String(error)}`,
        ids.uuid(),
      );
    }
  };

  const admitToCluster = (request: HttpRequest, cluster: ClusterState, call: OpenCall): Admitted | HttpResponse => {
    const token = /^Bearer (.+)$/i.exec(request.headers['authorization'] ?? '')?.[1];
    const caller =
      token === undefined
        ? { refused: 'no bearer token' }
        : verifyEksToken(world, token, cluster.name, signatureTime(), { addresses, trustCallers });
    // The API server does not tell a caller why; the call log does.
    if ('refused' in caller) {
      call.input = { refused: caller.refused };
      return refusal('kubernetes', 401, 'Unauthorized', 'Unauthorized', '');
    }
    call.caller = caller.principalArn;
    return { service: apiServerOf(cluster), caller };
  };

  const verify = (request: HttpRequest): Verified | Refused =>
    (trustCallers ? readTrusted(request, world, signatureTime()) : undefined) ??
    verifySignature(request, world, signatureTime());

  /**
   * Each of its methods says whether it wants a signature, and its own responses say that one is wrong: the gateway
   * asks.
   */
  const admitToApi = (gateway: ApiGateway, address: Address, call: OpenCall): Admitted => ({
    caller: UNASKED,
    service: (request, context) =>
      gateway.handle(request, address, {
        describe: (operation, input) => context.describe(operation, input),
        authenticate: () => {
          const verified = verify(request);
          if (verified.ok) call.caller = verified.caller.principalArn;
          return verified;
        },
        authorize: (caller, asked) => {
          const denial = authorizer.authorize(caller, asked, call.region);
          if (denial) call.denied = denial.action;
          return denial;
        },
      }),
  });

  const admitToAws = (request: HttpRequest, call: OpenCall): Admitted | HttpResponse => {
    const verified = verify(request);
    if (!verified.ok) return signatureRefusal(call.protocol, verified.problem, verified.message, ids.uuid());
    const { service: name, caller } = verified;
    // One IAM for all regions; SDKs that are given an endpoint sign for their own region nonetheless.
    const region = name === 'iam' ? 'us-east-1' : verified.region;
    Object.assign(call, {
      service: name,
      protocol: protocolOf(name),
      region,
      caller: caller.principalArn,
      account: caller.account,
    });
    const disabled = regionRefusal(world, request, call, () => ids.uuid());
    if (disabled) return disabled;
    const service = Object.hasOwn(services, name) ? services[name] : undefined;
    if (!service) {
      const known = Object.keys(services).join(', ');
      return refusal(
        call.protocol,
        501,
        'NotImplemented',
        `The sandbox does not have the service ${name}. It has: ${known}.`,
        ids.uuid(),
      );
    }
    return { service, caller };
  };

  const catchUp = (): void => world.schedule.advanceTo(clock.now());

  const handle = async (request: HttpRequest): Promise<HttpResponse> => {
    assertRunning();
    catchUp();
    // A signed request is for AWS, however many clusters there are to look through.
    const authorization = request.headers['authorization'] ?? '';
    const signed = authorization.startsWith(ALGORITHM) || authorization.startsWith(TRUSTED);
    const cluster = signed ? undefined : clusterAt(world, request.host);
    const address = cluster ? undefined : apis?.find(request);
    const service = cluster ? 'kubernetes' : address ? 'execute-api' : guessService(request);
    const owner = cluster ?? address?.api;
    const call: OpenCall = {
      service,
      protocol: protocolOf(service),
      operation: guessOperation(request),
      input: {},
      caller: '',
      account: owner?.account ?? '',
      region: owner?.region ?? '',
      ...(cluster ? { cluster } : {}),
    };
    const admitted = cluster
      ? admitToCluster(request, cluster, call)
      : apis && address
        ? admitToApi(apis, address, call)
        : admitToAws(request, call);
    const invocation = currentInvocation();
    const execution = invocation?.execution?.arn;
    const arrivedAt = (): string => new Date(world.schedule.now()).toISOString();
    const log = (at: string, response: HttpResponse): HttpResponse => {
      const error = errorNameOf(response);
      world.log.add({
        at,
        service: call.service,
        operation: call.operation,
        mutating: isMutating(call.protocol, request.method, call.operation),
        caller: call.caller,
        account: call.account,
        region: call.region,
        ...(cluster ? { cluster: cluster.name } : {}),
        ...(invocation ? { step: invocation.step, invocation: invocation.id } : {}),
        ...(execution === undefined ? {} : { execution }),
        input: call.input,
        status: response.status,
        ...(error === undefined ? {} : { error }),
        ...(call.denied === undefined ? {} : { denied: call.denied }),
      });
      return response;
    };
    if ('status' in admitted) return log(arrivedAt(), admitted);

    const effect = async (): Promise<HttpResponse> => {
      // A call that hung arrives later than it was made.
      catchUp();
      const at = arrivedAt();
      if (world.throttles.take(call, world.schedule.now())) return log(at, await run(admitted, request, call));
      Object.assign(call, { operation: operationOf(call.service, request), input: inputOf(call.service, request) });
      return log(at, throttledAnswer(call, ids.uuid()));
    };
    const step = invocation?.step ?? stepOf?.(call.caller);
    if (step === undefined) return effect();
    const operation = operationOf(call.service, request);
    const mutating = isMutating(call.protocol, request.method, operation);
    const input = (): unknown => inputOf(call.service, request);
    const fault = world.faults.strike(
      {
        service: call.service,
        operation,
        step,
        mutating,
        ...(execution === undefined ? {} : { executionArn: execution }),
      },
      input,
    );
    if (fault === undefined) return effect();
    Object.assign(call, { operation, input: input() });
    return playFault(fault, {
      call,
      invocation,
      effect,
      refuse: (response) => log(arrivedAt(), response),
      requestId: () => ids.uuid(),
    });
  };

  const hasApiAt = ({ host, origin }: URL): boolean =>
    apis !== undefined && (apis.isHost(host) || addresses.has(origin));

  return { handle, catchUp, failures, addresses, hasApiAt };
};
