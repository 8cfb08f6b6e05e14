/** Requests that never leave the process: SDK clients and the Kubernetes adapter call the door directly. */
import { Readable } from 'node:stream';
import { HttpResponse as SmithyResponse } from '@smithy/core/protocols';
import type { HttpRequest as SmithyRequest } from '@smithy/types';
import type { PlainHttp, SdkSettings, Transport } from '../../lambdas/adapters/clients.ts';
import { noAnswer, SOCKET_TIMEOUT } from '../../lambdas/adapters/node-http.ts';
import type { Door } from '../door.ts';
import { ConnectionLost } from '../door-faults.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { assertRunning } from '../lambda/invocation.ts';
import { isS3Host } from '../s3/request.ts';
import { trustedAuthSchemes } from '../signature-trusted.ts';
import { queryOf } from './query.ts';
import { clusterAt } from '../world/endpoints.ts';
import type { World } from '../world/world.ts';

const bytesOf = (body: unknown): Uint8Array => {
  if (body === undefined || body === null) return new Uint8Array();
  if (typeof body === 'string') return Buffer.from(body);
  // A plain view: the SDK's own byte arrays warn when they are handled like text.
  if (body instanceof Uint8Array) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  throw new TypeError('The sandbox takes text and bytes as a request body, no streams.');
};

const lowerCase = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** Without a Date header: the SDK would move its signing clock by it. */
const withoutDate = (response: HttpResponse): Record<string, string> => {
  const { date: _, ...headers } = lowerCase(response.headers);
  return headers;
};

const fromSmithy = (request: SmithyRequest): HttpRequest => {
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

class UntrustedCertificate extends Error {
  readonly code = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';
}

const plainHttp =
  (door: Pick<Door, 'handle' | 'hasApiAt'>, world: World, hang: NonNullable<InProcessOptions['hang']>): PlainHttp =>
  async (request) => {
    const url = new URL(request.url);
    // What TLS would do: no such host, or a certificate that the caller's authority did not sign. That of an API is
    // everybody's.
    const cluster = clusterAt(world, url.host);
    if (!cluster && !door.hasApiAt(url))
      throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${url.hostname}`), { code: 'ENOTFOUND' });
    if (cluster?.unreachable) {
      await hang(SOCKET_TIMEOUT);
      throw noAnswer();
    }
    if (cluster && request.certificateAuthority?.trim() !== cluster.certificateAuthority.trim()) {
      throw new UntrustedCertificate('unable to verify the first certificate');
    }
    const response = await door.handle({
      method: request.method,
      host: url.host,
      path: url.pathname,
      query: queryOf(url.searchParams),
      headers: lowerCase(request.headers),
      body: bytesOf(request.body),
    });
    return {
      status: response.status,
      headers: withoutDate(response),
      body: typeof response.body === 'string' ? response.body : Buffer.from(response.body).toString('utf8'),
    };
  };

/** What DynamoDB's client alone would look up: in files too, at the first call of each client. */
const DYNAMODB_SETTINGS = {
  accountIdEndpointMode: 'disabled',
  endpointDiscoveryEnabledProvider: () => Promise.resolve(false),
};

/** Whatever profile, endpoint or FIPS setting this machine has for AWS: the sandbox is not there. */
const settingsFor = (service: string, region: string): SdkSettings & { cacheMiddleware: boolean } => ({
  endpoint: `https://${service}.${region}.amazonaws.com`,
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

/** Once, as `maxAttempts: 1` says, without what a retry would need: a token, an id and a stack trace for each call. */
const onceOnly = {
  mode: 'standard',
  retry: <Input, Output>(next: (input: Input) => Promise<Output>, input: Input): Promise<Output> => next(input),
};

export interface InProcessOptions {
  /** Waited for before each request arrives; without it a call takes no time at all. */
  latency?: () => Promise<void>;
  /**
   * Waited for by a call that nobody answers, for as many milliseconds, before it gives up; without it that takes no
   * time at all.
   */
  hang?: (milliseconds: number) => Promise<void>;
  /** Clients name their key instead of signing: for a door that trusts its callers. */
  trusted?: boolean;
}

/**
 * A Transport for the client factory. The bodies of its answers are bytes, which the SDK takes as they are, but for
 * S3's.
 */
export const inProcessTransport = (
  door: Door,
  world: World,
  { latency, hang = () => Promise.resolve(), trusted = false }: InProcessOptions = {},
): Transport => {
  const delayed: Pick<Door, 'handle' | 'hasApiAt'> = {
    hasApiAt: door.hasApiAt,
    handle: async (request) => {
      assertRunning();
      await latency?.();
      return door.handle(request);
    },
  };
  const handler = {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: async (
      request: SmithyRequest,
      options?: { abortSignal?: { aborted: boolean } },
    ): Promise<{ response: SmithyResponse }> => {
      if (options?.abortSignal?.aborted) throw Object.assign(new Error('Request aborted'), { name: 'AbortError' });
      const response = await delayed.handle(fromSmithy(request)).catch((error: unknown): never => {
        // As the SDK's own request handler names it.
        throw error instanceof ConnectionLost ? Object.assign(error, { name: 'TimeoutError' }) : error;
      });
      const bytes = bytesOf(response.body);
      // Of S3's objects the SDK makes streams for its caller, and only of streams.
      const body = isS3Host(request.hostname) ? Readable.from(bytes.length === 0 ? [] : [bytes]) : bytes;
      return { response: new SmithyResponse({ statusCode: response.status, headers: withoutDate(response), body }) };
    },
  };
  const settings = trusted
    ? (service: string, region: string) => ({
        ...settingsFor(service, region),
        retryStrategy: onceOnly,
        defaultUserAgentProvider: () => Promise.resolve([]),
        httpAuthSchemes: trustedAuthSchemes(),
      })
    : settingsFor;
  return {
    requestHandler: handler as unknown as NonNullable<Transport['requestHandler']>,
    settingsFor: settings,
    http: plainHttp(delayed, world, hang),
  };
};
