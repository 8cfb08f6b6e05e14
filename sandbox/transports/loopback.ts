/**
 * Serves the sandbox on 127.0.0.1: one HTTP port for all AWS services, one HTTPS port per cluster for its API server.
 * For other programs: the `aws` and `kubectl` commands, bundled Lambdas, anything with an SDK.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net';
import type { AwsCredentialIdentity } from '@smithy/types';
import type { Gateway } from '../gateway/gateway.ts';
import type { HttpRequest } from '../http.ts';
import { moveApiServer } from '../world/endpoints.ts';
import type { ClusterState, World } from '../world/world.ts';
import { readBody } from './body.ts';
import { createServerCertificate } from './certificates.ts';
import { badQueryOf, queryOf } from './query.ts';
import { isWatch, serveWatch } from './watch.ts';
import { WORLD_TIME } from './world-time.ts';

export interface LoopbackOptions {
  gateway: Gateway;
  world: World;
  /** The default credentials of `environment()`. */
  credentials: AwsCredentialIdentity;
  /** Port of the AWS services; 0, the default, means any free port. Clusters always get free ports. */
  port?: number;
}

export interface Loopback {
  /** Base URL of the AWS services. */
  url: string;
  /**
   * Returns variables that point any AWS SDK at the sandbox, with those credentials and that region (default: the home
   * region).
   */
  environment: (credentials?: AwsCredentialIdentity, region?: string) => Record<string, string>;
  /** Ends every connection and restores the clusters' former endpoints. */
  close: () => Promise<void>;
}

const HOST = '127.0.0.1';

/** Returns the request without its body, which is still to be read. */
const toRequest = (message: IncomingMessage, host: string | undefined): HttpRequest => {
  const [path = '/', search = ''] = (message.url ?? '/').split(/\?(.*)/s);
  const headers = Object.entries(message.headers).map(([name, value]): [string, string] => [
    name,
    name.startsWith('impersonate-')
      ? (message.headersDistinct[name] ?? []).join('\n')
      : Array.isArray(value)
        ? value.join(', ')
        : (value ?? ''),
  ]);
  return {
    method: message.method ?? 'GET',
    host: host ?? message.headers.host ?? '',
    path,
    query: queryOf(new URLSearchParams(search)),
    ...badQueryOf(search),
    headers: Object.fromEntries(headers),
    body: new Uint8Array(),
  };
};

/**
 * Passes requests to the gateway. A cluster's own host replaces the Host header, which may name this machine in several
 * ways.
 */
const listener = (gateway: Gateway, world: World, cluster?: ClusterState): RequestListener => {
  const answer = async (message: IncomingMessage, reply: ServerResponse): Promise<void> => {
    // The Date header is this machine's time, as signatures are: the SDK adjusts its signing clock to it.
    const bodiless = toRequest(message, cluster && new URL(cluster.endpoint).host);
    const body = await readBody(message, bodiless, cluster !== undefined);
    const request = body instanceof Uint8Array ? { ...bodiless, body } : bodiless;
    const response = await (!(body instanceof Uint8Array)
      ? body
      : cluster && isWatch(request)
        ? serveWatch(gateway, cluster, request, reply)
        : gateway.handle(request));
    if (!response) return;
    const content = typeof response.body === 'string' ? Buffer.from(response.body) : response.body;
    // A response to HEAD declares the length of the body itself.
    const length = request.method === 'HEAD' ? (response.headers['content-length'] ?? 0) : content.length;
    const time = cluster === undefined ? { [WORLD_TIME]: new Date(world.schedule.now()).toISOString() } : {};
    reply.writeHead(response.status, { ...response.headers, ...time, 'content-length': length }).end(content);
  };
  return (message, reply) => {
    // The gateway answers everything; the only error left is a connection that broke while sending its body.
    answer(message, reply).catch((error: unknown) => reply.destroy(error instanceof Error ? error : undefined));
  };
};

/** The sandbox cannot listen on the port; the message says which port, why, and what to do. */
export class PortError extends Error {
  override readonly name = 'PortError';
}

const PORT_REASONS: Record<string, string> = {
  EADDRINUSE: 'is in use',
  EACCES: 'is reserved: this user may not listen on it',
};

const listen = (server: TcpServer, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      const reason = PORT_REASONS[error.code ?? ''];
      reject(
        reason === undefined
          ? error
          : new PortError(`Port ${port} on ${HOST} ${reason}. Choose another port, or 0 for any free port.`, {
              cause: error,
            }),
      );
    };
    server.once('error', refuse);
    server.listen(port, HOST, () => {
      server.off('error', refuse);
      resolve((server.address() as AddressInfo).port);
    });
  });

const stop = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

interface Listening {
  server: TcpServer;
  /** Ends every connection. */
  stop: () => Promise<void>;
}

const answering = (server: Server): Listening => ({ server, stop: () => stop(server) });

/** Accepts connections and never answers, like a firewall that drops packets. */
const silent = (): Listening => {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    // A caller that times out may reset the connection.
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  const end = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { server, stop: end };
};

export const openLoopback = async ({ gateway, world, credentials, port = 0 }: LoopbackOptions): Promise<Loopback> => {
  const stops: (() => Promise<void>)[] = [];
  const former: { cluster: ClusterState; endpoint: string; certificateAuthority: string }[] = [];
  const clusters = [...world.accounts.values()].flatMap((account) => [...account.clusters.values()]);

  let url = '';

  const close = async (): Promise<void> => {
    gateway.addresses.delete(url);
    await Promise.all(stops.map((end) => end()));
    for (const { cluster, ...endpoint } of former) moveApiServer(world, cluster, endpoint);
  };

  try {
    const aws = createServer(listener(gateway, world));
    url = `http://${HOST}:${await listen(aws, port)}`;
    stops.push(() => stop(aws));
    gateway.addresses.add(url);

    if (clusters.length > 0) {
      const { authority, certificate, privateKey } = await createServerCertificate();
      for (const cluster of clusters) {
        const { server, stop: end } = cluster.unreachable
          ? silent()
          : answering(createTlsServer({ key: privateKey, cert: certificate }, listener(gateway, world, cluster)));
        const endpoint = `https://${HOST}:${await listen(server, 0)}`;
        stops.push(end);
        former.push({ cluster, endpoint: cluster.endpoint, certificateAuthority: cluster.certificateAuthority });
        moveApiServer(world, cluster, { endpoint, certificateAuthority: authority });
      }
    }

    return {
      url,
      close,
      environment: (caller = credentials, region = world.home.region) => ({
        // All services: a call to one that the sandbox does not simulate must not reach the real AWS.
        AWS_ENDPOINT_URL: url,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_ACCESS_KEY_ID: caller.accessKeyId,
        AWS_SECRET_ACCESS_KEY: caller.secretAccessKey,
        ...(caller.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: caller.sessionToken }),
        AWS_REGION: region,
        AWS_DEFAULT_REGION: region,
      }),
    };
  } catch (error) {
    await close();
    throw error;
  }
};
