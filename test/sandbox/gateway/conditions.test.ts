/** Scenarios for accounts and regions: regions that are not enabled, throttled services, unreachable API servers. */
import { ListClustersCommand } from '@aws-sdk/client-eks';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { ClientFactory } from '../../../lambdas/adapters/clients.ts';
import { createEksService } from '../../../sandbox/eks/service.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { inProcessTransport } from '../../../sandbox/transports/in-process.ts';
import { buildWorld, parseScenario } from '../../../sandbox/build/load.ts';
import type { World } from '../../../sandbox/world/world.ts';
import { expectFailure } from '../../lambdas/matchers.ts';
import {
  ACCOUNT,
  FUNCTION_ROLE,
  REGION,
  ROLE,
  allow,
  configOf,
  functionRole,
  openGateway,
  operator,
  scenarioFile,
} from '../support.ts';

const OPTED_OUT = 'eu-south-1';
const OTHER = '444455556666';
const OTHER_ROLE = `arn:aws:iam::${OTHER}:role/reader`;
const trust = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'sts:AssumeRole' }],
};

type File = ReturnType<typeof scenarioFile>;

const open = (change: (file: File & Record<string, unknown>) => void) => {
  const file = scenarioFile();
  change(file);
  const world = buildWorld(parseScenario(file, 'test'), {
    roles: [functionRole(allow(['eks:ListClusters', 'iam:GetRole', 'sts:AssumeRole']))],
  });
  let now = world.schedule.now();
  const gateway = openGateway(world, { eks: createEksService(world) }, undefined, { now: () => now });
  const clients = (region = REGION, credentials = operator(world)): ClientFactory =>
    new ClientFactory({ region, credentials, transport: inProcessTransport(gateway, world) });
  return { world, gateway, clients, pass: (milliseconds: number) => void (now += milliseconds) };
};

describe('a region that an account has not enabled', () => {
  const withRegion = () =>
    open((file) => {
      Object.assign(file.accounts[0]!, { disabledRegions: [OPTED_OUT] });
      file.accounts.push({ id: OTHER, roles: [{ arn: OTHER_ROLE, trustPolicy: trust, tags: {} }], clusters: [] });
    });
  const sts = ({ gateway, world }: ReturnType<typeof open>, region: string, credentials = operator(world)): STSClient =>
    new STSClient({ ...configOf(gateway, world, credentials), region });

  it("rejects the account's credentials, each service with its own error", async () => {
    const opened = withRegion();
    const unknown = 'The security token included in the request is invalid.';
    const list = opened.clients(OPTED_OUT).eks().send(new ListClustersCommand({}));
    await expectFailure(list, 403, 'UnrecognizedClientException', unknown);
    const identity = sts(opened, OPTED_OUT).send(new GetCallerIdentityCommand({}));
    await expectFailure(identity, 403, 'InvalidClientTokenId', unknown);
    expect(
      opened.world.log.calls.map(({ service, region, status, error }) => [service, region, status, error]),
    ).toEqual([
      ['eks', OPTED_OUT, 403, 'UnrecognizedClientException'],
      ['sts', OPTED_OUT, 403, 'InvalidClientTokenId'],
    ]);
  });

  it('does not affect other regions, other accounts, and IAM', async () => {
    const opened = withRegion();
    expect(await opened.clients().eks().send(new ListClustersCommand({}))).toMatchObject({ clusters: ['dev'] });
    const getRole = new GetRoleCommand({ RoleName: 'ebs-csi' });
    expect(await opened.clients(OPTED_OUT).iam().send(getRole)).toMatchObject({ Role: { Arn: ROLE } });
    const { Credentials: found } = await sts(opened, REGION).send(
      new AssumeRoleCommand({ RoleArn: OTHER_ROLE, RoleSessionName: 'reader' }),
    );
    const { AccessKeyId, SecretAccessKey, SessionToken } = found!;
    const reader = { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! };
    expect(await sts(opened, OPTED_OUT, reader).send(new GetCallerIdentityCommand({}))).toMatchObject({
      Account: OTHER,
    });
  });

  it('does not issue credentials of the account either, to any caller', async () => {
    const opened = open((file) => {
      file.accounts.push({ id: OTHER, roles: [{ arn: OTHER_ROLE, trustPolicy: trust, tags: {} }], clusters: [] });
      Object.assign(file.accounts[1]!, { disabledRegions: [OPTED_OUT] });
    });
    const assume = (region: string) =>
      sts(opened, region).send(new AssumeRoleCommand({ RoleArn: OTHER_ROLE, RoleSessionName: 'reader' }));
    const message = `STS is not activated in this region for account:${OTHER}. Your account administrator can activate STS in this region using the IAM Console.`;
    await expectFailure(assume(OPTED_OUT), 403, 'RegionDisabledException', message);
    await expect(assume(REGION)).resolves.toBeDefined();
  });
});

