/** A running call, and its line in the call log. */
import type { InterceptedCall } from './faults.ts';
import { isMutating } from './operations.ts';
import { errorNameOf, type Protocol, refusal } from './protocols.ts';
import type { Caller, HttpRequest, HttpResponse, Service } from '../http.ts';
import type { RunningInvocation } from '../lambda/invocation.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { ClusterState, World } from '../world/world.ts';

/** What is known of a running call. */
export interface OpenCall extends InterceptedCall {
  cluster?: ClusterState;
  /** The action that the caller is not allowed to perform. */
  denied?: string;
}

/** A call that was admitted: its service and its caller. */
export interface Admitted {
  service: Service;
  caller: Caller;
}

/** An error that a service threw, which its caller saw as a 500: a defect of the sandbox. */
export interface Failure {
  service: string;
  operation: string;
  error: unknown;
}

/** Writes the call's line to the log with its response, and returns the response. */
export const logCall = (
  world: World,
  {
    call,
    method,
    at,
    invocation,
  }: { call: OpenCall; method: string; at: string; invocation?: RunningInvocation | undefined },
  response: HttpResponse,
): HttpResponse => {
  const error = errorNameOf(response);
  const execution = invocation?.execution?.arn;
  world.log.add({
    at,
    service: call.service,
    operation: call.operation,
    mutating: isMutating(call.protocol, method, call.operation),
    caller: call.caller,
    account: call.account,
    region: call.region,
    ...(call.cluster ? { cluster: call.cluster.name } : {}),
    ...(invocation ? { step: invocation.step, invocation: invocation.id } : {}),
    ...(execution === undefined ? {} : { execution }),
    input: call.input,
    status: response.status,
    ...(error === undefined ? {} : { error }),
    ...(call.denied === undefined ? {} : { denied: call.denied }),
  });
  return response;
};

const INTERNAL_ERRORS: Partial<Record<Protocol, string>> = {
  kubernetes: 'InternalError',
  'rest-xml': 'InternalError',
  query: 'ServiceFailure',
};

/** Runs the service; an error that it throws is added to `failures`, and the caller gets a 500. */
export const runService = async (
  { service, caller }: Admitted,
  request: HttpRequest,
  call: OpenCall,
  { authorizer, failures, requestId }: { authorizer: Authorizer; failures: Failure[]; requestId: () => string },
): Promise<HttpResponse> => {
  try {
    return await service(request, {
      caller,
      region: call.region,
      describe: (operation, input) => {
        call.operation = operation;
        call.input = input;
      },
      authorize: (permission) => {
        const denial = authorizer.authorize(caller, permission, call.region);
        if (denial) call.denied = denial.action;
        return denial;
      },
    });
  } catch (error) {
    failures.push({ service: call.service, operation: call.operation, error });
    return refusal(
      call.protocol,
      500,
      INTERNAL_ERRORS[call.protocol] ?? 'InternalServerError',
      `The sandbox's ${call.service} service failed in ${call.operation}: ${error instanceof Error ? error.message : String(error)}`,
      requestId(),
    );
  }
};
