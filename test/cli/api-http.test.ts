import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createApiClient, networkHttp } from '../../cli/api/http.ts';
import type { PlainHttpRequest } from '../../lambdas/adapters/clients.ts';
import { matching } from '../lambdas/matchers.ts';

const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token' };
const URL_OF_STAGE = 'https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/v1';

const recording = (url = URL_OF_STAGE) => {
  const sent: PlainHttpRequest[] = [];
  const client = createApiClient({
    url,
    region: 'eu-west-1',
    credentials,
    now: () => new Date('2026-01-15T09:00:00Z'),
    http: async (request) => {
      sent.push(request);
      return { status: 202, headers: { location: '/x' }, body: '{}' };
    },
  });
  return { client, sent };
};

describe('a request to the API', () => {
  it('is signed for execute-api, with the session token, and returns the response', async () => {
    const { client, sent } = recording();
    expect(
      await client.request('POST', '/migrations', { body: { cluster: 'dev' }, headers: { 'Idempotency-Key': 'k' } }),
    ).toEqual({ status: 202, headers: { location: '/x' }, body: '{}' });
    expect(sent).toEqual([
      {
        method: 'POST',
        url: `${URL_OF_STAGE}/migrations`,
        body: '{"cluster":"dev"}',
        headers: expect.objectContaining({
          host: 'a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com',
          'content-type': 'application/json',
          'Idempotency-Key': 'k',
          'x-amz-date': '20260115T090000Z',
          'x-amz-security-token': 'token',
          authorization: matching(
            /^AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE\/20260115\/eu-west-1\/execute-api\/aws4_request, SignedHeaders=content-type;host;idempotency-key;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/,
          ),
        }) as object,
      },
    ]);
  });

  it('has an encoded query, with lists, and without undefined values', async () => {
    const { client, sent } = recording(`${URL_OF_STAGE}/`);
    await client.request('GET', '/migrations', {
      query: { cluster: "a b+c&d='e'", outcome: ['migrated', 'blocked'], since: undefined },
    });
    expect(sent[0]).toMatchObject({
      method: 'GET',
      url: `${URL_OF_STAGE}/migrations?cluster=a%20b%2Bc%26d%3D%27e%27&outcome=migrated&outcome=blocked`,
    });
    expect(sent[0]).not.toHaveProperty('body');
    expect(sent[0]!.headers).not.toHaveProperty('content-type');
  });

  it.each(['http://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/v1', 'ftp://127.0.0.1/v1', 'v1', ''])(
    'never goes to %s',
    (url) => expect(() => recording(url)).toThrow(`The API address ${url} cannot be used: it must be an https URL`),
  );

  it.each(['http://127.0.0.1:4566/v1', 'http://localhost:4566/v1', 'http://[::1]:4566/v1'])(
    'may go to this machine in the clear: %s',
    async (url) => {
      const { client, sent } = recording(url);
      await client.request('GET', '/plans/1');
      expect(sent[0]).toMatchObject({ url: `${url}/plans/1`, headers: { host: new URL(url).host } });
    },
  );
});

describe('over the network', () => {
  const servers: ReturnType<typeof createServer>[] = [];
  afterEach(() => servers.splice(0).forEach((server) => server.close()));

  it('sends what was signed, follows no redirect and reads the response', async () => {
    const server = createServer((message, reply) => {
      reply.writeHead(303, {
        location: '/elsewhere',
        'x-url': message.url ?? '',
        'x-host': message.headers.host ?? '',
        'x-token': String(message.headers['x-amz-security-token']),
      });
      message.pipe(reply);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = createApiClient({ url: `${url}/v1`, region: 'eu-west-1', credentials, http: networkHttp });
    expect(await client.request('POST', '/plans/a%20b', { query: { q: '1' }, body: 'naïve' })).toMatchObject({
      status: 303,
      body: 'naïve',
      headers: {
        location: '/elsewhere',
        'x-url': '/v1/plans/a%20b?q=1',
        'x-host': new URL(url).host,
        'x-token': 'token',
      },
    });
  });

  it('rejects if nothing answers', async () => {
    const client = createApiClient({
      url: 'http://127.0.0.1:1/v1',
      region: 'eu-west-1',
      credentials,
      http: networkHttp,
    });
    await expect(client.request('GET', '/plans/1')).rejects.toThrow('fetch failed');
  });
});
