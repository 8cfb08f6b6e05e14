import { ListClustersCommand } from '@aws-sdk/client-eks';
import { afterEach, describe, expect, it } from 'vitest';
import { networkHttp } from '../../../cli/api/http.ts';
import { ClientFactory } from '../../../lambdas/adapters/clients.ts';
import { loopbackUrlOf } from '../../../sandbox/apigateway/addresses.ts';
import type { AssemblyApi } from '../../../sandbox/assembly/apis.ts';
import { inProcessTransport } from '../../../sandbox/transports/in-process.ts';
import { openLoopback } from '../../../sandbox/transports/loopback.ts';
import { ScaledClock } from '../../../sandbox/clock/scaled-clock.ts';
import { customApi, openSession, operator, type Session, type SessionOptions, REGION, standardApi } from './fixture.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const listening = async (options: SessionOptions = {}) => {
  const location = openSession({ clock: (world) => new ScaledClock(1, world.schedule.now()), ...options });
  const loopback = await openLoopback({
    gateway: location.sandboxGateway,
    world: location.world,
    credentials: operator(location.world),
  });
  closing.push(loopback.close);
  return { location, loopback };
};

/** What a client sees, without what differs between calls. */
const seen = async (
  location: Session,
  url: string,
  http = inProcessTransport(location.sandboxGateway, location.world).http,
) => {
  const client = location.client({ url, http });
  const answers = [];
  for (const [method, path, options] of [
    ['GET', '/migrations', { query: { tag: ['a b', 'ü&=+'], limit: '5' } }],
    ['GET', '/migrations/a%2Fb%20c', {}],
    ['POST', '/migrations', { body: { text: 'naïve' }, headers: { 'Idempotency-Key': 'k' } }],
    ['POST', '/migrations/1/cancel', { body: 'no JSON' }],
    ['DELETE', '/files/x/y', {}],
    ['PUT', '/migrations', { body: {} }],
    ['GET', '/nothing', {}],
  ] as const) {
    const { status, headers, body } = await location.call(method, path, options, client);
    const {
      resource,
      pathParameters,
      multiValueQueryStringParameters,
      body: got,
      requestContext: context,
    } = JSON.parse(body) as Record<string, unknown>;
    answers.push({
      status,
      type: headers['content-type'],
      resource,
      pathParameters,
      multiValueQueryStringParameters,
      got,
      user: (context as { identity: { userArn: string } } | undefined)?.identity.userArn,
    });
  }
  return answers;
};

it('both transports return the same responses', async () => {
  const inProcess = await seen(openSession({ apis: [customApi] }), `https://${customApi.host}/v1/`);
  const { location, loopback } = await listening({ apis: [customApi] });
  const url = loopbackUrlOf([customApi], customApi, 'v1', loopback.url);
  expect([url, await seen(location, url, networkHttp)]).toEqual([`${loopback.url}/v1`, inProcess]);
  // This process itself also reaches the API at that address.
  expect(await seen(location, url)).toEqual(inProcess);
  expect(inProcess.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 404, 404]);
  expect(inProcess[0]).toMatchObject({ multiValueQueryStringParameters: { tag: ['a b', 'ü&=+'], limit: ['5'] } });
  expect(inProcess[1]).toMatchObject({ resource: '/migrations/{id}', pathParameters: { id: 'a%2Fb%20c' } });
  expect(inProcess[2]).toMatchObject({ got: '{"text":"naïve"}' });
});

