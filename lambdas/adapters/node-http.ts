import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { PlainHttp, PlainHttpRequest } from './clients.ts';

/** The answer must begin within that time, and then not pause for as long: milliseconds. */
export const SOCKET_TIMEOUT = 10_000;
/**
 * Bytes of an answer that are read: several times what a page of 500 objects has, and what a Lambda of 512 MB can hold.
 */
export const LONGEST_ANSWER = 64 * 1024 * 1024;

/** What a call ends with that gets no answer in that time. */
export const noAnswer = (): Error =>
  Object.assign(new Error(`no answer within ${SOCKET_TIMEOUT / 1000} seconds`), { code: 'ETIMEDOUT' });

const send = (options: PlainHttpRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { method, url, headers, body, certificateAuthority } = options;
    const request = httpsRequest(url, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-length': Buffer.byteLength(body) },
      // No connection is kept: a Lambda that was frozen in between would find it dead.
      agent: false,
      timeout: SOCKET_TIMEOUT,
      ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
    });
    const giveUp = (): void => {
      request.destroy(noAnswer());
    };
    // Node counts a TLS handshake that nobody answers as activity, and would wait twice as long before it says so.
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
 * One HTTPS exchange over the network, without retries. `certificateAuthority` is the only one trusted where it is
 * given. Follows no redirect. Rejects with Node's own error (`code` such as ECONNREFUSED, ECONNRESET, ETIMEDOUT) when
 * there is no whole answer, and with EMSGSIZE for one that does not end.
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
