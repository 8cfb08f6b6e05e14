/** What a role's own policies say, and whether it may pass another: as IAM answers it, page by page. */
import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  SimulatePrincipalPolicyCommand,
} from '@aws-sdk/client-iam';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { AwsRoles } from '../../../lambdas/adapters/aws-roles.ts';
import { ACCOUNT, CLUSTER, OTHER_ROLE, ROLE } from '../fixtures.ts';

const iam = mockClient(IAMClient);
const roles = new AwsRoles(new IAMClient({ region: 'eu-west-1' }));
afterEach(() => {
  iam.reset();
});
afterAll(() => {
  iam.restore();
});

const refusal = (name: string, httpStatusCode: number): Error =>
  Object.assign(new Error('why'), { name, $metadata: { httpStatusCode } });
const policy = (action: string): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: action, Resource: '*' }] });
const OWN = `arn:aws:iam::${ACCOUNT}:policy/team/archive`;
const OF_AWS = 'arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy';

describe('listPolicies', () => {
  it('reads inline and own managed ones over all pages, decoded, and does not read those of AWS', async () => {
    iam
      .on(ListRolePoliciesCommand)
      .resolvesOnce({ PolicyNames: ['one'], IsTruncated: true, Marker: 'm' })
      .resolves({ PolicyNames: ['two'], IsTruncated: false });
    iam
      .on(ListAttachedRolePoliciesCommand)
      .resolvesOnce({
        AttachedPolicies: [{ PolicyArn: OF_AWS, PolicyName: 'AmazonEBSCSIDriverPolicy' }],
        IsTruncated: true,
        Marker: 'm',
      })
      .resolves({ AttachedPolicies: [{ PolicyArn: OWN, PolicyName: 'archive' }], IsTruncated: false });
    iam.on(GetRolePolicyCommand).callsFake(({ PolicyName }: { PolicyName: string }) => ({
      PolicyName,
      RoleName: 'ebs-csi',
      PolicyDocument: encodeURIComponent(policy(`s3:${PolicyName}`)),
    }));
    iam.on(GetPolicyCommand, { PolicyArn: OWN }).resolves({ Policy: { Arn: OWN, DefaultVersionId: 'v3' } });
    iam
      .on(GetPolicyVersionCommand, { PolicyArn: OWN, VersionId: 'v3' })
      .resolves({ PolicyVersion: { Document: encodeURIComponent(policy('sts:AssumeRole')) } });
    expect(await roles.listPolicies(ROLE)).toEqual([
      { name: 'one', document: policy('s3:one') },
      { name: 'two', document: policy('s3:two') },
      { name: 'AmazonEBSCSIDriverPolicy', arn: OF_AWS },
      { name: 'archive', arn: OWN, document: policy('sts:AssumeRole') },
    ]);
    expect(iam.commandCalls(ListRolePoliciesCommand).map((call) => call.args[0].input)).toMatchObject([
      { RoleName: 'ebs-csi' },
      { RoleName: 'ebs-csi', Marker: 'm' },
    ]);
    expect(iam.commandCalls(GetPolicyCommand)).toHaveLength(1);
  });

  it('leaves out what has vanished between the list and the look', async () => {
    iam.on(ListRolePoliciesCommand).resolves({ PolicyNames: ['gone'], IsTruncated: false });
    iam.on(ListAttachedRolePoliciesCommand).resolves({
      AttachedPolicies: [
        { PolicyArn: OWN, PolicyName: 'archive' },
        { PolicyArn: `${OWN}-2`, PolicyName: 'archive-2' },
      ],
      IsTruncated: false,
    });
    iam.on(GetRolePolicyCommand).rejects(refusal('NoSuchEntityException', 404));
    iam
      .on(GetPolicyCommand)
      .rejects(refusal('NoSuchEntityException', 404))
      .on(GetPolicyCommand, { PolicyArn: OWN })
      .resolves({ Policy: { DefaultVersionId: 'v1' } });
    iam.on(GetPolicyVersionCommand).rejects(refusal('NoSuchEntityException', 404));
    expect(await roles.listPolicies(ROLE)).toEqual([]);
  });

  it.each([
    ['AccessDenied', 403, 'AccessDenied'],
    ['NoSuchEntityException', 404, 'NotFound'],
  ])('does not take a refusal for a role without policies: %s', async (name, status, expected) => {
    iam.on(ListRolePoliciesCommand).rejects(refusal(name, status));
    await expect(roles.listPolicies(ROLE)).rejects.toMatchObject({
      name: expected,
      message: expect.stringContaining('iam:ListRolePolicies ebs-csi') as string,
    });
  });

  it('does not take a policy that may not be read for none', async () => {
    iam.on(ListRolePoliciesCommand).resolves({ PolicyNames: [], IsTruncated: false });
    iam
      .on(ListAttachedRolePoliciesCommand)
      .resolves({ AttachedPolicies: [{ PolicyArn: OWN, PolicyName: 'archive' }], IsTruncated: false });
    iam.on(GetPolicyCommand).rejects(refusal('AccessDenied', 403));
    await expect(roles.listPolicies(ROLE)).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining(`iam:GetPolicy ${OWN}`) as string,
    });
  });
});