describe('an address that all services share', () => {
  it('answers unsigned and badly signed requests through the API only below a stage', async () => {
    const { location, loopback } = await listening();
    const send = (path: string, headers: Record<string, string> = {}) =>
      networkHttp({ method: 'GET', url: `${loopback.url}${path}`, headers });
    expect(await send('/v1/migrations')).toMatchObject({
      status: 403,
      body: '{"message":"Missing Authentication Token"}',
    });
    expect(await send('/v1/migrations', { authorization: 'Bearer x' })).toMatchObject({
      status: 403,
      body: '{"message":"Missing Authentication Token"}',
    });
    expect(await send('/v1/health')).toMatchObject({ status: 200 });
    expect(location.events[0]!.requestContext).toMatchObject({
      domainName: new URL(loopback.url).host,
      domainPrefix: '127',
    });
    const wrong = location.client({
      url: `${loopback.url}/v1`,
      http: networkHttp,
      credentials: { ...location.caller, secretAccessKey: 'guess' },
    });
    expect(await wrong.request('GET', '/migrations')).toMatchObject({
      status: 403,
      headers: { 'x-amzn-errortype': 'InvalidSignatureException' },
    });
    expect(location.calls().map(({ operation }) => operation)).toEqual([
      'GET /migrations',
      'GET /migrations',
      'GET /health',
      'GET /migrations',
    ]);
    // A path outside of any stage still belongs to EKS.
    expect(await send('/clusters')).toMatchObject({
      status: 403,
      headers: { 'x-amzn-errortype': 'MissingAuthenticationTokenException' },
    });
    expect(location.world.log.calls.at(-1)).toMatchObject({ service: 'eks' });
  });

  it('is forbidden for another stage', async () => {
    const { location, loopback } = await listening();
    const client = location.client({ url: `${loopback.url}/v2`, http: networkHttp });
    expect(await client.request('GET', '/migrations')).toMatchObject({
      status: 403,
      headers: { 'x-amzn-errortype': 'ForbiddenException' },
      body: '{"message":"Forbidden"}',
    });
    expect(location.calls()).toMatchObject([
      { operation: 'GET /v2/migrations', status: 403, error: 'ForbiddenException' },
    ]);
  });

  it('separates several APIs by their ids', async () => {
    const other: AssemblyApi = {
      ...customApi,
      id: 'other56789',
      host: `other56789.execute-api.${REGION}.amazonaws.com`,
      methods: [],
    };
    const apis = [standardApi, other];
    const { location, loopback } = await listening({ apis });
    const at = (api: AssemblyApi) =>
      location.client({ url: loopbackUrlOf(apis, api, 'v1', loopback.url), http: networkHttp });
    expect(loopbackUrlOf(apis, other, 'v1', loopback.url)).toBe(`${loopback.url}/_apis/other56789/v1`);
    const answer = await at(standardApi).request('GET', '/migrations/01J');
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({
      path: '/migrations/01J',
      requestContext: { path: '/v1/migrations/01J', apiId: standardApi.id },
    });
    expect(await at(other).request('GET', '/migrations')).toMatchObject({ status: 404, body: '{"error":"none"}' });
    expect(await at({ ...other, id: 'third' }).request('GET', '/migrations')).toMatchObject({
      status: 403,
      body: '{"message":"Forbidden"}',
    });
    // A stage that both APIs have is ambiguous.
    const unnamed = location.client({ url: `${loopback.url}/v1`, http: networkHttp });
    expect(await unnamed.request('GET', '/migrations')).toMatchObject({ status: 403, body: '{"message":"Forbidden"}' });
  });
});

describe("an API's own host", () => {
  it('serves the API in process, and no other host does', async () => {
    const location = openSession();
    const elsewhere = location.client({ url: `https://other56789.execute-api.${REGION}.amazonaws.com/v1` });
    await expect(location.call('GET', '/migrations', {}, elsewhere)).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect(
      await location.plain({
        host: `other56789.execute-api.${REGION}.amazonaws.com`,
        headers: { authorization: 'AWS4-HMAC-SHA256 Credential=A/20260115/eu-west-1/execute-api/aws4_request' },
      }),
    ).toMatchObject({ status: 403, body: '{"message":"Forbidden"}' });
    expect(await location.plain({ path: '/v2/migrations' })).toMatchObject({
      status: 403,
      body: '{"message":"Forbidden"}',
    });
    expect(await location.plain({ host: standardApi.host.toUpperCase(), path: '/v1/health' })).toMatchObject({
      status: 200,
    });
  });

  it('requires a signature for API Gateway', async () => {
    const location = openSession();
    const transport = inProcessTransport(location.sandboxGateway, location.world);
    const settingsFor: typeof transport.settingsFor = (service, region) => ({
      ...transport.settingsFor!(service, region),
      endpoint: `${location.url}/migrations`,
    });
    const eks = new ClientFactory({
      region: REGION,
      credentials: location.caller,
      transport: { ...transport, settingsFor },
    }).eks();
    const refused = await location.clock.spawn(() =>
      eks.send(new ListClustersCommand({})).catch((error: unknown) => error as Error),
    );
    expect(refused).toMatchObject({
      name: 'InvalidSignatureException',
      message: "Credential should be scoped to correct service: 'execute-api'.",
    });
    expect(location.calls()).toMatchObject([{ operation: 'GET /migrations/{id}', status: 403 }]);
  });
});
