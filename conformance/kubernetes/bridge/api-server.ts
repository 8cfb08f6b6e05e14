/** The API server of a cluster, as the sandbox's gateway calls it: passes each request on to the real one. */
import { describeTo } from '../../../sandbox/kubernetes/service.ts';
import { requestInfo } from '../../../sandbox/kubernetes/request-info.ts';
import { json } from '../../../sandbox/kubernetes/answers.ts';
import { contentOf, type HttpRequest, type HttpResponse, type Service } from '../../../sandbox/http.ts';
import type { ControlPlane } from '../plane/options.ts';
import type { Mirror } from './mirror.ts';
import type { Times } from './times.ts';
import type { Work } from './work.ts';

export interface ApiServerOptions {
  plane: ControlPlane;
  mirror: Mirror;
  times: Times;
  work: Work;
}

/** Headers of the connection to the gateway, which mean nothing on the one to the server. */
const OWN_HEADERS = new Set(['host', 'content-length', 'connection', 'transfer-encoding', 'authorization']);
/** Headers of an answer that a client could go by. */
const ANSWERED = [
  'content-type',
  'cache-control',
  'retry-after',
  'warning',
  'allow',
  'location',
  'x-kubernetes-pf-flowschema-uid',
];

const targetOf = ({ path, query }: HttpRequest): string => {
  const parameters = new URLSearchParams();
  for (const [key, given] of Object.entries(query)) for (const value of [given].flat()) parameters.append(key, value);
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
};

const bodyOf = ({ content, body }: HttpRequest): string | undefined => {
  if (content) return JSON.stringify(content);
  return body.length > 0 ? Buffer.from(body).toString('utf8') : undefined;
};

const headersOf = ({ headers, content }: HttpRequest): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name))),
  ...(content && headers['content-type'] === undefined ? { 'content-type': 'application/json' } : {}),
});

/** Returns the service. A write is answered once the sandbox's own view of the cluster has it. */
export const createApiServer =
  ({ plane, mirror, times, work }: ApiServerOptions): Service =>
  async (request, context): Promise<HttpResponse> => {
    const path = request.path.length > 1 ? request.path.replace(/\/$/, '') : request.path;
    const wanted = requestInfo(request, path);
    const log =
      wanted.path === undefined
        ? describeTo(context, request, wanted)
        : (body: unknown) => context.describe(`${wanted.verb} ${path}`, body);
    log(request.method === 'GET' ? {} : (contentOf(request) ?? {}));
    const token = /^Bearer (.+)$/i.exec(request.headers['authorization'] ?? '')?.[1] ?? null;
    const body = bodyOf(request);
    const isRead = request.method === 'GET';
    const pass = async (): Promise<HttpResponse> => {
      const answer = await plane.request(request.method, targetOf(request), {
        token,
        headers: headersOf(request),
        ...(body === undefined ? {} : { body }),
      });
      if (answer.status < 300 && !isRead) await mirror.caughtUp(answer.body);
      times.observe();
      const headers = Object.fromEntries(
        ANSWERED.flatMap((name) => (answer.headers[name] === undefined ? [] : [[name, String(answer.headers[name])]])),
      );
      return typeof answer.body === 'object' && answer.body !== null
        ? json(answer.status, times.translate(answer.body), headers)
        : { status: answer.status, headers, body: answer.text };
    };
    return isRead ? work.reading(pass) : work.during(pass);
  };