describe('mayPass', () => {
  const question = {
    principalArn: `arn:aws:iam::${ACCOUNT}:role/create-addon`,
    roleArns: [ROLE, OTHER_ROLE],
    service: 'pods.eks.amazonaws.com',
    associatedResourceArn: `arn:aws:eks:eu-west-1:${ACCOUNT}:cluster/${CLUSTER}`,
  };

  it('asks for both roles, with service and cluster as context, and takes nothing but allowed for a yes', async () => {
    iam
      .on(SimulatePrincipalPolicyCommand)
      .resolvesOnce({
        EvaluationResults: [{ EvalActionName: 'iam:PassRole', EvalResourceName: ROLE, EvalDecision: 'allowed' }],
        IsTruncated: true,
        Marker: 'm',
      })
      .resolves({
        EvaluationResults: [
          { EvalActionName: 'iam:PassRole', EvalResourceName: OTHER_ROLE, EvalDecision: 'implicitDeny' },
        ],
        IsTruncated: false,
      });
    expect(await roles.mayPass(question)).toEqual({ [ROLE]: true, [OTHER_ROLE]: false });
    expect(iam.calls().map((call) => call.args[0].input as unknown)).toMatchObject([
      {
        PolicySourceArn: question.principalArn,
        ActionNames: ['iam:PassRole'],
        ResourceArns: [ROLE, OTHER_ROLE],
        ContextEntries: [
          {
            ContextKeyName: 'iam:PassedToService',
            ContextKeyType: 'string',
            ContextKeyValues: ['pods.eks.amazonaws.com'],
          },
          {
            ContextKeyName: 'iam:AssociatedResourceArn',
            ContextKeyType: 'string',
            ContextKeyValues: [question.associatedResourceArn],
          },
        ],
      },
      { Marker: 'm' },
    ]);
  });

  it('goes by what is said of each role where one result has them all', async () => {
    const ResourceSpecificResults = [
      { EvalResourceName: ROLE, EvalResourceDecision: 'explicitDeny' as const },
      { EvalResourceName: OTHER_ROLE, EvalResourceDecision: 'allowed' as const },
    ];
    iam.on(SimulatePrincipalPolicyCommand).resolves({
      EvaluationResults: [
        { EvalActionName: 'iam:PassRole', EvalResourceName: '*', EvalDecision: 'allowed', ResourceSpecificResults },
      ],
    });
    expect(await roles.mayPass(question)).toEqual({ [ROLE]: false, [OTHER_ROLE]: true });
  });

  it('says nothing of a role that the answer does not name', async () => {
    iam.on(SimulatePrincipalPolicyCommand).resolves({
      EvaluationResults: [{ EvalActionName: 'iam:PassRole', EvalResourceName: ROLE, EvalDecision: 'allowed' }],
    });
    expect(await roles.mayPass(question)).toEqual({ [ROLE]: true });
  });

  it('asks nothing about no role', async () => {
    expect(await roles.mayPass({ ...question, roleArns: [] })).toEqual({});
    expect(iam.calls()).toEqual([]);
  });

  it('lets a refusal through: nobody knows then', async () => {
    iam.on(SimulatePrincipalPolicyCommand).rejects(refusal('AccessDenied', 403));
    await expect(roles.mayPass(question)).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining(`iam:SimulatePrincipalPolicy ${question.principalArn}`) as string,
    });
  });
});
