/**
 * An SDK client's own protocol, without the client around it: what an operation's input is on the wire, and what an
 * answer says. The SDK's middlewares, which find an endpoint, sign, count tries and keep a user agent, are left out.
 */
import { HttpResponse as SmithyResponse } from '@smithy/core/protocols';
import type { HttpRequest as SmithyRequest } from '@smithy/types';
import type { SharedConfig } from '../../lambdas/adapters/clients.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { bytesOf, fromSmithy, sdkSettings } from '../transports/smithy.ts';

/** `[9, namespace, name, traits, input, output]`, as the SDK's commands hold it. */
export type OperationTuple = [number, string, string, unknown, unknown, unknown];
interface OperationSchema {
  namespace: string;
  name: string;
  traits: unknown;
  input: unknown;
  output: unknown;
}

/** As much of the SDK's protocols as is used here. */
interface Protocol {
  setSerdeContext(config: object): void;
  serializeRequest(operation: OperationSchema, input: object, context: object): Promise<SmithyRequest>;
  deserializeResponse(operation: OperationSchema, context: object, response: SmithyResponse): Promise<object>;
}
export type SdkClient = new (config: SharedConfig) => object;

interface Known {
  protocol: Protocol;
  config: object;
}
const known = new Map<SdkClient, Known>();

/** A client that never calls, for its protocol: once for each class. */
const knownOf = (Client: SdkClient, service: string): Known => {
  const found = known.get(Client);
  if (found) return found;
  const region = 'us-east-1';
  const credentials = { accessKeyId: '', secretAccessKey: '' };
  const { config } = new Client({ region, credentials, maxAttempts: 1, ...sdkSettings(service, region) } as never) as {
    config: { protocol: Protocol };
  };
  config.protocol.setSerdeContext(config);
  const made = { protocol: config.protocol, config };
  known.set(Client, made);
  return made;
};

const schemas = new WeakMap<OperationTuple, OperationSchema>();
const schemaOf = (tuple: OperationTuple): OperationSchema => {
  const [, namespace, name, traits, input, output] = tuple;
  const schema = schemas.get(tuple) ?? { namespace, name, traits, input, output };
  schemas.set(tuple, schema);
  return schema;
};

/** One operation of a service, in a region, by the SDK's own protocol. */
export interface WireOperation {
  Client: SdkClient;
  service: string;
  region: string;
  operation: OperationTuple;
}

export const requestOf = async (
  { Client, service, region, operation }: WireOperation,
  input: object,
): Promise<HttpRequest> => {
  const { protocol, config } = knownOf(Client, service);
  const endpoint = { protocol: 'https:', hostname: `${service}.${region}.amazonaws.com`, path: '/' };
  const request = await protocol.serializeRequest(schemaOf(operation), input, {
    ...config,
    endpoint: () => Promise.resolve(endpoint),
  });
  return fromSmithy(request);
};

/** Rejects with the SDK's own error for a refusal. */
export const outputOf = async (
  { Client, service, operation }: WireOperation,
  { status, headers, body }: HttpResponse,
): Promise<object> => {
  const { protocol, config } = knownOf(Client, service);
  const response = new SmithyResponse({ statusCode: status, headers: { ...headers }, body: bytesOf(body) });
  try {
    return await protocol.deserializeResponse(schemaOf(operation), config, response);
  } catch (error) {
    // Hidden there too.
    if (error instanceof Error) Object.defineProperty(error, '$response', { value: response, enumerable: false });
    throw error;
  }
};
