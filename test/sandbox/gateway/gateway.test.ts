import { EKSClient, ListClustersCommand } from '@aws-sdk/client-eks';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { expectError, expectExactError, expectFailure } from '../../lambdas/matchers.ts';
import type { HttpRequest } from '../../../sandbox/http.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { createGateway } from '../../../sandbox/gateway/gateway.ts';
import {
  ACCOUNT,
  FUNCTION_ROLE,
  REGION,
  ROLE,
  clientsOf,
  configOf,
  echo,
  newWorld,
  openGateway,
  operator,
} from '../support.ts';

const LIST = new ListClustersCommand({});

const plain = (request: Partial<HttpRequest>): HttpRequest => ({
  method: 'GET',
  host: 'eks.eu-west-1.amazonaws.com',
  path: '/clusters',
  query: {},
  headers: {},
  body: new Uint8Array(),
  ...request,
});

describe('the gateway', () => {
  it('passes a signed call to its service, with the caller and the region', async () => {
    const world = newWorld();
    const gateway = openGateway(world, { eks: echo });
    const answer = await clientsOf(gateway, world, credentialsOf(world, FUNCTION_ROLE)).eks().send(LIST);
    expect(answer.clusters).toEqual([FUNCTION_ROLE, REGION]);
  });

  it('logs every call with its caller, operation and outcome', async () => {
    const world = newWorld();
    const gateway = openGateway(world, { eks: echo });
    const clients = clientsOf(gateway, world);
    await clients.eks().send(LIST);
    await expectFailure(clients.iam().send(new GetRoleCommand({ RoleName: 'nobody' })), 404, 'NoSuchEntityException');
    expect(world.log.calls).toEqual([
      {
        n: 1,
        at: '2026-01-15T09:00:00.000Z',
        service: 'eks',
        operation: 'ListClusters',
        mutating: false,
        caller: `arn:aws:iam::${ACCOUNT}:role/operator`,
        account: ACCOUNT,
        region: REGION,
        input: { path: '/clusters' },
        status: 200,
      },
      expect.objectContaining({
        n: 2,
        service: 'iam',
        operation: 'GetRole',
        region: 'us-east-1',
        input: { RoleName: 'nobody' },
        status: 404,
        error: 'NoSuchEntity',
      }),
    ]);
  });

  it('counts every call that does not only read as mutating', async () => {
    const world = newWorld();
    const mutating = ['DeleteAddon', 'CreateAddon', 'PutItem', 'TagResource'];
    const operations = ['DescribeAddon', 'ListAddons', 'GetItem', 'Query', 'Scan', 'BatchGetItem', ...mutating];
    const queue = [...operations];
    const gateway = openGateway(world, {
      eks: async (_request, context) => {
        context.describe(queue.shift()!, {});
        return { status: 200, headers: {}, body: '{}' };
      },
    });
    const eks = clientsOf(gateway, world).eks();
    for (const _ of operations) await eks.send(LIST);
    expect(world.log.calls.filter((call) => call.mutating).map((call) => call.operation)).toEqual(mutating);
  });

  it('runs due events before a service sees the call', async () => {
    const world = newWorld();
    const start = world.schedule.now();
    const happened: number[] = [];
    world.schedule.after(5000, (at) => happened.push(at));
    const gateway = createGateway({
      world,
      clock: { now: () => start + 7000 },
      services: { eks: echo },
      kubernetes: () => echo,
    });
    await clientsOf(gateway, world).eks().send(LIST);
    expect([happened, world.log.calls[0]?.at]).toEqual([[start + 5000], '2026-01-15T09:00:07.000Z']);
  });

  it("refuses a wrong secret with each protocol's error", async () => {
    const world = newWorld();
    const wrong = { ...operator(world), secretAccessKey: 'guess' };
    const clients = clientsOf(openGateway(world, { eks: echo }), world, wrong);
    const getItem = new GetItemCommand({ TableName: 't', Key: { pk: { S: 'a' } } });
    await expectFailure(clients.eks().send(LIST), 403, 'InvalidSignatureException');
    await expectFailure(clients.iam().send(new GetRoleCommand({ RoleName: 'r' })), 403, 'SignatureDoesNotMatch');
    await expectFailure(clients.dynamodb().send(getItem), 400, 'InvalidSignatureException');
    expect(world.log.calls.map(({ service, operation, caller, error }) => [service, operation, caller, error])).toEqual(
      [
        ['eks', 'GET /clusters', '', 'InvalidSignatureException'],
        ['iam', 'GetRole', '', 'SignatureDoesNotMatch'],
        ['dynamodb', 'GetItem', '', 'InvalidSignatureException'],
      ],
    );
  });

  it("refuses an unknown key with each protocol's error", async () => {
    const world = newWorld();
    const unknown = { accessKeyId: 'AKIANOBODY', secretAccessKey: 'guess' };
    const clients = clientsOf(openGateway(world, { eks: echo }), world, unknown);
    const message = 'The security token included in the request is invalid.';
    await expectExactError(clients.eks().send(LIST), 'UnrecognizedClientException', message);
    await expectError(clients.iam().send(new GetRoleCommand({ RoleName: 'r' })), 'InvalidClientTokenId');
  });

  it('checks signatures against the clock of the signers', async () => {
    const world = newWorld();
    const gateway = openGateway(world, { eks: echo }, () => Date.now() + 600_000);
    const call = clientsOf(gateway, world).eks().send(LIST);
    await expectError(call, 'InvalidSignatureException', /^Signature expired: /);
  });

  it('answers an unsigned request as AWS does', async () => {
    const gateway = openGateway(newWorld());
    expect(await gateway.handle(plain({}))).toMatchObject({
      status: 403,
      headers: { 'x-amzn-errortype': 'MissingAuthenticationTokenException' },
    });
    expect((await gateway.handle(plain({ host: 'iam.amazonaws.com' }))).body).toContain(
      '<Code>MissingAuthenticationToken</Code>',
    );
  });

  it('lists the supported services if a service is missing', async () => {
    const world = newWorld();
    const message = 'The sandbox does not support eks (GET /clusters). Supported services: iam, sts.';
    await expectFailure(clientsOf(openGateway(world), world).eks().send(LIST), 501, 'NotImplemented', message);
  });

  it('turns an error that a service throws into a 500 and keeps it', async () => {
    const world = newWorld();
    const defect = new TypeError('undefined is not a cluster');
    const gateway = openGateway(world, {
      eks: async (_request, context) => {
        context.describe('ListClusters', {});
        throw defect;
      },
    });
    await expectFailure(new EKSClient(configOf(gateway, world)).send(LIST), 500, 'InternalServerError');
    expect(gateway.failures).toEqual([{ service: 'eks', operation: 'ListClusters', error: defect }]);
    expect(world.log.calls[0]).toMatchObject({ status: 500, error: 'InternalServerError' });
  });

  it('refuses cluster callers without a valid token', async () => {
    const world = newWorld();
    const gateway = openGateway(world);
    const cluster = world.accounts.get(ACCOUNT)!.clusters.get(`${REGION}/dev`)!;
    // Older versions serve callers without a token as an anonymous user.
    cluster.version = '1.32';
    const host = new URL(cluster.endpoint).host;
    for (const headers of [{}, { authorization: 'Bearer k8s-aws-v1.bm8gVVJM' }] as Record<string, string>[]) {
      const answer = await gateway.handle(plain({ host, path: '/api/v1/namespaces/kube-system/pods', headers }));
      expect(answer.status).toBe(401);
      const why = { status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 };
      expect(JSON.parse(String(answer.body))).toEqual({ kind: 'Status', apiVersion: 'v1', metadata: {}, ...why });
    }
    expect(world.log.calls[1]).toMatchObject({
      service: 'kubernetes',
      cluster: 'dev',
      account: ACCOUNT,
      region: REGION,
      caller: '',
      error: 'Unauthorized',
      input: { refused: 'token does not hold a URL' },
    });
  });

  it("resolves the operator's role from the roles of the scenario", () => {
    const world = newWorld();
    expect([...world.accessKeys.values()].map((key) => key.principalArn)).toEqual([
      `arn:aws:iam::${ACCOUNT}:role/operator`,
      FUNCTION_ROLE,
    ]);
    expect(world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')?.arn).toBe(ROLE);
  });
});