describe('a throttle', () => {
  const throttled = (...throttles: object[]) => open((file) => Object.assign(file, { throttles }));
  type Failure = { name: string; $metadata?: { httpStatusCode?: number } };
  const namesOf = (calls: Promise<unknown>[]): Promise<unknown[]> =>
    Promise.all(
      calls.map((each) =>
        each.then(
          () => [],
          ({ name, $metadata }: Failure) => [name, $metadata?.httpStatusCode],
        ),
      ),
    );

  it("refuses excess calls with each service's error, and accepts more as the time of the world passes", async () => {
    const { clients, pass, world } = throttled(
      { service: 'eks', callsPerSecond: 2 },
      { service: 'iam', callsPerSecond: 1 },
    );
    const list = () => clients().eks().send(new ListClustersCommand({}));
    const role = (region: string) =>
      clients(region)
        .iam()
        .send(new GetRoleCommand({ RoleName: 'ebs-csi' }));
    expect(await namesOf([list(), list()])).toEqual([[], ['ThrottlingException', 429]]);
    // IAM is one service for all regions.
    expect(await namesOf([role('eu-west-1'), role('us-west-2')])).toEqual([[], ['Throttling', 400]]);
    pass(499);
    expect(await namesOf([list()])).toEqual([['ThrottlingException', 429]]);
    pass(1);
    expect(await namesOf([list(), list()])).toEqual([[], ['ThrottlingException', 429]]);
    expect(world.log.calls.find(({ status }) => status === 429)).toMatchObject({
      service: 'eks',
      operation: 'ListClusters',
      region: REGION,
      account: ACCOUNT,
      status: 429,
      error: 'ThrottlingException',
      input: {},
    });
    expect(world.log.calls.at(-1)?.at).toBe('2026-01-15T09:00:00.500Z');
  });

  it('counts all callers of the account together', async () => {
    const { clients, world } = throttled({ service: 'eks', callsPerSecond: 1 });
    const list = (credentials = operator(world), region = REGION) =>
      clients(region, credentials).eks().send(new ListClustersCommand({}));
    expect(
      await namesOf([list(), list(credentialsOf(world, FUNCTION_ROLE)), list(operator(world), 'us-east-1')]),
    ).toEqual([[], ['ThrottlingException', 429], []]);
  });
});

describe('an unreachable API server', () => {
  const dev = (world: World) => world.accounts.get(ACCOUNT)!.clusters.get(`${REGION}/dev`)!;

  it('has connections time out, and gets no calls', async () => {
    const { world, gateway } = open((file) =>
      Object.assign(file.accounts[0]!.clusters[0]!, { apiServer: 'unreachable' }),
    );
    const waits: number[] = [];
    const { http } = inProcessTransport(gateway, world, {
      hang: async (milliseconds) => void waits.push(milliseconds),
    });
    const { endpoint, certificateAuthority } = dev(world);
    await expect(
      http({ method: 'GET', url: `${endpoint}/version`, headers: {}, certificateAuthority }),
    ).rejects.toMatchObject({ code: 'ETIMEDOUT', message: 'no answer within 10 seconds' });
    expect([waits, world.log.calls]).toEqual([[10_000], []]);
  });
});
