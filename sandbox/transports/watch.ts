/**
 * Watches of the Kubernetes API over a connection that stays open. The sandbox's API server answers a watch at once,
 * with the changes since a resourceVersion; here that request is repeated whenever the cluster has changed, and the
 * client sees one stream.
 */
import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Gateway } from '../gateway/gateway.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { isWatchRequest } from '../kubernetes/list-options.ts';
import type { ClusterState } from '../world/world.ts';

/** Interval between checks for changes, in real time with every clock of the world. */
const POLL_MILLISECONDS = 50;
/** The API server's default if the client sets no timeout (kube-apiserver, --min-request-timeout). */
const DEFAULT_SECONDS = 1800;

export const isWatch = (request: HttpRequest): boolean => request.method === 'GET' && isWatchRequest(request);

const textOf = ({ body }: HttpResponse): string =>
  typeof body === 'string' ? body : Buffer.from(body).toString('utf8');

const ERROR_EVENT = /^\{"type":"ERROR"/m;

/** Returns the request that continues a watch. The initial events are sent once. */
const laterRequest = (request: HttpRequest, since: number): HttpRequest => {
  const { sendInitialEvents: _initial, resourceVersionMatch: _match, ...query } = request.query;
  return { ...request, query: { ...query, resourceVersion: String(since) } };
};

/**
 * Serves a watch until its `timeoutSeconds` are over or the client has disconnected. A refusal of a later request, such
 * as for a version that is too old, is sent as an ERROR event and ends the watch, as the API server does. Returns the
 * first response instead if that is already a refusal.
 */
export const serveWatch = async (
  gateway: Gateway,
  cluster: ClusterState,
  request: HttpRequest,
  reply: ServerResponse,
): Promise<HttpResponse | undefined> => {
  const until = performance.now() + (Number(request.query['timeoutSeconds']) || DEFAULT_SECONDS) * 1000;
  let since: number | undefined;
  while (since === undefined || (!reply.destroyed && performance.now() < until)) {
    gateway.catchUp();
    // Read before the request: a concurrent change is sent twice rather than never.
    const version = cluster.kube.resourceVersion;
    if (version !== since) {
      const response = await gateway.handle(since === undefined ? request : laterRequest(request, since));
      if (response.status !== 200) {
        if (since === undefined) return response;
        reply.write(`${JSON.stringify({ type: 'ERROR', object: JSON.parse(textOf(response)) as unknown })}\n`);
        break;
      }
      if (since === undefined) reply.writeHead(200, response.headers).flushHeaders();
      const events = textOf(response);
      if (events !== '') reply.write(events);
      if (ERROR_EVENT.test(events)) break;
      since = version;
    }
    await wait(POLL_MILLISECONDS);
  }
  reply.end();
  return undefined;
};
