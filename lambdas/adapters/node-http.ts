import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { PlainHttp, PlainHttpRequest } from './clients.ts';

/**
 * Bounds of an exchange. An answer must begin within `pause` milliseconds, continue after each pause of that length, and
 * end in time for its size: within `pause`, and a second more for each `leastRate` bytes of it. No answer is longer than
 * `longest` bytes.
 */
export interface HttpBounds {
  pause: number;
  leastRate: number;
  longest: number;
}

/** Maximum time in milliseconds until a response begins, and between its parts. */
export const SOCKET_TIMEOUT = 10_000;
/**
 * Maximum size of a response in bytes. Read and parsed, a response takes about ten times its size in memory, and a Lambda
 * of 512 MB inspects several clusters at once. A list that is longer is read in smaller pages.
 */
export const LONGEST_ANSWER = 8 * 1024 * 1024;
/** With this rate, the longest response ends within 52 s, which is less than any step's Lambda has. */
const LEAST_RATE = 256 * 1024;

const BOUNDS: HttpBounds = { pause: SOCKET_TIMEOUT, leastRate: LEAST_RATE, longest: LONGEST_ANSWER };

/** Returns the milliseconds within which a response must end, given the bytes of it that have arrived. */
export const timeFor = (received: number, { pause, leastRate }: HttpBounds = BOUNDS): number =>
  pause + (received / leastRate) * 1000;

const failed = (code: string, message: string): Error => Object.assign(new Error(message), { code });

/** Returns the error of a call that gets no response in time. */
export const noAnswer = ({ pause }: HttpBounds = BOUNDS): Error =>
  failed('ETIMEDOUT', `no answer within ${pause / 1000} seconds`);

/** Returns the error of a call whose response arrives too slowly. */
export const slowAnswer = (received: number, bounds: HttpBounds = BOUNDS): Error =>
  failed(
    'ETIMEDOUT',
    `the answer is too slow: ${received} bytes of it arrived within ${Math.round(timeFor(received, bounds) / 100) / 10} seconds`,
  );

/** Returns the error of a call whose response is too long. `kubernetes-api.ts` recognizes it by its code. */
export const longAnswer = ({ longest }: HttpBounds = BOUNDS): Error =>
  failed('EMSGSIZE', `the answer is longer than ${longest / 1024 / 1024} MB`);

const send = (options: PlainHttpRequest, bounds: HttpBounds): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { method, url, headers, body, certificateAuthority } = options;
    const request = httpsRequest(url, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-length': Buffer.byteLength(body) },
      // Connections are not reused, because they may be closed while a Lambda is frozen.
      agent: false,
      timeout: bounds.pause,
      ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
    });
    const giveUp = (): void => {
      request.destroy(noAnswer(bounds));
    };
    // Node counts an unanswered TLS handshake as activity, so its own time-out would take twice as long.
    const deadline = setTimeout(giveUp, bounds.pause);
    request.on('timeout', giveUp);
    request.on('close', () => clearTimeout(deadline));
    request.on('error', reject);
    request.on('response', (response) => {
      clearTimeout(deadline);
      resolve(response);
    });
    request.end(body);
  });

/** Reads a response to its end. The time that it may take grows with what has arrived, and only with that. */
const read = async (response: IncomingMessage, bounds: HttpBounds): Promise<string> => {
  const chunks: Buffer[] = [];
  let length = 0;
  const began = performance.now();
  const watch = (): void => {
    const left = began + timeFor(length, bounds) - performance.now();
    if (left > 0) timer = setTimeout(watch, left);
    else response.destroy(slowAnswer(length, bounds));
  };
  let timer = setTimeout(watch, bounds.pause);
  try {
    if (Number(response.headers['content-length'] ?? 0) > bounds.longest) throw longAnswer(bounds);
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > bounds.longest) throw longAnswer(bounds);
      chunks.push(chunk);
    }
  } catch (error) {
    response.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** Returns a function that makes HTTPS requests as `nodeHttp` does, within these bounds. */
export const createNodeHttp =
  (bounds: HttpBounds): PlainHttp =>
  async (options) => {
    const response = await send(options, bounds);
    const body = await read(response, bounds);
    const headers = Object.entries(response.headers).map(([name, value]): [string, string] => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]);
    return { status: response.statusCode ?? 0, headers: Object.fromEntries(headers), body };
  };

/**
 * Makes an HTTPS request over the network, without retries. If given, only `certificateAuthority` is trusted. Redirects
 * are not followed. Rejects with Node's own error (`code` such as ECONNREFUSED, ECONNRESET) if the response is incomplete,
 * with ETIMEDOUT if it does not arrive in time for its size, and with EMSGSIZE if it is too long.
 */
export const nodeHttp: PlainHttp = createNodeHttp(BOUNDS);
