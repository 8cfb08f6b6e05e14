/** Converts requests and responses between the SDK's and the sandbox's types. */
import { hostOf } from '../../lambdas/domain/aws/partitions.ts';
import type { HttpRequest as SmithyRequest } from '@smithy/types';
import type { SdkSettings } from '../../lambdas/adapters/clients.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';

export const bytesOf = (body: unknown): Uint8Array => {
  if (body === undefined || body === null) return new Uint8Array();
  if (typeof body === 'string') return Buffer.from(body);
  // A plain view: the SDK's own byte arrays warn when they are used like text.
  if (body instanceof Uint8Array) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  throw new TypeError('The sandbox supports text and bytes as a request body, but not streams.');
};

export const lowerCase = (headers: Record<string, string>): Record<string, string> => {
  const lower: Record<string, string> = {};
  for (const name of Object.keys(headers)) lower[name.toLowerCase()] = headers[name] ?? '';
  return lower;
};

/** Returns the headers without a Date header: the SDK would adjust its signing clock to it. */
export const withoutDate = (response: HttpResponse): Record<string, string> => {
  const { date: _, ...headers } = lowerCase(response.headers);
  return headers;
};

export const fromSmithy = (request: SmithyRequest): HttpRequest => {
  const headers = lowerCase(request.headers);
  const query = Object.entries(request.query ?? {}).map(([name, value]): [string, string | string[]] => [
    name,
    value ?? '',
  ]);
  return {
    method: request.method,
    host: headers['host'] ?? (request.port === undefined ? request.hostname : `${request.hostname}:${request.port}`),
    path: request.path,
    query: Object.fromEntries(query),
    headers,
    body: bytesOf(request.body),
  };
};

/** Settings that only DynamoDB's client would look up, in files too, at the first call of each client. */
const DYNAMODB_SETTINGS = {
  accountIdEndpointMode: 'disabled',
  endpointDiscoveryEnabledProvider: () => Promise.resolve(false),
};

/**
 * Settings that override this machine's profile, endpoint and FIPS settings for AWS, which do not apply to the sandbox.
 */
export const sdkSettings = (service: string, region: string): SdkSettings & { cacheMiddleware: boolean } => ({
  endpoint: `https://${hostOf(service, region)}`,
  retryMode: 'standard',
  defaultsMode: 'standard',
  useFipsEndpoint: false,
  useDualstackEndpoint: false,
  userAgentAppId: () => Promise.resolve(undefined),
  authSchemePreference: () => Promise.resolve([]),
  // A client's middlewares never change after its creation, except those of the document client, which adds its own.
  cacheMiddleware: service !== 'dynamodb',
  ...(service === 'dynamodb' ? DYNAMODB_SETTINGS : {}),
});
