import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { X509Certificate } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { get, request as httpsRequest } from 'node:https';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createGateway } from '../../../sandbox/gateway/gateway.ts';
import { createKubernetesService } from '../../../sandbox/kubernetes/service.ts';
import { createStsService } from '../../../sandbox/sts/service.ts';
import { inProcessTransport } from '../../../sandbox/transports/in-process.ts';
import { openLoopback } from '../../../sandbox/transports/loopback.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import { ACCOUNT, REGION, newWorld, openGateway, operator } from '../support.ts';
import { eventually } from '../../eventually.ts';
import { matching } from '../../lambdas/matchers.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0)) await close();
});

const clusterOf = (world: World): ClusterState => world.accounts.get(ACCOUNT)!.clusters.get(`${REGION}/dev`)!;

const open = async (port?: number) => {
  const world = newWorld();
  const gateway = openGateway(world);
  const chosen = port === undefined ? {} : { port };
  const loopback = await openLoopback({ world, gateway, credentials: operator(world), ...chosen });
  closing.push(loopback.close);
  return { world, gateway, loopback };
};

/** `sts` is the endpoint of STS. */
const bearer = async (world: World, sts = new URL(`https://sts.${REGION}.amazonaws.com`)) => {
  const { host } = sts;
  const signer = new SignatureV4({ service: 'sts', region: REGION, credentials: operator(world), sha256: Sha256 });
  const asked = {
    query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
    headers: { host, 'x-k8s-aws-id': 'dev' },
  };
  const { query } = await signer.presign(
    new HttpRequest({ method: 'GET', protocol: 'https:', hostname: host, path: '/', ...asked }),
    { expiresIn: 60, unhoistableHeaders: new Set(['x-k8s-aws-id']) },
  );
  const url = `${sts.origin}/?${new URLSearchParams(query as Record<string, string>).toString()}`;
  return { authorization: `Bearer k8s-aws-v1.${Buffer.from(url).toString('base64url')}` };
};

interface Answer {
  status: number;
  body: string;
  date: string | undefined;
}
const fetchPods = (url: string, headers: Record<string, string>, ca?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    get(url, { headers, ca, agent: false }, (reply) => {
      const chunks: Buffer[] = [];
      const { statusCode: status = 0, headers: answered } = reply;
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('end', () => resolve({ status, body: Buffer.concat(chunks).toString('utf8'), date: answered.date }));
    }).on('error', reject);
  });

const PODS = '/api/v1/namespaces/kube-system/pods?labelSelector=app%3Debs-csi-controller';

