/** Injects faults: what the caller gets instead of the service's answer, and whether the call has its effect. */
import { type Protocol, refusal } from './protocols.ts';
import type { HttpResponse } from '../http.ts';
import { assertRunning, ProcessExited, type RunningInvocation } from '../lambda/invocation.ts';
import type { FaultKind } from '../calls/faults.ts';
import { Random } from '../random.ts';
import type { World } from '../world/world.ts';

/** The connection broke: the caller cannot know whether its call arrived. */
export class ConnectionLost extends Error {
  readonly code = 'ECONNRESET';
}

/** A call that a fault is injected into. */
export interface InterceptedCall {
  service: string;
  protocol: Protocol;
  operation: string;
  input: unknown;
  caller: string;
  account: string;
  region: string;
}

const REFUSAL_KINDS = ['throttled', 'server-error', 'access-denied', 'in-use', 'not-found'] as const;
type RefusalKind = (typeof REFUSAL_KINDS)[number];
const isRefusal = (kind: FaultKind): kind is RefusalKind => REFUSAL_KINDS.some((each) => each === kind);
type Refused = [status: number, code: string, message: string];

const field = ({ input }: InterceptedCall, name: string): string => {
  const value = typeof input === 'object' && input !== null ? (input as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? value : '';
};

/** Returns `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, the ARN of a role's session. */
const sessionOf = ({ caller }: InterceptedCall): string => {
  const [, partition = '', , , account = '', resource = ''] = caller.split(':');
  return `arn:${partition}:sts::${account}:assumed-role/${resource.split('/').at(-1) ?? ''}/sandbox`;
};

const denied = (call: InterceptedCall): string =>
  `User: ${sessionOf(call)} is not authorized to perform: ${call.service}:${call.operation} on resource: ${call.service === 'iam' ? `role ${field(call, 'RoleName')}` : `arn:aws:${call.service}:${call.region}:${call.account}:*`} because no identity-based policy allows the ${call.service}:${call.operation} action`;

const s3ActionOf = ({ operation }: InterceptedCall): string =>
  `s3:${operation === 'ListObjectsV2' ? 'ListBucket' : operation.replace('Head', 'Get')}`;
const s3ResourceOf = (call: InterceptedCall): string =>
  ['arn:aws:s3:::', field(call, 'Bucket'), ...(field(call, 'Key') === '' ? [] : ['/', field(call, 'Key')])].join('');

/** Sources of the texts: `associations.ts`, `call.ts` and `addons.ts` of the EKS service. */
const eksNotFound = (call: InterceptedCall): string => {
  if (call.operation.includes('PodIdentityAssociation') && field(call, 'associationId') !== '')
    return `No association found for ID: ${field(call, 'associationId')}`;
  if (field(call, 'addonName') !== '' && field(call, 'clusterName') !== '')
    return `No addon: ${field(call, 'addonName')} found in cluster: ${field(call, 'clusterName')}`;
  return `No cluster found for name: ${field(call, 'clusterName') || field(call, 'name')}.`;
};
const eksInUse = (call: InterceptedCall): string =>
  /^Create(Addon|PodIdentityAssociation)$/.test(call.operation)
    ? 'Association already exists: a-00000000000000000'
    : `Addon ${field(call, 'addonName')} cannot be updated as it is currently in UPDATING state`;

/**
 * Services with the Query protocol have no "in use" error; the nearest is the error for concurrent changes (IAM API
 * model).
 */
const QUERY: Record<RefusalKind, (call: InterceptedCall) => Refused> = {
  throttled: () => [400, 'Throttling', 'Rate exceeded'],
  'server-error': () => [
    500,
    'ServiceFailure',
    'The request processing has failed because of an unknown error, exception or failure.',
  ],
  'access-denied': (call) => [403, 'AccessDenied', denied(call)],
  'in-use': () => [
    409,
    'ConcurrentModification',
    'The request was rejected because multiple requests to change this object were submitted simultaneously. Wait a few minutes and submit your request again.',
  ],
  'not-found': (call) => [404, 'NoSuchEntity', `The role with name ${field(call, 'RoleName')} cannot be found.`],
};

const EKS: typeof QUERY = {
  throttled: () => [429, 'ThrottlingException', 'Rate exceeded'],
  'server-error': () => [500, 'ServerException', 'Internal server error'],
  'access-denied': (call) => [403, 'AccessDeniedException', denied(call)],
  'in-use': (call) => [409, 'ResourceInUseException', eksInUse(call)],
  'not-found': (call) => [404, 'ResourceNotFoundException', eksNotFound(call)],
};

/**
 * DynamoDB API Reference, "Common errors" and "Error handling with DynamoDB": all errors except server errors are a
 * 400.
 */
const DYNAMODB: typeof QUERY = {
  throttled: () => [400, 'ThrottlingException', 'Rate of requests exceeds the allowed throughput.'],
  'server-error': () => [500, 'InternalServerError', 'Internal server error'],
  'access-denied': (call) => [400, 'AccessDeniedException', denied(call)],
  'in-use': () => [400, 'ResourceInUseException', 'The resource which is being attempted to be changed is in use.'],
  'not-found': () => [400, 'ResourceNotFoundException', 'Requested resource not found'],
};

const STATES: typeof QUERY = {
  throttled: () => [400, 'ThrottlingException', 'Rate exceeded'],
  'server-error': () => [
    500,
    'InternalFailure',
    'The request processing has failed because of an unknown error, exception or failure.',
  ],
  'access-denied': (call) => [400, 'AccessDeniedException', denied(call)],
  'in-use': () => [400, 'ConflictException', 'Updating or deleting a resource can cause inconsistency.'],
  'not-found': (call) =>
    call.operation === 'StartExecution'
      ? [400, 'StateMachineDoesNotExist', `State Machine Does Not Exist: '${field(call, 'stateMachineArn')}'`]
      : [400, 'ExecutionDoesNotExist', `Execution Does Not Exist: '${field(call, 'executionArn')}'`],
};

/** EventBridge API Reference, PutEvents and "Common errors". */
const EVENTS: typeof QUERY = {
  throttled: () => [400, 'ThrottlingException', 'Rate exceeded'],
  'server-error': () => [500, 'InternalException', 'This exception occurs due to unexpected causes.'],
  'access-denied': (call) => [400, 'AccessDeniedException', denied(call)],
  'in-use': () => [
    400,
    'ConcurrentModificationException',
    'There is concurrent modification on a rule, target, archive, or replay.',
  ],
  'not-found': () => [400, 'ResourceNotFoundException', 'Event bus default does not exist.'],
};

/** Amazon S3 API Reference, "Error responses"; a bucket with a request rate that is too high answers SlowDown. */
const S3: typeof QUERY = {
  throttled: () => [503, 'SlowDown', 'Please reduce your request rate.'],
  'server-error': () => [500, 'InternalError', 'We encountered an internal error. Please try again.'],
  'access-denied': (call) => [
    403,
    'AccessDenied',
    `User: ${sessionOf(call)} is not authorized to perform: ${s3ActionOf(call)} on resource: "${s3ResourceOf(call)}" because no identity-based policy allows the ${s3ActionOf(call)} action`,
  ],
  'in-use': () => [
    409,
    'OperationAborted',
    'A conflicting conditional operation is currently in progress against this resource. Please try again.',
  ],
  'not-found': (call) =>
    field(call, 'Key') === ''
      ? [404, 'NoSuchBucket', 'The specified bucket does not exist']
      : [404, 'NoSuchKey', 'The specified key does not exist.'],
};

/** Returns `pods "x"`, or `pods` for a call on all pods. */
const objectOf = (call: InterceptedCall): string => {
  const resource = call.operation.split(' ')[1] ?? '';
  return field(call, 'name') === '' ? resource : `${resource} "${field(call, 'name')}"`;
};
const KUBERNETES: typeof QUERY = {
  throttled: () => [429, 'TooManyRequests', 'Too many requests, please try again later.'],
  'server-error': () => [500, 'InternalError', 'Internal error occurred: etcdserver: request timed out'],
  'access-denied': (call) => [
    403,
    'Forbidden',
    `${objectOf(call)} is forbidden: User "${sessionOf(call)}" cannot ${call.operation.split(' ')[0] ?? ''} resource in the namespace "${field(call, 'namespace')}"`,
  ],
  'in-use': (call) => [
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${objectOf(call)}: the object has been modified; please apply your changes to the latest version and try again`,
  ],
  'not-found': (call) => [404, 'NotFound', `${objectOf(call)} not found`],
};

const REFUSALS: Record<string, typeof QUERY> = {
  eks: EKS,
  iam: QUERY,
  sts: QUERY,
  dynamodb: DYNAMODB,
  states: STATES,
  events: EVENTS,
  s3: S3,
  kubernetes: KUBERNETES,
};

const refusalOf = (kind: RefusalKind, call: InterceptedCall, requestId: string): HttpResponse => {
  const [status, code, message] = (REFUSALS[call.service] ?? EKS)[kind](call);
  return refusal(call.protocol, status, code, message, requestId);
};

/** Returns the throttling error of the call's service. */
export const throttledResponse = (call: InterceptedCall, requestId: string): HttpResponse =>
  refusalOf('throttled', call, requestId);

/**
 * How long after its function's timeout a hung call returns or arrives at the latest, in milliseconds: during the retry
 * or after it.
 */
const LATEST_MILLISECONDS = 5000;

export interface InjectionOptions {
  call: InterceptedCall;
  /** The invocation that makes the call; absent for a function in a process of its own. */
  invocation: RunningInvocation | undefined;
  /** Runs the service and logs the call. */
  effect: () => Promise<HttpResponse>;
  /** Logs the call with the given response and returns that response. */
  refuse: (response: HttpResponse) => HttpResponse;
  requestId: () => string;
}

/** Injects faults; a generator of its own, seeded with the world's seed, does not shift any other random sequence. */
export const createFaultInjector = (
  world: Pick<World, 'seed'>,
): ((kind: FaultKind, options: InjectionOptions) => Promise<HttpResponse>) => {
  const random = new Random(world.seed);

  const hang = async (invocation: RunningInvocation | undefined): Promise<void> => {
    if (!invocation) return;
    await invocation.sleep(invocation.remainingMilliseconds() + 1 + random.integer(LATEST_MILLISECONDS));
    assertRunning();
  };
  const exit = (invocation: RunningInvocation | undefined): never => {
    invocation?.exit();
    throw new ProcessExited('The process of this invocation has exited.');
  };

  return async (kind, { call, invocation, effect, refuse, requestId }) => {
    if (isRefusal(kind)) return refuse(refusalOf(kind, call, requestId()));
    switch (kind) {
      case 'lost-before':
        throw new ConnectionLost('socket hang up');
      case 'lost-after':
        await effect();
        throw new ConnectionLost('socket hang up');
      case 'crash-before':
        return exit(invocation);
      case 'crash-after':
        await effect();
        return exit(invocation);
      case 'time-out-before':
        await hang(invocation);
        return effect();
      case 'time-out-after': {
        const { status, headers, body } = await effect();
        await hang(invocation);
        // A snapshot of the response as text: its data may have changed by now.
        return { status, headers, body };
      }
      case 'abort-before':
        invocation?.execution?.stop();
        return effect();
      case 'abort-after': {
        const response = await effect();
        invocation?.execution?.stop();
        return response;
      }
    }
  };
};
