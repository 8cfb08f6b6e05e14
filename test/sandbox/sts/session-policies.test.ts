/** Permissions of sessions that AssumeRole limits. */
import { GetRoleCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentity } from '@smithy/types';
import { describe, expect, it } from 'vitest';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { buildWorld, parseScenario } from '../../../sandbox/build/load.ts';
import {
  ACCOUNT,
  allow,
  clientsOf,
  configOf,
  deny,
  FUNCTION_ROLE,
  functionRole,
  openGateway,
  policyOf,
  ROLE,
  scenarioFile,
} from '../support.ts';
import { containing } from '../../lambdas/matchers.ts';

const OWN = `arn:aws:iam::${ACCOUNT}:policy/read-roles`;
const KNOWN_BY_NAME = 'arn:aws:iam::aws:policy/IAMReadOnlyAccess';
const SECOND = `arn:aws:iam::${ACCOUNT}:role/second`;
const readRoles = allow(['iam:GetRole', 'iam:ListRoles']);
const text = (...statements: object[]): string => JSON.stringify(policyOf(...statements));

/** Opens a world with two roles that trust the account: both may read roles, and the first may assume the second. */
const open = () => {
  const file = scenarioFile();
  const trustPolicy = policyOf({ Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'sts:AssumeRole' });
  const roles = [
    {
      arn: ROLE,
      trustPolicy,
      attachedPolicies: [{ arn: OWN, document: policyOf(readRoles) }, { arn: KNOWN_BY_NAME }],
      policies: [{ name: 'chain', document: policyOf(allow('sts:AssumeRole')) }],
    },
    { arn: SECOND, trustPolicy, policies: [{ name: 'read', document: policyOf(readRoles) }] },
  ];
  const world = buildWorld(parseScenario({ ...file, accounts: [{ ...file.accounts[0], roles }] }, 'test'), {
    roles: [functionRole(allow('sts:AssumeRole'))],
  });
  const gateway = openGateway(world);
  const assume = async (
    change: Partial<AssumeRoleCommand['input']> = {},
    as: AwsCredentialIdentity = credentialsOf(world, FUNCTION_ROLE),
  ): Promise<AwsCredentialIdentity> => {
    const { Credentials: given } = await new STSClient(configOf(gateway, world, as)).send(
      new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: 'limited', ...change }),
    );
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = given!;
    return { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey!, sessionToken: sessionToken! };
  };
  const iam = (as: AwsCredentialIdentity) => clientsOf(gateway, world, as).iam();
  const getRole = (as: AwsCredentialIdentity) => iam(as).send(new GetRoleCommand({ RoleName: 'second' }));
  const listRoles = (as: AwsCredentialIdentity) => iam(as).send(new ListRolesCommand({}));
  return { world, gateway, assume, getRole, listRoles };
};
const refusal = (action: string, named: string, reason: string, session = 'ebs-csi/limited') => ({
  name: 'AccessDenied',
  message: `User: arn:aws:sts::${ACCOUNT}:assumed-role/${session} is not authorized to perform: iam:${action} on resource: ${named} ${reason}`,
});
const noSessionPolicy = (action: string): string => `because no session policy allows the iam:${action} action`;

describe('a session', () => {
  it('without session policies has the permissions of its role', async () => {
    const { assume, getRole, listRoles } = open();
    const session = await assume();
    await expect(getRole(session)).resolves.toBeDefined();
    await expect(listRoles(session)).resolves.toBeDefined();
  });

  it('has the permissions that both the role and its own policy allow', async () => {
    const { assume, getRole, listRoles } = open();
    const session = await assume({ Policy: text(allow(['iam:GetRole', 'iam:UpdateAssumeRolePolicy'])) });
    await expect(getRole(session)).resolves.toBeDefined();
    await expect(listRoles(session)).rejects.toMatchObject(
      refusal('ListRoles', `arn:aws:iam::${ACCOUNT}:role/`, noSessionPolicy('ListRoles')),
    );
  });

  it('has the permissions that one of its managed policies allows', async () => {
    const { assume, getRole, listRoles } = open();
    const managed = await assume({ PolicyArns: [{ arn: OWN }] });
    await expect(listRoles(managed)).resolves.toBeDefined();
    const both = await assume({ Policy: text(allow('s3:*')), PolicyArns: [{ arn: OWN }] });
    await expect(getRole(both)).resolves.toBeDefined();
    const neither = await assume({ Policy: text(allow('s3:*')) });
    await expect(getRole(neither)).rejects.toMatchObject(refusal('GetRole', 'role second', noSessionPolicy('GetRole')));
  });

  it('lacks the permissions that one of its policies denies', async () => {
    const { assume, getRole } = open();
    const session = await assume({ Policy: text(deny('iam:GetRole')), PolicyArns: [{ arn: OWN }] });
    await expect(getRole(session)).rejects.toMatchObject(
      refusal('GetRole', 'role second', 'with an explicit deny in a session policy'),
    );
  });

  it('created from a session has its own policies', async () => {
    const { assume, getRole, listRoles } = open();
    const first = await assume({ Policy: text(allow('sts:AssumeRole')) });
    await expect(getRole(first)).rejects.toMatchObject({ name: 'AccessDenied' });
    const second = await assume({ RoleArn: SECOND, RoleSessionName: 'chained' }, first);
    await expect(listRoles(second)).resolves.toBeDefined();
    const policy = text(allow('iam:GetRole'));
    const limited = await assume({ RoleArn: SECOND, RoleSessionName: 'chained', Policy: policy }, first);
    await expect(getRole(limited)).resolves.toBeDefined();
    await expect(listRoles(limited)).rejects.toMatchObject(
      refusal('ListRoles', `arn:aws:iam::${ACCOUNT}:role/`, noSessionPolicy('ListRoles'), 'second/chained'),
    );
  });

  it('without permission to assume roles creates none', async () => {
    const { assume } = open();
    const first = await assume({ Policy: text(readRoles) });
    await expect(assume({ RoleArn: SECOND }, first)).rejects.toMatchObject({
      name: 'AccessDenied',
      message: `User: arn:aws:sts::${ACCOUNT}:assumed-role/ebs-csi/limited is not authorized to perform: sts:AssumeRole on resource: ${SECOND}`,
    });
  });
});

