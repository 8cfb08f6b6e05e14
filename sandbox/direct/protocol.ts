/**
 * An SDK client's own protocol without the client around it: serializes an operation's input and deserializes its
 * response. The SDK's middlewares, which resolve an endpoint, sign, count attempts and set a user agent, are left out;
 * if a request is plain data, so is the conversion to text.
 */
import { hostOf } from '../../lambdas/domain/aws/partitions.ts';
import { HttpResponse as SmithyResponse } from '@smithy/core/protocols';
import { NormalizedSchema } from '@smithy/core/schema';
import type { SchemaRef } from '@smithy/types';
import type { SharedConfig } from '../../lambdas/adapters/clients.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import type { Json } from '../json.ts';
import { type Shape, shapeOf } from '../shapes.ts';
import { bytesOf, fromSmithy, sdkSettings } from './smithy.ts';
import type { OperationSchema, Protocol } from './sdk-protocol.ts';
import { type Form, formOf } from './forms.ts';
import { isPlain, membersFromWire } from './values.ts';

/** `[9, namespace, name, traits, input, output]`, the form that the SDK's commands hold. */
export type OperationTuple = [number, string, string, unknown, () => SchemaRef, () => SchemaRef];
export type SdkClient = new (config: SharedConfig) => object;

interface ClientProtocol {
  protocol: Protocol;
  config: object;
}
const protocols = new Map<SdkClient, ClientProtocol>();

/** Creates, once for each class, a client that never makes calls, to get its protocol. */
const protocolOf = (Client: SdkClient, service: string): ClientProtocol => {
  const found = protocols.get(Client);
  if (found) return found;
  const region = 'us-east-1';
  const credentials = { accessKeyId: '', secretAccessKey: '' };
  const { config } = new Client({ region, credentials, maxAttempts: 1, ...sdkSettings(service, region) } as never) as {
    config: { protocol: Protocol };
  };
  config.protocol.setSerdeContext(config);
  const created = { protocol: config.protocol, config };
  protocols.set(Client, created);
  return created;
};

/** An operation of a service. */
interface Operation extends ClientProtocol {
  service: string;
  schema: OperationSchema;
  input: Shape;
  output: Shape;
  /** Builds the request for plain data; undefined for an operation that only the SDK can serialize. */
  form: Form | undefined;
}

const operations = new WeakMap<OperationTuple, Operation>();
export const operationOf = (Client: SdkClient, service: string, tuple: OperationTuple): Operation => {
  const found = operations.get(tuple);
  if (found) return found;
  const [, namespace, name, traits, input, output] = tuple;
  const { protocol, config } = protocolOf(Client, service);
  const shapes = { input: shapeOf(NormalizedSchema.of(input())), output: shapeOf(NormalizedSchema.of(output())) };
  const schema = { namespace, name, traits, input, output };
  const created = { service, protocol, config, schema, ...shapes, form: formOf(protocol, name, traits, shapes.input) };
  operations.set(tuple, created);
  return created;
};

export const requestOf = async (operation: Operation, region: string, input: Json): Promise<HttpRequest> => {
  const { service, protocol, config, schema, form } = operation;
  const hostname = hostOf(service, region);
  if (form && isPlain(operation.input, input)) return { host: hostname, ...form(input) };
  const endpoint = { protocol: 'https:', hostname, path: '/' };
  const context = { ...config, endpoint: () => Promise.resolve(endpoint) };
  return fromSmithy(await protocol.serializeRequest(schema, input, context));
};

/** Returns the same metadata as the SDK's protocols. */
const metadataOf = ({ status, headers }: HttpResponse): object => ({
  httpStatusCode: status,
  requestId: headers['x-amzn-requestid'],
  extendedRequestId: headers['x-amz-id-2'],
  cfId: headers['x-amz-cf-id'],
});

/** Deserializes text with the SDK's own protocol; rejects with the SDK's own error for a refusal. */
const readText = async ({ protocol, config, schema }: Operation, answer: HttpResponse): Promise<Json> => {
  const { status, headers, body } = answer;
  const response = new SmithyResponse({ statusCode: status, headers: { ...headers }, body: bytesOf(body) });
  try {
    return (await protocol.deserializeResponse(schema, config, response)) as Json;
  } catch (error) {
    // The SDK also makes this property non-enumerable.
    if (error instanceof Error) Object.defineProperty(error, '$response', { value: response, enumerable: false });
    throw error;
  }
};

/** Reads a response that is data; returns undefined for a response that the SDK must read. */
type Read = (content: Json) => Json | undefined;

const plainRead =
  ({ output }: Operation): Read =>
  (content) =>
    isPlain(output, content) ? membersFromWire(output, content) : undefined;

/** Rejects with the SDK's own error for a refusal. */
export const outputOf = (
  operation: Operation,
  response: HttpResponse,
  read: Read = plainRead(operation),
): Json | Promise<Json> => {
  const { status, content } = response;
  if (content === undefined || status >= 300) return readText(operation, response);
  const values = read(content);
  return values ? { ...values, $metadata: metadataOf(response) } : readText(operation, response);
};
