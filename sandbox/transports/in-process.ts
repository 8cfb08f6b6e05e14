/** Requests that never leave the process: clients and the Kubernetes adapter call the sandbox's gateway directly. */
import { Readable } from 'node:stream';
import { HttpResponse as SmithyResponse } from '@smithy/core/protocols';
import type { HttpRequest as SmithyRequest } from '@smithy/types';
import type { PlainHttp, Transport } from '../../lambdas/adapters/clients.ts';
import { noAnswer, SOCKET_TIMEOUT } from '../../lambdas/adapters/node-http.ts';
import { claimToken, readClaimToken } from '../claim.ts';
import { createDirectClient } from '../direct/client.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { ConnectionLost } from '../gateway/faults.ts';
import { assertRunning } from '../lambda/invocation.ts';
import { isS3Host } from '../s3/request.ts';
import { readHostile } from './hostile-answers.ts';
import { badQueryOf, queryOf } from './query.ts';
import { bytesOf, fromSmithy, lowerCase, sdkSettings, withoutDate } from '../direct/smithy.ts';
import { clusterAt } from '../world/endpoints.ts';
import type { World } from '../world/world.ts';

class UntrustedCertificate extends Error {
  readonly code = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';
}

const plainHttp =
  (
    gateway: Pick<Gateway, 'handle' | 'hasApiAt'>,
    world: World,
    hang: NonNullable<InProcessOptions['hang']>,
    isDirect: boolean,
  ): PlainHttp =>
  async (request) => {
    const url = new URL(request.url);
    // As with TLS: an unknown host fails, and so does a certificate that the caller's authority did not sign. An API's
    // certificate is publicly trusted.
    const cluster = clusterAt(world, url.host);
    if (!cluster && !gateway.hasApiAt(url))
      throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${url.hostname}`), { code: 'ENOTFOUND' });
    if (cluster?.unreachable) {
      await hang(SOCKET_TIMEOUT);
      throw noAnswer();
    }
    if (cluster && request.certificateAuthority?.trim() !== cluster.certificateAuthority.trim()) {
      throw new UntrustedCertificate('unable to verify the first certificate');
    }
    const headers = lowerCase(request.headers);
    const response = await gateway.handle(
      {
        method: request.method,
        host: url.host,
        path: url.pathname,
        query: queryOf(url.searchParams),
        ...badQueryOf(url.search),
        headers,
        body: bytesOf(request.body),
      },
      isDirect ? readClaimToken(headers['authorization']) : undefined,
    );
    const { status, content } = response;
    if (cluster?.hostile) await readHostile(cluster.hostile, Buffer.from(response.body).toString('utf8'), hang);
    return {
      status,
      headers: withoutDate(response),
      get body() {
        return typeof response.body === 'string' ? response.body : Buffer.from(response.body).toString('utf8');
      },
      ...(content && isDirect ? { content } : {}),
    };
  };

/** Handles the SDK's requests. Bodies are bytes, which the SDK accepts, except for S3's. */
const requestHandler = (handle: Gateway['handle']): NonNullable<Transport['requestHandler']> => {
  const handler = {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: async (
      request: SmithyRequest,
      options?: { abortSignal?: { aborted: boolean } },
    ): Promise<{ response: SmithyResponse }> => {
      if (options?.abortSignal?.aborted) throw Object.assign(new Error('Request aborted'), { name: 'AbortError' });
      const response = await handle(fromSmithy(request)).catch((error: unknown): never => {
        // The name that the SDK's own request handler uses.
        throw error instanceof ConnectionLost ? Object.assign(error, { name: 'TimeoutError' }) : error;
      });
      const bytes = bytesOf(response.body);
      // The SDK converts S3's objects to streams for its caller, and accepts only streams for that.
      const body = isS3Host(request.hostname) ? Readable.from(bytes.length === 0 ? [] : [bytes]) : bytes;
      return { response: new SmithyResponse({ statusCode: response.status, headers: withoutDate(response), body }) };
    },
  };
  return handler as unknown as NonNullable<Transport['requestHandler']>;
};

export interface InProcessOptions {
  /** Awaited before each request arrives; without it a call takes no time. */
  latency?: () => Promise<void>;
  /** Awaited for that many milliseconds by an unanswered call before it fails; without it the call fails at once. */
  hang?: (milliseconds: number) => Promise<void>;
  /**
   * `direct`: clients pass their commands to the gateway, and name their key. `sdk` (default): the SDK's own clients,
   * which sign.
   */
  clients?: 'direct' | 'sdk';
}

/** Returns a Transport for the client factory. */
export const inProcessTransport = (
  gateway: Gateway,
  world: World,
  { latency, hang = () => Promise.resolve(), clients = 'sdk' }: InProcessOptions = {},
): Transport => {
  const handle: Gateway['handle'] = async (request, claim) => {
    assertRunning();
    await latency?.();
    return gateway.handle(request, claim);
  };
  return {
    requestHandler: requestHandler(handle),
    settingsFor: sdkSettings,
    http: plainHttp({ handle, hasApiAt: gateway.hasApiAt }, world, hang, clients === 'direct'),
    ...(clients === 'sdk'
      ? {}
      : {
          clientFor: (Class, service, config) => createDirectClient(Class, service, config, handle),
          eksToken: ({ cluster, credentials: { accessKeyId, sessionToken } }) =>
            Promise.resolve(
              claimToken({ accessKeyId, cluster, ...(sessionToken === undefined ? {} : { sessionToken }) }),
            ),
        }),
  };
};
