/** The SDK's requests and answers, as the sandbox has them and the other way round. */
import { hostOf } from '../../lambdas/domain/partitions.ts';
import type { HttpRequest as SmithyRequest } from '@smithy/types';
import type { SdkSettings } from '../../lambdas/adapters/clients.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';

export const bytesOf = (body: unknown): Uint8Array => {
  if (body === undefined || body === null) return new Uint8Array();
  if (typeof body === 'string') return Buffer.from(body);
  // A plain view: the SDK's own byte arrays warn when they are handled like text.
  if (body instanceof Uint8Array) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  throw new TypeError('The sandbox takes text and bytes as a request body, no streams.');
};

export const lowerCase = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** Without a Date header: the SDK would move its signing clock by it. */
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

/** What DynamoDB's client alone would look up: in files too, at the first call of each client. */
const DYNAMODB_SETTINGS = {
  accountIdEndpointMode: 'disabled',
  endpointDiscoveryEnabledProvider: () => Promise.resolve(false),
};

/** Whatever profile, endpoint or FIPS setting this machine has for AWS: the sandbox is not there. */
export const sdkSettings = (service: string, region: string): SdkSettings & { cacheMiddleware: boolean } => ({
  endpoint: `https://${hostOf(service, region)}`,
  retryMode: 'standard',
  defaultsMode: 'standard',
  useFipsEndpoint: false,
  useDualstackEndpoint: false,
  userAgentAppId: () => Promise.resolve(undefined),
  authSchemePreference: () => Promise.resolve([]),
  // Nobody changes a client's middlewares once it is made, but for the document client, which adds its own.
  cacheMiddleware: service !== 'dynamodb',
  ...(service === 'dynamodb' ? DYNAMODB_SETTINGS : {}),
});
