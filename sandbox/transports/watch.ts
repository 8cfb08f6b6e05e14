/**
 * Watches of the Kubernetes API over a connection that stays open. The API server's own answer to a watch ends at once,
 * with what has changed since a resourceVersion; here it is asked again whenever the cluster has changed, and the
 * client sees one stream.
 */
import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Door } from '../door.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import type { ClusterState } from '../world/world.ts';

/** Between two looks at whether the cluster has changed; on the wall, whatever the world's clock. */
const LOOK_MILLISECONDS = 50;
/** What the API server does where the client names no time (kube-apiserver, --min-request-timeout). */
const DEFAULT_SECONDS = 1800;

export const isWatch = ({ method, query }: HttpRequest): boolean =>
  method === 'GET' && ['true', '1'].includes(String(query['watch']));

const textOf = ({ body }: HttpResponse): string =>
  typeof body === 'string' ? body : Buffer.from(body).toString('utf8');

/**
 * Answers a watch until its `timeoutSeconds` are over or the client has gone. A refusal of a later look, such as of a
 * version that is too old, comes as an ERROR event and ends it, as the API server does it. Answers the first look's
 * response instead where that is a refusal already.
 */
export const serveWatch = async (
  door: Door,
  cluster: ClusterState,
  request: HttpRequest,
  reply: ServerResponse,
): Promise<HttpResponse | undefined> => {
  const until = performance.now() + (Number(request.query['timeoutSeconds']) || DEFAULT_SECONDS) * 1000;
  let since: number | undefined;
  while (since === undefined || (!reply.destroyed && performance.now() < until)) {
    door.catchUp();
    // Taken before the look: what changes meanwhile is rather told twice than never.
    const version = cluster.kube.resourceVersion;
    if (version !== since) {
      const response = await door.handle(
        since === undefined ? request : { ...request, query: { ...request.query, resourceVersion: String(since) } },
      );
      if (response.status !== 200) {
        if (since === undefined) return response;
        reply.write(`${JSON.stringify({ type: 'ERROR', object: JSON.parse(textOf(response)) as unknown })}\n`);
        break;
      }
      if (since === undefined) reply.writeHead(200, response.headers).flushHeaders();
      const events = textOf(response);
      if (events !== '') reply.write(events);
      since = version;
    }
    await wait(LOOK_MILLISECONDS);
  }
  reply.end();
  return undefined;
};
