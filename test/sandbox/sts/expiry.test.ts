import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { EKSClient, ListClustersCommand } from '@aws-sdk/client-eks';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentity } from '@smithy/types';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eksToken } from '../../../lambdas/adapters/eks-token.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { ACCOUNT, REGION, ROLE, configOf, echo, newWorld, openGateway } from '../support.ts';

const MINUTE = 60_000;
const START = Date.parse('2026-01-15T09:00:00.400Z');
const allow = {
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'sts:AssumeRole' },
};

// Credentials expire by the real clock, by which clients sign. The world's clock stands still in this test.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: START }));
afterEach(() => void vi.useRealTimers());

const open = () => {
  const world = newWorld();
  world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!.trustPolicy = JSON.stringify(allow);
  const gateway = openGateway(world, { eks: echo, dynamodb: echo });
  const config = (as?: AwsCredentialIdentity) => configOf(gateway, world, as);
  const assume = async (more: { DurationSeconds?: number } = {}) => {
    const answer = await new STSClient(config()).send(
      new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: 'by-hand', ...more }),
    );
    const given = answer.Credentials!;
    return {
      expiration: given.Expiration!,
      credentials: {
        accessKeyId: given.AccessKeyId!,
        secretAccessKey: given.SecretAccessKey!,
        sessionToken: given.SessionToken!,
      },
    };
  };
  return { world, gateway, config, assume };
};

describe('credentials of AssumeRole', () => {
  it('are valid for an hour, and report it', async () => {
    const { config, assume } = open();
    const { credentials, expiration } = await assume();
    expect(expiration.toISOString()).toBe('2026-01-15T10:00:00.000Z');
    vi.setSystemTime(START + 59 * MINUTE);
    expect((await new STSClient(config(credentials)).send(new GetCallerIdentityCommand({}))).Arn).toBe(
      `arn:aws:sts::${ACCOUNT}:assumed-role/ebs-csi/by-hand`,
    );
    expect((await new EKSClient(config(credentials)).send(new ListClustersCommand({}))).clusters).toEqual([
      ROLE,
      REGION,
    ]);
  });

  it('are rejected afterwards, with the error of each protocol', async () => {
    const { world, config, assume } = open();
    const { credentials } = await assume({ DurationSeconds: 900 });
    vi.setSystemTime(START + 15 * MINUTE);
    const message = 'The security token included in the request is expired';
    await expect(new EKSClient(config(credentials)).send(new ListClustersCommand({}))).rejects.toMatchObject({
      name: 'ExpiredTokenException',
      message,
      $metadata: { httpStatusCode: 403 },
    });
    await expect(new DynamoDBClient(config(credentials)).send(new ListTablesCommand({}))).rejects.toMatchObject({
      name: 'ExpiredTokenException',
      message,
      $metadata: { httpStatusCode: 400 },
    });
    await expect(
      new IAMClient(config(credentials)).send(new GetRoleCommand({ RoleName: 'ebs-csi' })),
    ).rejects.toMatchObject({ name: 'ExpiredToken', message, $metadata: { httpStatusCode: 403 } });
    await expect(new STSClient(config(credentials)).send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
      name: 'ExpiredToken',
      message,
    });
    expect(world.log.calls.slice(1).map(({ service, caller, error }) => [service, caller, error])).toEqual([
      ['eks', '', 'ExpiredTokenException'],
      ['dynamodb', '', 'ExpiredTokenException'],
      ['iam', '', 'ExpiredToken'],
      ['sts', '', 'ExpiredToken'],
    ]);
  });

  it('yield valid tokens for a cluster only until then', async () => {
    const { world, gateway, assume } = open();
    const { credentials } = await assume({ DurationSeconds: 900 });
    vi.setSystemTime(START + 14 * MINUTE);
    const authorization = `Bearer ${await eksToken({ cluster: 'dev', region: REGION, credentials, now: new Date() })}`;
    const host = new URL(world.accounts.get(ACCOUNT)!.clusters.get(`${REGION}/dev`)!.endpoint).host;
    const ask = () =>
      gateway.handle({
        method: 'GET',
        host,
        path: '/version',
        query: {},
        headers: { authorization },
        body: new Uint8Array(),
      });
    await ask();
    expect(world.log.calls.at(-1)?.caller).toBe(ROLE);
    vi.setSystemTime(START + 15 * MINUTE);
    expect((await ask()).status).toBe(401);
    expect(world.log.calls.at(-1)?.input).toEqual({
      refused: 'input token was not properly formatted: The security token included in the request is expired',
    });
  });

  it('differ from the credentials that the sandbox itself issues for the role', async () => {
    const { world, assume } = open();
    const { credentials } = await assume();
    const own = credentialsOf(world, ROLE);
    expect(own.accessKeyId).not.toBe(credentials.accessKeyId);
    expect(world.accessKeys.get(own.accessKeyId)).not.toHaveProperty('expiresAt');
  });
});
