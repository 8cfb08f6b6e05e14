/** The command line with --deployed, for a service whose API is in the environment. */
import { afterEach, beforeEach, vi } from 'vitest';
import type { PlainHttpResponse } from '../../lambdas/adapters/clients.ts';
import { API_URL, CREDENTIALS } from './api-fixtures.ts';
import { stubEnvironment, TARGET } from './fixtures.ts';
import { runWith } from './run-program.ts';

/**
 * Stubs the environment and `fetch` around each test. Returns what the API was asked, and its replies: each is used once,
 * the last again and again.
 */
export const deployedApi = () => {
  const api: { asked: string[]; replies: Partial<PlainHttpResponse>[] } = { asked: [], replies: [] };
  beforeEach(() => {
    stubEnvironment({
      POD_IDENTITY_API_URL: API_URL,
      POD_IDENTITY_SIMULATED: '1',
      AWS_REGION: TARGET.region,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_SESSION_TOKEN: CREDENTIALS.sessionToken,
      // Nothing listens there.
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
    });
    Object.assign(api, { asked: [], replies: [] });
    vi.stubGlobal('fetch', async (url: string, { method }: { method: string }) => {
      api.asked.push(`${method} ${url.slice(API_URL.length)}`);
      const reply = (api.replies.length > 1 ? api.replies.shift() : api.replies[0]) ?? { status: 404 };
      return new Response(reply.body ?? '', { status: reply.status ?? 200, headers: reply.headers ?? {} });
    });
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
  });
  return api;
};

/** Runs a command for the deployed service; no real time passes between two polls. */
export const runDeployed = (...argv: string[]) => runWith({ sleep: () => Promise.resolve() }, ...argv, '--deployed');
