import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { AwsRoles } from '../../../lambdas/adapters/aws-roles.ts';
import { bothWays, ROLE } from '../fixtures.ts';

const iam = mockClient(IAMClient);
const roles = new AwsRoles(new IAMClient({ region: 'eu-west-1' }));
const answer = (change: object = {}): void => {
  iam.on(GetRoleCommand).resolves({ Role: { Path: '/app/', RoleName: 'ebs-csi', RoleId: 'AROA', CreateDate: new Date(0), Arn: ROLE, AssumeRolePolicyDocument: encodeURIComponent(bothWays), ...change } });
};
afterEach(() => {
  iam.reset();
});
afterAll(() => {
  iam.restore();
});

describe('AwsRoles', () => {
  it('asks by name and answers the trust policy decoded', async () => {
    answer();
    expect(await roles.getRole(ROLE)).toEqual({ arn: ROLE, trustPolicy: bothWays });
    expect(iam.commandCalls(GetRoleCommand).map((call) => call.args[0].input)).toEqual([{ RoleName: 'ebs-csi' }]);
  });

  it.each([
    ['under another path', { Arn: 'arn:aws:iam::111122223333:role/ebs-csi' }],
    ['in another account', { Arn: ROLE.replace('111122223333', '444455556666') }],
  ])('knows no role of that ARN when the name is there %s', async (_, change) => {
    answer(change);
    expect(await roles.getRole(ROLE)).toBeUndefined();
  });

  it('knows no role where IAM has none', async () => {
    iam.on(GetRoleCommand).rejects(Object.assign(new Error('The role with name ebs-csi cannot be found.'), { name: 'NoSuchEntityException', $metadata: { httpStatusCode: 404 } }));
    expect(await roles.getRole(ROLE)).toBeUndefined();
  });

  it('lets other refusals through with the call', async () => {
    iam.on(GetRoleCommand).rejects(Object.assign(new Error('Rate exceeded'), { name: 'Throttling', $metadata: { httpStatusCode: 400 } }));
    await expect(roles.getRole(ROLE)).rejects.toMatchObject({ name: 'Throttled', message: expect.stringContaining('iam:GetRole ebs-csi: Throttling: Rate exceeded') as string });
  });

  it('does not ask for what is no role', async () => {
    await expect(roles.getRole('arn:aws:iam::111122223333:user/me')).rejects.toMatchObject({ name: 'InvalidRequest', message: expect.stringContaining('it must look like arn:aws:iam::') as string });
    expect(iam.calls()).toEqual([]);
  });
});