describe('session policies', () => {
  const malformed = (message: string) => ({
    name: 'MalformedPolicyDocumentException',
    message,
    $metadata: expect.objectContaining({ httpStatusCode: 400 }) as unknown,
  });

  const invalid = (value: string, constraint: string) => ({
    name: 'ValidationError',
    message: containing(`${value} failed to satisfy constraint: Member must ${constraint}`),
  });
  const SYNTAX = malformed('Syntax errors in policy.');
  const long = text(allow('s3:*', `arn:aws:s3:::${'b'.repeat(2048)}`));
  const EMPTY =
    "1 validation error detected: Value '' at 'policy' failed to satisfy constraint: Member must have length greater than or equal to 1";
  const eleven = Array.from({ length: 11 }, () => ({ arn: OWN }));
  const FOREIGN = 'arn:aws:iam::444455556666:policy/read-roles';
  const attaching = (arn: string) => ({ PolicyArns: [{ arn }] });
  const missing = (arn: string) => malformed(`Policy ${arn} does not exist or is not attachable.`);
  const unknown = `The sandbox does not know the document of the policy ${KNOWN_BY_NAME}. Add the document to the scenario.`;
  const principal = 'Policy document should not specify a principal.';
  it.each<[string, Partial<AssumeRoleCommand['input']>, object]>([
    ['that are not JSON', { Policy: '{' }, malformed('This policy contains invalid Json')],
    ['that are not a valid policy', { Policy: '{}' }, SYNTAX],
    ['without a resource', { Policy: text({ Effect: 'Allow', Action: 's3:*' }) }, SYNTAX],
    ['with a principal', { Policy: text({ ...allow('s3:*'), Principal: '*' }) }, malformed(principal)],
    ['that are empty', { Policy: '' }, { name: 'ValidationError', message: EMPTY }],
    ['that are too long', { Policy: long }, invalid("at 'policy'", 'have length less than or equal to 2048')],
    ['that do not exist in the account', attaching(`${OWN}-2`), missing(`${OWN}-2`)],
    ['of another account', attaching(FOREIGN), missing(FOREIGN)],
    ['with an invalid ARN', attaching('read-roles'), { name: 'ValidationError' }],
    ['that exceed ten', { PolicyArns: eleven }, invalid("at 'policyArns'", 'have length less than or equal to 10')],
    ['with an unknown document', attaching(KNOWN_BY_NAME), { name: 'NotImplemented', message: unknown }],
    [
      'of AWS that are not in the scenario',
      attaching('arn:aws:iam::aws:policy/ReadOnlyAccess'),
      { name: 'NotImplemented' },
    ],
  ])('%s are rejected, and no session is created', async (_what, change, failure) => {
    const { world, assume } = open();
    const keys = world.accessKeys.size;
    await expect(assume(change)).rejects.toMatchObject(failure);
    expect(world.accessKeys.size).toBe(keys);
  });
});

describe('sessions of functions', () => {
  it('are named, without duplicates, and draw no random number', async () => {
    const [named, plain] = [open(), open()];
    const { world, gateway } = named;
    const [plan, again, other] = ['plan', 'plan', 'begin'].map((name) => credentialsOf(world, FUNCTION_ROLE, name));
    expect([again, plan]).toEqual([plan, credentialsOf(plain.world, FUNCTION_ROLE)]);
    expect(other!.accessKeyId).not.toBe(plan!.accessKeyId);
    const whoIs = async (as: AwsCredentialIdentity | undefined) =>
      (await new STSClient(configOf(gateway, world, as)).send(new GetCallerIdentityCommand({}))).Arn;
    expect([await whoIs(plan), await whoIs(other)]).toEqual(
      ['plan', 'begin'].map((name) => `arn:aws:sts::${ACCOUNT}:assumed-role/plan-function/${name}`),
    );
  });

  it('differ from sessions created by AssumeRole', async () => {
    const { world, assume } = open();
    const made = await assume({ RoleSessionName: 'plan' });
    expect(credentialsOf(world, ROLE, 'plan').accessKeyId).not.toBe(made.accessKeyId);
  });
});
