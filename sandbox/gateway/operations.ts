/** Reads a request's operation and input before it reaches a service: fault rules need them to match. */
import type { Protocol } from './protocols.ts';
import { guessOperation } from './protocols.ts';
import { summarise as summariseDynamoDb } from '../dynamodb/service.ts';
import { findOperation } from '../eks/model.ts';
import { decodeInput } from '../eks/wire.ts';
import { summarise as summariseEvents } from '../events/service.ts';
import { contentOf, type HttpRequest } from '../http.ts';
import { readParameters } from '../iam/query-protocol.ts';
import type { Json } from '../json.ts';
import { queryOf } from '../kubernetes/query.ts';
import { requestInfo } from '../kubernetes/request-info.ts';
import type { RequestInfo } from '../kubernetes/request-info.ts';
import { operationNameOf as s3OperationOf, summarise as summariseS3 } from '../s3/request.ts';
import { summarise as summariseStates } from '../states/service.ts';

const READING = /^(Get|List|Describe|Query|Scan|BatchGet|Check|Validate|Simulate)/;

const isWrite = (method: string): boolean => !['GET', 'HEAD', 'OPTIONS'].includes(method);

const BY_METHOD: Partial<Record<Protocol, (method: string) => boolean>> = {
  kubernetes: (method) => method !== 'GET',
  'http-api': isWrite,
  'rest-xml': isWrite,
};

/** Returns whether a call can change anything. */
export const isMutating = (protocol: Protocol, method: string, operation: string): boolean =>
  BY_METHOD[protocol]?.(method) ?? !READING.test(operation);

const jsonOf = (request: HttpRequest): Json => contentOf(request) ?? {};

const requestInfoOf = (request: HttpRequest): RequestInfo =>
  requestInfo(request, request.path.length > 1 ? request.path.replace(/\/$/, '') : request.path);

const kubernetesOperation = (request: HttpRequest): string => {
  const { verb, path, resource, subresource } = requestInfoOf(request);
  return `${verb} ${path ?? (subresource === undefined ? resource : `${resource}/${subresource}`)}`;
};

const kubernetesInput = (request: HttpRequest): unknown => {
  const { path, resource, namespace, name, onObject } = requestInfoOf(request);
  if (path !== undefined) return {};
  const query = queryOf(request);
  const selectors = ['labelSelector', 'fieldSelector', 'limit', 'continue', 'watch'].flatMap((key) =>
    query(key) === undefined ? [] : [[key, query(key)] as const],
  );
  return {
    ...(namespace === undefined || resource === 'namespaces' ? {} : { namespace }),
    ...(onObject ? { name } : {}),
    ...Object.fromEntries(selectors),
    ...jsonOf(request),
  };
};

const eksInput = (request: HttpRequest): unknown => {
  const route = findOperation(request.method, request.path);
  return route && decodeInput(route.operation, route.labels, request);
};

const queryInput = (request: HttpRequest): unknown => {
  const { Action: _action, Version: _version, ...input } = Object.fromEntries(readParameters(request));
  return input;
};

const INPUTS: Record<string, (request: HttpRequest) => unknown> = {
  kubernetes: kubernetesInput,
  eks: eksInput,
  iam: queryInput,
  sts: queryInput,
  cloudformation: queryInput,
  ec2: queryInput,
  dynamodb: (request) => summariseDynamoDb(jsonOf(request)),
  states: (request) => summariseStates(jsonOf(request)),
  events: (request) => summariseEvents(jsonOf(request)),
  s3: summariseS3,
};

/** Returns the operation's name as in the call log. */
export const operationOf = (service: string, request: HttpRequest): string => {
  if (service === 'eks') return findOperation(request.method, request.path)?.operation.name ?? guessOperation(request);
  if (service === 's3') return s3OperationOf(request);
  if (service !== 'kubernetes') return guessOperation(request);
  try {
    return kubernetesOperation(request);
  } catch {
    // The API server will refuse this path.
    return guessOperation(request);
  }
};

/**
 * Returns the operation's input as in the call log; empty for a request that the service itself will refuse as
 * malformed.
 */
export const inputOf = (service: string, request: HttpRequest): unknown => {
  try {
    return INPUTS[service]?.(request) ?? {};
  } catch {
    return {};
  }
};
