import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { PlainHttp, PlainHttpRequest } from './clients.ts';

/** Maximum time in milliseconds until a response begins, and between its parts. */
export const SOCKET_TIMEOUT = 10_000;
/**
 * Maximum size of a response in bytes: several times that of a page of 500 objects, and small enough for a 512 MB
 * Lambda.
 */
export const LONGEST_ANSWER = 64 * 1024 * 1024;

/** Returns the error of a call that gets no response in time. */
export const noAnswer = (): Error =>
  Object.assign(new Error(`no answer within ${SOCKET_TIMEOUT / 1000} seconds`), { code: 'ETIMEDOUT' });

const send = (options: PlainHttpRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { method, url, headers, body, certificateAuthority } = options;
    const request = httpsRequest(url, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-length': Buffer.byteLength(body) },
      // Connections are not reused, because they may be closed while a Lambda is frozen.
      agent: false,
      timeout: SOCKET_TIMEOUT,
      ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
    });
    const giveUp = (): void => {
      request.destroy(noAnswer());
    };
    // Node counts an unanswered TLS handshake as activity, so its own time-out would take twice as long.
    const deadline = setTimeout(giveUp, SOCKET_TIMEOUT);
    request.on('timeout', giveUp);
    request.on('close', () => clearTimeout(deadline));
    request.on('error', reject);
    request.on('response', (response) => {
      clearTimeout(deadline);
      resolve(response);
    });
    request.end(body);
  });

/**
 * Makes an HTTPS request over the network, without retries. If given, only `certificateAuthority` is trusted. Redirects
 * are not followed. Rejects with Node's own error (`code` such as ECONNREFUSED, ECONNRESET, ETIMEDOUT) if the response
 * is incomplete, and with EMSGSIZE if it is too long.
 */
export const nodeHttp: PlainHttp = async (options) => {
  const response = await send(options);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_ANSWER)
      throw Object.assign(new Error(`the answer is longer than ${LONGEST_ANSWER / 1024 / 1024} MB`), {
        code: 'EMSGSIZE',
      });
    chunks.push(chunk);
  }
  const headers = Object.entries(response.headers).map(([name, value]): [string, string] => [
    name,
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ]);
  return {
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks).toString('utf8'),
  };
};
