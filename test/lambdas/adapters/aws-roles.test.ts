import { GetRoleCommand, IAMClient, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { AwsRoles } from '../../../lambdas/adapters/aws-roles.ts';
import { bothWays, ROLE } from '../fixtures.ts';
import { anError, textWith } from '../expectations.ts';

const iam = mockClient(IAMClient);
const roles = new AwsRoles(new IAMClient({ region: 'eu-west-1' }));
const answer = (change: object = {}): void => {
  iam.on(GetRoleCommand).resolves({
    Role: {
      Path: '/app/',
      RoleName: 'ebs-csi',
      RoleId: 'AROA',
      CreateDate: new Date(0),
      Arn: ROLE,
      AssumeRolePolicyDocument: encodeURIComponent(bothWays),
      ...change,
    },
  });
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
    expect(await roles.getRole(ROLE)).toEqual({ arn: ROLE, trustPolicy: bothWays, tags: {} });
    expect(iam.commandCalls(GetRoleCommand).map((call) => call.args[0].input)).toEqual([{ RoleName: 'ebs-csi' }]);
  });

  it('answers the tags', async () => {
    answer({
      Tags: [
        { Key: 'team', Value: 'storage' },
        { Key: '__proto__', Value: 'x' },
      ],
    });
    expect(Object.entries((await roles.getRole(ROLE))?.tags ?? {})).toEqual([
      ['team', 'storage'],
      ['__proto__', 'x'],
    ]);
  });

  it.each([
    ['under another path', { Arn: 'arn:aws:iam::111122223333:role/ebs-csi' }],
    ['in another account', { Arn: ROLE.replace('111122223333', '444455556666') }],
  ])('knows no role of that ARN when the name is there %s', async (_, change) => {
    answer(change);
    expect(await roles.getRole(ROLE)).toBeUndefined();
  });

  it('knows no role where IAM has none', async () => {
    iam.on(GetRoleCommand).rejects(
      Object.assign(new Error('The role with name ebs-csi cannot be found.'), {
        name: 'NoSuchEntityException',
        $metadata: { httpStatusCode: 404 },
      }),
    );
    expect(await roles.getRole(ROLE)).toBeUndefined();
  });

  it('lets other refusals through with the call', async () => {
    iam
      .on(GetRoleCommand)
      .rejects(Object.assign(new Error('Rate exceeded'), { name: 'Throttling', $metadata: { httpStatusCode: 400 } }));
    await expect(roles.getRole(ROLE)).rejects.toMatchObject(
      anError('Throttled', textWith('iam:GetRole ebs-csi: Throttling: Rate exceeded')),
    );
  });

  it('writes a trust policy by the name of its role', async () => {
    iam.on(UpdateAssumeRolePolicyCommand).resolves({});
    await roles.updateTrustPolicy(ROLE, bothWays);
    expect(iam.calls().map((call) => call.args[0].input as unknown)).toEqual([
      { RoleName: 'ebs-csi', PolicyDocument: bothWays },
    ]);
  });

  it.each([
    ['LimitExceededException', 409, 'Cannot exceed quota for ACLSizePerRole: 2048', 'TrustTooLong'],
    ['LimitExceeded', 409, 'Cannot exceed quota for ACLSizePerRole: 2048', 'TrustTooLong'],
    ['MalformedPolicyDocumentException', 400, 'Syntax errors in policy.', 'InvalidRequest'],
    ['UnmodifiableEntityException', 400, 'this role is only modifiable by AWS', 'InvalidRequest'],
    ['NoSuchEntityException', 404, 'The role with name ebs-csi cannot be found.', 'NotFound'],
    ['Throttling', 400, 'Rate exceeded', 'Throttled'],
    ['AccessDenied', 403, 'is not authorized', 'AccessDenied'],
  ])('says of a trust policy that is refused with %s (%i, %s): %s', async (name, httpStatusCode, text, expected) => {
    const refusal = Object.assign(new Error(text), { name, $metadata: { httpStatusCode } });
    iam.on(UpdateAssumeRolePolicyCommand).rejects(refusal);
    const error: unknown = await roles.updateTrustPolicy(ROLE, bothWays).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: expected, cause: refusal });
    expect((error as Error).message).toContain(`iam:UpdateAssumeRolePolicy ebs-csi: ${name}: ${text}`);
  });

  it('does not ask for what is no role', async () => {
    await expect(roles.getRole('arn:aws:iam::111122223333:user/me')).rejects.toMatchObject(
      anError('InvalidRequest', textWith('It must have the form arn:aws:iam::')),
    );
    await expect(roles.updateTrustPolicy('ebs-csi', bothWays)).rejects.toMatchObject({ name: 'InvalidRequest' });
    expect(iam.calls()).toEqual([]);
  });
});
