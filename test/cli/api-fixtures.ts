/** A fake API: its requests and responses, in order. */
import type { MigrationAnswer } from '../../lambdas/api/answers.ts';
import { CliError } from '../../cli/errors.ts';
import type { PlainHttp, PlainHttpRequest, PlainHttpResponse } from '../../lambdas/adapters/clients.ts';
import { type ProblemKind, PROBLEMS } from '../../lambdas/api/problems.ts';
import { createAsk } from '../../cli/api/exchange.ts';
import { createApiClient } from '../../cli/api/http.ts';
import type { Waiting } from '../../cli/waiting.ts';
import { aReport } from './fixtures.ts';

export const API_URL = 'https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/v1';
export const CREDENTIALS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////wEaCXVz',
};
export const ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
export const HASH = 'f'.repeat(64);

type Reply = Partial<PlainHttpResponse> | Error;

export const json = (
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Partial<PlainHttpResponse> => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
});

export const problemAnswer = (kind: ProblemKind, detail: string, more: object = {}): Partial<PlainHttpResponse> =>
  json(
    { type: `urn:eks-pod-identity-migrator:problem:${kind}`, code: kind, ...PROBLEMS[kind], detail, ...more },
    PROBLEMS[kind].status,
    { 'content-type': 'application/problem+json' },
  );

export const lost = (code = 'ECONNRESET'): Error =>
  new TypeError('fetch failed', { cause: Object.assign(new Error('read ECONNRESET'), { code }) });

/** Returns the requests, such as `POST /migrations`. */
export const asked = ({ method, url }: PlainHttpRequest): string => `${method} ${url.slice(API_URL.length)}`;

export interface FakeApi {
  http: PlainHttp;
  requests: PlainHttpRequest[];
  sleeps: number[];
  ask: ReturnType<typeof createAsk>;
  clock: { now: () => number; sleep: (milliseconds: number) => Promise<void> };
}

/** Returns the responses in turn, and then the last one again. */
export const fakeApi = (...replies: (Reply | ((request: PlainHttpRequest) => Reply))[]): FakeApi => {
  const requests: PlainHttpRequest[] = [];
  const sleeps: number[] = [];
  let time = Date.parse('2026-01-15T09:00:00.000Z');
  const http: PlainHttp = (request) => {
    requests.push(request);
    const next = replies.length > 1 ? replies.shift() : replies[0];
    const reply = typeof next === 'function' ? next(request) : next;
    if (reply === undefined) throw new Error(`Nobody expects ${asked(request)}.`);
    return reply instanceof Error
      ? Promise.reject(reply)
      : Promise.resolve({ status: 200, headers: {}, body: '', ...reply });
  };
  const clock = {
    now: () => time,
    sleep: (milliseconds: number) => {
      sleeps.push(milliseconds);
      time += milliseconds;
      return Promise.resolve();
    },
  };
  const client = createApiClient({ url: API_URL, region: 'eu-west-1', credentials: CREDENTIALS, http });
  return { http, requests, sleeps, clock, ask: createAsk({ client, clock, credentials: async () => CREDENTIALS }) };
};

export const accepted = { migrationId: ID, status: 'accepted', links: { self: `/v1/migrations/${ID}` } };

/** A migration that has ended `migrated`. */
export const anAnswer = (change: Partial<MigrationAnswer> = {}): MigrationAnswer => {
  const { simulated: _simulated, ...report } = aReport();
  return {
    ...report,
    status: 'ended',
    dryRun: false,
    requestedBy: 'arn:aws:sts::111122223333:assumed-role/deployer/me',
    links: { self: `/v1/migrations/${ID}` },
    ...change,
  };
};

/** The same migration while it is running. */
export const aRunning = (change: Partial<MigrationAnswer> = {}): MigrationAnswer => {
  const { outcome: _outcome, endedAt: _endedAt, ...answer } = anAnswer();
  return { ...answer, status: 'running', executionStatus: 'RUNNING', steps: [], ...change };
};

export const pending = {
  round: 1,
  planHash: HASH,
  state: 'pending',
  requestedAt: '2026-01-15T09:00:01.000Z',
  expiresAt: '2026-01-16T09:00:01.000Z',
} as const;

/** A watcher that collects what it receives. */
export const watching = () => {
  const steps: string[][] = [];
  const messages: string[] = [];
  const waits: Waiting[] = [];
  return {
    steps,
    messages,
    waited: waits,
    watcher: {
      update: (now: readonly { name: string; endedAt?: Date }[]) =>
        void steps.push(now.map(({ name, endedAt }) => `${name}${endedAt ? '' : ' …'}`)),
      say: (text: string) => void messages.push(text),
      waits: (waiting: Waiting) => void waits.push(waiting),
    },
  };
};

/** Returns the CliError that the promise is rejected with. Throws if it is not. */
export const thrownBy = async (work: Promise<unknown>): Promise<CliError> => {
  const error: unknown = await work.then(
    () => undefined,
    (one: unknown) => one,
  );
  if (error instanceof CliError) return error;
  throw new Error('expected a CliError', { cause: error });
};
