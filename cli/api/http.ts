/** Calls the service's HTTP API, with requests signed with Signature Version 4 for `execute-api`. */
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types';
import type { PlainHttp, PlainHttpResponse } from '../../lambdas/adapters/clients.ts';

export interface ApiClientOptions {
  /** URL of a stage: `https://ID.execute-api.REGION.amazonaws.com/STAGE`; plain HTTP only on this machine. */
  url: string;
  /** Region of the API. */
  region: string;
  credentials: AwsCredentialIdentity | AwsCredentialIdentityProvider;
  http: PlainHttp;
  /** Returns the time for signatures; default: this machine's clock. */
  now?: () => Date;
}

export interface ApiRequestOptions {
  /** Not encoded; a list is repeated, an undefined value is omitted. */
  query?: Record<string, string | readonly string[] | undefined>;
  headers?: Record<string, string>;
  /** JSON data; text is sent unchanged. */
  body?: unknown;
}

export interface ApiClient {
  /**
   * Sends a request. `path` is below the stage and encoded: `/migrations/01J…`. Resolves to any answer of the API,
   * including errors; rejects as `http` does.
   */
  request: (method: string, path: string, options?: ApiRequestOptions) => Promise<PlainHttpResponse>;
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Parses the URL. Throws for plain HTTP to another machine, because every request carries a session token. */
const baseOf = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.has(url.hostname)))) {
    throw new TypeError(
      `The API address ${text} cannot be used: it must be an https URL, or http on this machine. Use the URL of the API's stage, such as https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/v1.`,
    );
  }
  return url;
};

const queryOf = (given: ApiRequestOptions['query'] = {}): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]): [string, string[]][] =>
      value === undefined ? [] : [[name, typeof value === 'string' ? [value] : [...value]]],
    ),
  );

/** Encodes text as in the signature, including plus signs and brackets. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
const searchOf = (query: Record<string, string[]>): string =>
  Object.entries(query)
    .flatMap(([name, values]) => values.map((value) => `${encode(name)}=${encode(value)}`))
    .join('&');

const textOf = (body: unknown): string => (typeof body === 'string' ? body : JSON.stringify(body));

/** Returns the client. Throws a TypeError for an invalid URL, or one that would send credentials unencrypted. */
export const createApiClient = ({
  url,
  region,
  credentials,
  http,
  now = () => new Date(),
}: ApiClientOptions): ApiClient => {
  const base = baseOf(url);
  const signer = new SignatureV4({ service: 'execute-api', region, credentials, sha256: Sha256 });
  return {
    request: async (method, path, { query, headers, body } = {}) => {
      const asked = queryOf(query);
      // The path as it is sent, because the signed path must be the same.
      const target = new URL(`${base.origin}${base.pathname.replace(/\/$/, '')}${path}`);
      target.search = searchOf(asked);
      const text = body === undefined ? undefined : textOf(body);
      const unsigned = new HttpRequest({
        method,
        protocol: target.protocol,
        hostname: target.hostname,
        path: target.pathname,
        query: asked,
        headers: {
          host: target.host,
          ...(text === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(text === undefined ? {} : { body: text }),
      });
      const signed = await signer.sign(unsigned, { signingDate: now() });
      return http({ method, url: target.href, headers: signed.headers, ...(text === undefined ? {} : { body: text }) });
    },
  };
};

/** Longer than API Gateway waits for a function. */
const LONGEST_MILLISECONDS = 35_000;

/**
 * Sends one HTTP or HTTPS request, without retries or redirects. Rejects with the platform's own error if there is no
 * complete answer within 35 seconds.
 */
export const networkHttp: PlainHttp = async ({ method, url, headers, body }) => {
  // fetch does not accept the header, and derives it from the URL.
  const { host: _host, ...sent } = headers;
  const response = await fetch(url, {
    method,
    headers: sent,
    redirect: 'manual',
    signal: AbortSignal.timeout(LONGEST_MILLISECONDS),
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
};
