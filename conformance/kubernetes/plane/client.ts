/** A client of a real API server: keeps connections, and interprets nothing. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';

export interface KubeRequest {
  /** An object is sent as JSON, a string as it is. */
  body?: unknown;
  /** Overrides the default headers; undefined sends none. */
  headers?: Record<string, string | undefined>;
  /** A bearer token in the place of the default one; null sends none. */
  token?: string | null;
  signal?: AbortSignal;
}

export interface KubeResponse {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body as JSON; undefined if it is none. */
  body: unknown;
}

export interface KubeClient {
  request: (method: string, path: string, request?: KubeRequest) => Promise<KubeResponse>;
  open: (method: string, path: string, request?: KubeRequest) => Promise<IncomingMessage>;
  /** Closes all connections, open streams too. */
  close: () => void;
}

const CONTENT_TYPES: Record<string, string> = { PATCH: 'application/merge-patch+json' };

const headersOf = (method: string, { body, headers, token }: KubeRequest, fallback: string): Record<string, string> => {
  const bearer = token === undefined ? fallback : token;
  const all: Record<string, string | undefined> = {
    accept: 'application/json',
    ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
    ...(body === undefined ? {} : { 'content-type': CONTENT_TYPES[method] ?? 'application/json' }),
    ...Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])),
  };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Creates a client that trusts only `ca` and sends `token` unless a request has another one. */
export const createClient = (url: string, ca: string, token: string): KubeClient => {
  const agent = new Agent({ keepAlive: true, ca });
  const open = (method: string, path: string, request: KubeRequest = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { body, signal } = request;
      const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
      const headers = headersOf(method, request, token);
      const sent = httpsRequest(`${url}${path}`, {
        method,
        agent,
        ...(signal ? { signal } : {}),
        headers: text === undefined ? headers : { ...headers, 'content-length': Buffer.byteLength(text) },
      });
      sent.on('error', reject);
      sent.on('response', resolve);
      sent.end(text);
    });
  return {
    open,
    request: async (method, path, request) => {
      const response = await open(method, path, request);
      const chunks: Buffer[] = [];
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString('utf8');
      return { status: response.statusCode ?? 0, headers: response.headers, text, body: jsonOf(text) };
    },
    close: () => agent.destroy(),
  };
};
