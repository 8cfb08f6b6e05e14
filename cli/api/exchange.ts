/**
 * One question to the API and its answer: asked again where that may help, and believed only in the form that it has.
 */
import type { AwsCredentialIdentity } from '@smithy/types';
import type { z } from 'zod';
import type { Clock } from '../../lambdas/ports/index.ts';
import type { PlainHttpResponse } from '../../lambdas/adapters/clients.ts';
import { PLAIN_WORDS } from '../../lambdas/domain/text/zod-messages.ts';
import { shown } from '../../lambdas/domain/text/text.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { ApiClient, ApiRequestOptions } from './http.ts';
import { answeredError, firstWrong, unreadable } from './problems.ts';

export interface ExchangeOptions {
  client: ApiClient;
  clock: Pick<Clock, 'sleep'>;
  /** Whose values never stand in what is printed. Throws where there are none. */
  credentials: () => Promise<AwsCredentialIdentity>;
}

export interface Question<Schema extends z.ZodType> {
  method: 'GET' | 'POST';
  /** Encoded. */
  path: string;
  query?: ApiRequestOptions['query'];
  body?: unknown;
  /** Makes a repeated POST the same one: given to each that would otherwise do something twice. */
  idempotencyKey?: string;
  answer: Schema;
}

export interface Answer<Value> {
  value: Value;
  /** Seconds, where the API says so. */
  retryAfter?: number;
}

export type Ask = <Schema extends z.ZodType>(question: Question<Schema>) => Promise<Answer<z.output<Schema>>>;

/**
 * Waits before each further try, milliseconds: a deployment of the API, or a burst of others' requests, is over in
 * about a minute.
 */
const PAUSES = [1000, 2000, 4000, 8000, 16_000, 32_000];
/** Nobody is made to wait longer than that for one try, seconds. */
const LONGEST_PAUSE = 60;
/** The API, or the way to it, is overloaded or away for the moment: whether it did something is not known. */
const AGAIN = new Set([429, 502, 503, 504]);
/** Characters; API Gateway passes on 10 MB at most (Amazon API Gateway Developer Guide, "Quotas"). */
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

/** Bounds of time as the API takes them. */
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

/** A POST whose answer is lost may have done what it was to do. */
const unsure = ({ method, path }: { method: string; path: string }): string => {
  if (method !== 'POST') return '';
  const list = path.startsWith('/sweeps') ? 'sweeps' : path === '/plans' ? 'migrations --dry-run' : 'migrations';
  return `\nWhether it was done is not known. To look: pod-identity ${list} --deployed`;
};

/**
 * Text that came from outside, without the caller's secrets: a server that is none of ours may repeat what it was
 * sent.
 */
const withoutSecrets = (text: string, { secretAccessKey, sessionToken }: AwsCredentialIdentity): string =>
  [secretAccessKey, sessionToken].reduce<string>(
    (told, secret) =>
      secret ? told.replaceAll(secret, '[secret]').replaceAll(encodeURIComponent(secret), '[secret]') : told,
    text,
  );

/**
 * Answers the function that asks. It throws CliErrors: ApiError where the API can't be asked or understood, and what
 * its problem documents say.
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
            `the API does not answer ${what}: ${why}`,
            `Check the network and POD_IDENTITY_API_URL: a sandbox that has been stopped listens no more${unsure({ method, path })}`,
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
    const value = answer.safeParse(json.value, PLAIN_WORDS);
    if (!value.success) throw unreadable(what, firstWrong(value.error));
    const retryAfter = retryAfterOf(response);
    return { value: value.data, ...(retryAfter === undefined ? {} : { retryAfter }) };
  };
};

/** `clean`: of each text in it, once its escapes are read. */
const parsed = (text: string, clean: (text: string) => string): { value: unknown } | undefined => {
  try {
    return {
      value: JSON.parse(text, (_key, value: unknown) => (typeof value === 'string' ? clean(value) : value)) as unknown,
    };
  } catch {
    return undefined;
  }
};
