/** Sends requests to the API, with retries if that may help, and validates its answers. */
import type { AwsCredentialIdentity } from '@smithy/types';
import type { z } from 'zod';
import type { Clock } from '../../lambdas/ports/index.ts';
import type { PlainHttpResponse } from '../../lambdas/adapters/clients.ts';
import { ZOD_MESSAGES } from '../../lambdas/domain/text/zod-messages.ts';
import { shown } from '../../lambdas/domain/text/text.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { ApiClient, ApiRequestOptions } from './http.ts';
import { answeredError, firstWrong, unreadable } from './problems.ts';

export interface ExchangeOptions {
  client: ApiClient;
  clock: Pick<Clock, 'sleep'>;
  /** Returns the credentials, whose secrets are never printed. Throws if there are none. */
  credentials: () => Promise<AwsCredentialIdentity>;
}

export interface Question<Schema extends z.ZodType> {
  method: 'GET' | 'POST';
  /** Encoded. */
  path: string;
  query?: ApiRequestOptions['query'];
  body?: unknown;
  /** Makes a repeated POST idempotent: set on each that would otherwise take effect twice. */
  idempotencyKey?: string;
  answer: Schema;
}

export interface Answer<Value> {
  value: Value;
  /** Seconds, if the API returns them. */
  retryAfter?: number;
}

export type Ask = <Schema extends z.ZodType>(question: Question<Schema>) => Promise<Answer<z.output<Schema>>>;

/** Milliseconds before each retry: a deployment of the API, or a burst of other requests, ends in about a minute. */
const PAUSES = [1000, 2000, 4000, 8000, 16_000, 32_000];
/** Longest pause before a retry, in seconds. */
const LONGEST_PAUSE = 60;
/** Statuses of an API that is overloaded or unavailable: it is not known whether the request took effect. */
const AGAIN = new Set([429, 502, 503, 504]);
/** Maximum length of an answer in characters; the limit of API Gateway is 10 MB (Developer Guide, "Quotas"). */
const LONGEST_ANSWER = 10 * 1024 * 1024;

const retryAfterOf = ({ headers }: PlainHttpResponse): number | undefined => {
  const value = Object.entries(headers).find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  return value !== undefined && /^\d{1,6}$/.test(value) ? Math.min(LONGEST_PAUSE, Number(value)) : undefined;
};

const codeOf = (error: unknown): string => {
  const { name, message, cause } =
    error instanceof Error ? error : { name: 'Error', message: String(error), cause: undefined };
  const code = [error, cause]
    .map((one) => (one instanceof Error && 'code' in one ? String(one.code) : ''))
    .find((one) => one !== '');
  return [
    name === 'TypeError' || name === 'Error' ? undefined : name,
    code,
    cause instanceof Error ? cause.message : message,
  ]
    .filter(Boolean)
    .join(': ');
};

/** Returns bounds of time in the form of the API. */
export const timesOf = ({
  since,
  until,
}: {
  since?: number | undefined;
  until?: number | undefined;
}): Record<'since' | 'until', string | undefined> => {
  const text = (time: number | undefined): string | undefined =>
    time === undefined ? undefined : new Date(time).toISOString();
  return { since: text(since), until: text(until) };
};

/** Returns a note for a POST whose answer is lost, which may have taken effect. */
const unsure = ({ method, path }: { method: string; path: string }): string => {
  if (method !== 'POST') return '';
  const list = path.startsWith('/sweeps') ? 'sweeps' : path === '/plans' ? 'migrations --dry-run' : 'migrations';
  return `\nIt is not known whether the request took effect. To check: pod-identity ${list} --deployed`;
};

/** Removes the caller's secrets from text of a server, because a foreign server may repeat what it was sent. */
const withoutSecrets = (text: string, { secretAccessKey, sessionToken }: AwsCredentialIdentity): string =>
  [secretAccessKey, sessionToken].reduce<string>(
    (told, secret) =>
      secret ? told.replaceAll(secret, '[secret]').replaceAll(encodeURIComponent(secret), '[secret]') : told,
    text,
  );

/**
 * Returns the function that sends requests. It throws CliErrors: ApiError if the API is unreachable or its answer is not
 * understood, and the errors of its problem documents.
 */
export const createAsk = ({ client, clock, credentials }: ExchangeOptions): Ask => {
  const send = async (
    what: string,
    { method, path, query, body, idempotencyKey }: Omit<Question<z.ZodType>, 'answer'>,
    secrets: AwsCredentialIdentity,
  ): Promise<PlainHttpResponse> => {
    for (let tries = 0; ; tries += 1) {
      const pause = PAUSES[tries];
      let wanted: number | undefined;
      try {
        const response = await client.request(method, path, {
          ...(query ? { query } : {}),
          ...(body === undefined ? {} : { body }),
          headers: {
            accept: 'application/json, application/problem+json',
            ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
          },
        });
        if (!AGAIN.has(response.status) || pause === undefined) return response;
        wanted = retryAfterOf(response);
      } catch (error) {
        const why = withoutSecrets(shown(codeOf(error), 300), secrets);
        if (pause === undefined)
          throw new CliError(
            'ApiError',
            `the API did not answer ${what}: ${why}`,
            `Check the network and POD_IDENTITY_API_URL, which may point to a sandbox that has stopped${unsure({ method, path })}`,
            EXIT_CODES.unexpected,
          );
      }
      await clock.sleep(wanted === undefined ? (pause ?? 0) : wanted * 1000);
    }
  };

  return async ({ answer, ...question }) => {
    const what = `${question.method} ${question.path}`;
    const secrets = await credentials();
    const response = await send(what, question, secrets);
    if (response.body.length > LONGEST_ANSWER)
      throw unreadable(what, `it has more than ${LONGEST_ANSWER / 1024 / 1024} MB`);
    const isWell = response.status >= 200 && response.status < 300;
    const json = parsed(response.body, (text) => withoutSecrets(text, secrets));
    if (!isWell)
      throw answeredError(what, response.status, json?.value, response.status >= 500 ? unsure(question) : '');
    if (!json) throw unreadable(what, 'it is not JSON');
    const value = answer.safeParse(json.value, ZOD_MESSAGES);
    if (!value.success) throw unreadable(what, firstWrong(value.error));
    const retryAfter = retryAfterOf(response);
    return { value: value.data, ...(retryAfter === undefined ? {} : { retryAfter }) };
  };
};

/** Parses JSON; undefined if it is invalid. `clean` is applied to each text in it, after unescaping. */
const parsed = (text: string, clean: (text: string) => string): { value: unknown } | undefined => {
  try {
    return {
      value: JSON.parse(text, (_key, value: unknown) => (typeof value === 'string' ? clean(value) : value)) as unknown,
    };
  } catch {
    return undefined;
  }
};