describe('the loopback transport', () => {
  it('breaks the connection or returns an error, as a fault declares', async () => {
    const world = newWorld();
    const { accessKeyId, secretAccessKey, sessionToken } = operator(world);
    // Functions in separate processes are identified by their role.
    const gateway = createGateway({
      world,
      clock: { now: () => world.schedule.now() },
      services: { sts: createStsService(world) },
      kubernetes: (cluster) => createKubernetesService(world, cluster),
      stepOf: () => 'plan',
    });
    const loopback = await openLoopback({ world, gateway, credentials: operator(world) });
    closing.push(loopback.close);
    const sts = new STSClient({
      region: REGION,
      endpoint: loopback.url,
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    });
    world.faults.add({ call: 1, kind: 'lost-before' });
    world.faults.add({ call: 2, kind: 'lost-after' });
    world.faults.add({ call: 3, kind: 'server-error' });
    const ask = () =>
      sts.send(new GetCallerIdentityCommand({})).then(
        ({ Arn }) => Arn,
        (error: Error) => error.name,
      );
    expect([await ask(), await ask(), await ask()]).toEqual(['TimeoutError', 'TimeoutError', 'ServiceFailure']);
    expect(await ask()).toContain('assumed-role/operator/');
    expect(world.log.calls.map(({ status, error }) => [status, error])).toEqual([
      [200, undefined],
      [500, 'ServiceFailure'],
      [200, undefined],
    ]);
    sts.destroy();
  });

  it('serves any SDK with its environment variables', async () => {
    const { loopback, world } = await open();
    const environment = loopback.environment();
    expect(environment).toMatchObject({
      AWS_ENDPOINT_URL: loopback.url,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: operator(world).accessKeyId,
    });
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const sts = new STSClient({});
    expect((await sts.send(new GetCallerIdentityCommand({}))).Arn).toContain('assumed-role/operator/');
    sts.destroy();
  });

  it('serves a cluster over HTTPS with a certificate of its own authority', async () => {
    const { world } = await open();
    const { endpoint, certificateAuthority } = clusterOf(world);
    expect(endpoint).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const authority = new X509Certificate(certificateAuthority);
    expect([authority.ca, authority.publicKey.asymmetricKeyType]).toEqual([true, 'ec']);
    const answer = await fetchPods(`${endpoint}${PODS}`, await bearer(world), certificateAuthority);
    expect(answer).toMatchObject({ status: 200, date: matching(/GMT$/) });
    expect(JSON.parse(answer.body)).toMatchObject({ kind: 'PodList' });
    expect(world.log.calls.at(-1)).toMatchObject({
      service: 'kubernetes',
      cluster: 'dev',
      caller: expect.stringContaining('role/operator'),
      status: 200,
    });
    // By its other name too.
    const byName = `${endpoint.replace('127.0.0.1', 'localhost')}${PODS}`;
    expect((await fetchPods(byName, await bearer(world), certificateAuthority)).status).toBe(200);
  });

  it('is not trusted without its authority, and trusts no caller without a token', async () => {
    const { world } = await open();
    const { endpoint, certificateAuthority } = clusterOf(world);
    await expect(fetchPods(`${endpoint}${PODS}`, await bearer(world))).rejects.toMatchObject({
      code: expect.stringMatching(
        /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT_IN_CHAIN)$/,
      ),
    });
    expect((await fetchPods(`${endpoint}${PODS}`, {}, certificateAuthority)).status).toBe(403);
    const nothing = { authorization: 'Bearer nothing' };
    expect((await fetchPods(`${endpoint}${PODS}`, nothing, certificateAuthority)).status).toBe(401);
  });

  const MIB = 1024 * 1024;
  const scopeOf = (service: string) => ({
    authorization: `AWS4-HMAC-SHA256 Credential=K/20260115/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
  });
  /** Sends a body in parts of a MiB, without its length; or only its length, if the headers have it. */
  const send = (url: string, headers: Record<string, string | number>, mebibytes: number, ca?: string) =>
    new Promise<[status: number, body: string]>((resolve, reject) => {
      const options = { method: 'POST', headers, ca, agent: false as const };
      const sent = (ca === undefined ? httpRequest : httpsRequest)(url, options, (reply) => {
        let body = '';
        reply.setEncoding('utf8').on('data', (text: string) => (body += text));
        reply.on('end', () => {
          resolve([reply.statusCode ?? 0, body]);
          sent.destroy();
        });
      }).on('error', reject);
      if (headers['content-length'] !== undefined) return sent.flushHeaders();
      const part = Buffer.alloc(MIB);
      for (let index = 0; index < mebibytes; index += 1) sent.write(part);
      sent.end('x');
    });
  const withLength = (service: string, mebibytes: number) => ({
    ...scopeOf(service),
    'content-length': mebibytes * MIB + 1,
  });
  const KUBERNETES =
    /"message":"Request entity too large: limit is 3145728","reason":"RequestEntityTooLarge","code":413/;
  it.each<[string, number, Record<string, string | number>, number, RegExp]>([
    ['a cluster', 3, {}, 413, KUBERNETES],
    ['eks', 16, scopeOf('eks'), 413, /accepts at most 16777216 bytes/],
    ['dynamodb', 16, withLength('dynamodb', 16), 413, /"__type":"[^"]*#RequestEntityTooLargeException"/],
    ['sts', 16, withLength('sts', 16), 413, /<Code>RequestEntityTooLarge<\/Code>/],
    ['s3', 64, withLength('s3', 64), 400, /<Code>EntityTooLarge<\/Code>/],
    ['an unsigned call', 16, { 'x-amz-target': 'AWSEvents.PutEvents' }, 413, /#RequestEntityTooLargeException/],
  ])('refuses a body for %s of more than %i MiB, as its protocol does', async (to, most, headers, status, body) => {
    const { world, loopback } = await open();
    const { endpoint, certificateAuthority } = clusterOf(world);
    const where = to === 'a cluster' ? ([endpoint, certificateAuthority] as const) : ([loopback.url] as const);
    const post = (mebibytes: number) => send(`${where[0]}/api/v1/namespaces`, headers, mebibytes, where[1]);
    expect(await post(most)).toEqual([status, matching(body)]);
    // What is not longer is read, and refused for lack of a signature or token.
    const shorter = headers['content-length'] === undefined ? await post(most - 1) : [];
    expect(shorter).not.toContainEqual(matching(/TooLarge/));
  });

  it('answers for a cluster like the in-process transport', async () => {
    const { world, loopback, gateway } = await open();
    const { endpoint, certificateAuthority } = clusterOf(world);
    const remote = await fetchPods(`${endpoint}${PODS}`, await bearer(world), certificateAuthority);
    await loopback.close();
    const cluster = clusterOf(world);
    const direct = await inProcessTransport(gateway, world).http({
      method: 'GET',
      url: `${cluster.endpoint}${PODS}`,
      headers: await bearer(world),
      certificateAuthority: cluster.certificateAuthority,
    });
    expect(direct.body).toBe(remote.body);
  });

  it('never answers for an unreachable API server, until it closes', async () => {
    const world = newWorld();
    clusterOf(world).unreachable = true;
    const gateway = openGateway(world);
    const loopback = await openLoopback({ world, gateway, credentials: operator(world) });
    closing.push(loopback.close);
    const { endpoint, certificateAuthority } = clusterOf(world);
    let ended = false;
    const pods = fetchPods(`${endpoint}${PODS}`, {}, certificateAuthority).finally(() => (ended = true));
    pods.catch(() => undefined);
    // Other clusters still answer.
    const client = new STSClient({ endpoint: loopback.url, region: REGION, credentials: operator(world) });
    for (let calls = 0; calls < 5; calls += 1) await client.send(new GetCallerIdentityCommand({}));
    expect(ended).toBe(false);
    await loopback.close();
    await expect(pods).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('keeps a watch open, sends changes, and ends it if the client must list again', async () => {
    const { world } = await open();
    const cluster = clusterOf(world);
    const headers = await bearer(world);
    const version = String(cluster.kube.resourceVersion);
    const events: { type: string; object: { metadata?: { name: string; annotations?: object }; code?: number } }[] = [];
    const ended = new Promise((resolve, reject) => {
      const url = `${cluster.endpoint}/api/v1/namespaces/kube-system/serviceaccounts?watch=true&resourceVersion=${version}&timeoutSeconds=600`;
      get(url, { headers, ca: cluster.certificateAuthority, agent: false }, (reply) => {
        reply.on('data', (chunk: Buffer) => {
          const lines = chunk.toString('utf8').trimEnd().split('\n');
          events.push(...lines.map((line) => JSON.parse(line) as (typeof events)[number]));
        });
        reply.on('end', resolve);
      }).on('error', reject);
    });
    const watching = (): unknown[] => world.log.calls.filter(({ operation }) => operation === 'watch serviceaccounts');
    await eventually(() => expect(watching()).toHaveLength(1));

    const accounts = [...cluster.kube.objects.get('serviceaccounts.')!.values()];
    const account = accounts.find(({ metadata }) => metadata.namespace === 'kube-system')!;
    const change = (annotations: Record<string, string>): void => {
      account.metadata.annotations = annotations;
      account.metadata.resourceVersion = String(++cluster.kube.resourceVersion);
    };
    change({ step: '1' });
    await eventually(() => expect(events).toHaveLength(1));
    change({ step: '2' });
    await eventually(() => expect(events).toHaveLength(2));
    expect(events.map(({ type, object }) => [type, object.metadata?.name, object.metadata?.annotations])).toEqual([
      ['MODIFIED', account.metadata.name, { step: '1' }],
      ['MODIFIED', account.metadata.name, { step: '2' }],
    ]);
    // It repeats the request only when there is something new.
    expect(watching()).toHaveLength(3);

    cluster.kube.removals.set('serviceaccounts.', { recent: [], forgotten: ++cluster.kube.resourceVersion });
    await ended;
    expect(events.at(-1)).toMatchObject({ type: 'ERROR', object: { code: 410 } });
  });

  it('refuses a watch like any other call', async () => {
    const { world } = await open();
    const { endpoint, certificateAuthority } = clusterOf(world);
    const url = `${endpoint}/api/v1/namespaces/kube-system/pods?watch=true`;
    expect((await fetchPods(url, {}, certificateAuthority)).status).toBe(403);
  });

  it('accepts a token presigned for its own address', async () => {
    const { world, loopback } = await open();
    const { endpoint, certificateAuthority } = clusterOf(world);
    const headers = await bearer(world, new URL(loopback.url));
    expect((await fetchPods(`${endpoint}${PODS}`, headers, certificateAuthority)).status).toBe(200);
    const elsewhere = await bearer(world, new URL('http://127.0.0.1:1'));
    expect((await fetchPods(`${endpoint}${PODS}`, elsewhere, certificateAuthority)).status).toBe(401);
  });

  it("closes every connection and restores the clusters' endpoints", async () => {
    const { world, loopback } = await open();
    await loopback.close();
    expect(clusterOf(world).endpoint).toMatch(/^https:\/\/[0-9A-F]{32}\.gr7\.eu-west-1\.eks\.amazonaws\.com$/);
    await expect(fetch(loopback.url)).rejects.toThrow('fetch failed');
  });

  it('reports that a port is in use', async () => {
    const { loopback } = await open();
    await expect(open(Number(new URL(loopback.url).port))).rejects.toThrow(
      /^Port \d+ on 127\.0\.0\.1 is in use\. Choose another port, or 0 for any free port\.$/,
    );
  });
});

it('the in-process transport refuses another authority and an unknown host like TLS and DNS', async () => {
  const world = newWorld();
  const { http } = inProcessTransport(openGateway(world), world);
  const { endpoint } = clusterOf(world);
  for (const [url, code] of [
    [`${endpoint}${PODS}`, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['https://nowhere.example', 'ENOTFOUND'],
  ] as const)
    await expect(http({ method: 'GET', url, headers: {} })).rejects.toMatchObject({ code });
  expect(world.log.calls).toEqual([]);
});
