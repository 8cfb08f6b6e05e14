import * as sdk from '@aws-sdk/client-sts';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { createStsService } from '../../../sandbox/sts/service.ts';
import { expectSupported } from '../iam/query-actions.ts';
import { ACCOUNT, ROLE, configOf, newWorld, openGateway } from '../support.ts';

/** Opens STS with a role that trusts its whole account. */
const open = (): STSClient => {
  const world = newWorld();
  world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!.trustPolicy = JSON.stringify({
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'sts:AssumeRole' },
  });
  return new STSClient(configOf(openGateway(world), world));
};

const assume = (change: Partial<AssumeRoleCommand['input']> = {}) =>
  new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: 'test', ...change });
const failed = (value: string, member: string, constraint: string): string =>
  `Value ${value} at '${member}' failed to satisfy constraint: Member must ${constraint}`;
const one = (...what: Parameters<typeof failed>): string => `1 validation error detected: ${failed(...what)}`;

describe('AssumeRole', () => {
  const PATTERN = String.raw`satisfy regular expression pattern: [\w+=,.@-]*`;
  const [NAME, SECONDS] = ['roleSessionName', 'durationSeconds'];
  const jane = `arn:aws:iam::${ACCOUNT}:user/jane`;
  const long = 's'.repeat(65);
  const atLeast900 = 'have value greater than or equal to 900';
  const both = `${failed("'a b'", NAME, PATTERN)}; ${failed("'1'", SECONDS, atLeast900)}`;
  const chained = 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.';
  it.each([
    ['an empty session name', { RoleSessionName: '' }, one("''", NAME, 'have length greater than or equal to 2')],
    [
      'a session name that is too long',
      { RoleSessionName: long },
      one(`'${long}'`, NAME, 'have length less than or equal to 64'),
    ],
    ['a session name with a slash', { RoleSessionName: 'Power/me' }, one("'Power/me'", NAME, PATTERN)],
    ['no session name', { RoleSessionName: undefined }, one('null', NAME, 'not be null')],
    ['no role', { RoleArn: undefined }, one('null', 'roleArn', 'not be null')],
    [
      'a role’s name instead of its ARN',
      { RoleArn: 'ebs-csi' },
      one("'ebs-csi'", 'roleArn', 'have length greater than or equal to 20'),
    ],
    ['the ARN of another resource', { RoleArn: jane }, `${jane} is invalid`],
    ['fourteen minutes', { DurationSeconds: 840 }, one("'840'", SECONDS, atLeast900)],
    ['thirteen hours', { DurationSeconds: 46_800 }, one("'46800'", SECONDS, 'have value less than or equal to 43200')],
    [
      'an external id of one character',
      { ExternalId: 'x' },
      one("'x'", 'externalId', 'have length greater than or equal to 2'),
    ],
    [
      'two violations, both reported',
      { RoleSessionName: 'a b', DurationSeconds: 1 },
      `2 validation errors detected: ${both}`,
    ],
    ['more than an hour with role chaining', { DurationSeconds: 3601 }, chained],
  ])('rejects %s', async (_what, change, message) => {
    const failure = { name: 'ValidationError', message, $metadata: { httpStatusCode: 400 } };
    await expect(open().send(assume(change))).rejects.toMatchObject(failure);
  });

  it.each([900, 3600])('issues credentials for %d seconds', async (DurationSeconds) => {
    const from = Date.now();
    const { Credentials: given } = await open().send(assume({ DurationSeconds }));
    const issuedAt = given!.Expiration!.getTime() - DurationSeconds * 1000;
    expect(issuedAt).toBeGreaterThan(from - 2000);
    expect(issuedAt).toBeLessThan(Date.now() + 2000);
  });

  it('makes the session name part of the caller identity', async () => {
    const sts = open();
    const { AssumedRoleUser: user } = await sts.send(assume({ RoleSessionName: 'jane@example.com' }));
    expect(user?.Arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/ebs-csi/jane@example.com`);
    expect((await sts.send(new GetCallerIdentityCommand({}))).Arn).toBe(
      `arn:aws:sts::${ACCOUNT}:assumed-role/operator/sandbox`,
    );
  });
});

it('STS rejects every unimplemented action of the API with its name', async () => {
  const supported = ['AssumeRole', 'AssumeRoleWithWebIdentity', 'GetCallerIdentity'];
  expect(await expectSupported(createStsService(newWorld()), sdk, '2011-06-15', supported)).toBeGreaterThan(6);
});
