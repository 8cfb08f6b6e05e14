/** What a role's own policies and its boundary say, and what it may do: as IAM answers it, page by page. */
import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  SimulatePrincipalPolicyCommand,
} from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { AwsRoles } from '../../../lambdas/adapters/aws-roles.ts';
import { ACCOUNT, OTHER_ROLE, ROLE } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { mocked, refusal } from './mocked.ts';

const iam = mocked(IAMClient);
const roles = new AwsRoles(new IAMClient({ region: 'eu-west-1' }));

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
    iam.on(GetRolePolicyCommand).rejects(refusal('NoSuchEntityException', 'why', 404));
    iam
      .on(GetPolicyCommand)
      .rejects(refusal('NoSuchEntityException', 'why', 404))
      .on(GetPolicyCommand, { PolicyArn: OWN })
      .resolves({ Policy: { DefaultVersionId: 'v1' } });
    iam.on(GetPolicyVersionCommand).rejects(refusal('NoSuchEntityException', 'why', 404));
    expect(await roles.listPolicies(ROLE)).toEqual([]);
  });

  it.each([
    ['AccessDenied', 403, 'AccessDenied'],
    ['NoSuchEntityException', 404, 'NotFound'],
  ])('does not take a refusal for a role without policies: %s', async (name, status, expected) => {
    iam.on(ListRolePoliciesCommand).rejects(refusal(name, 'why', status));
    await expectError(roles.listPolicies(ROLE), expected, 'iam:ListRolePolicies ebs-csi');
  });

  it('does not take a policy that may not be read for none', async () => {
    iam.on(ListRolePoliciesCommand).resolves({ PolicyNames: [], IsTruncated: false });
    iam
      .on(ListAttachedRolePoliciesCommand)
      .resolves({ AttachedPolicies: [{ PolicyArn: OWN, PolicyName: 'archive' }], IsTruncated: false });
    iam.on(GetPolicyCommand).rejects(refusal('AccessDenied', 'why', 403));
    await expectError(roles.listPolicies(ROLE), 'AccessDenied', `iam:GetPolicy ${OWN}`);
  });
});

describe('getBoundary', () => {
  const BOUND = `arn:aws:iam::${ACCOUNT}:policy/bound`;
  const withBoundary = (PermissionsBoundaryArn: string) => ({
    Role: {
      Arn: ROLE,
      Path: '/',
      RoleName: 'ebs-csi',
      RoleId: 'AROA',
      CreateDate: new Date(0),
      PermissionsBoundary: { PermissionsBoundaryType: 'PermissionsBoundaryPolicy' as const, PermissionsBoundaryArn },
    },
  });

  it('reads the policy of the account that is one', async () => {
    iam.on(GetRoleCommand, { RoleName: 'ebs-csi' }).resolves(withBoundary(BOUND));
    iam.on(GetPolicyCommand, { PolicyArn: BOUND }).resolves({ Policy: { DefaultVersionId: 'v2' } });
    iam
      .on(GetPolicyVersionCommand, { PolicyArn: BOUND, VersionId: 'v2' })
      .resolves({ PolicyVersion: { Document: encodeURIComponent(policy('eks:*')) } });
    expect(await roles.getBoundary(ROLE)).toEqual({ name: BOUND, arn: BOUND, document: policy('eks:*') });
  });

  it('knows one of AWS by its name alone, and that there is none', async () => {
    const ofAws = 'arn:aws:iam::aws:policy/PowerUserAccess';
    iam
      .on(GetRoleCommand)
      .resolvesOnce(withBoundary(ofAws))
      .resolves({ Role: { ...withBoundary(BOUND).Role, PermissionsBoundary: undefined } });
    expect(await roles.getBoundary(ROLE)).toEqual({ name: ofAws, arn: ofAws });
    expect(await roles.getBoundary(ROLE)).toBeUndefined();
    expect(iam.commandCalls(GetPolicyCommand)).toEqual([]);
  });

  it('does not take a role, or a policy, that may not be read for one without a boundary', async () => {
    iam.on(GetRoleCommand).rejects(refusal('AccessDenied', 'why', 403));
    await expectError(roles.getBoundary(ROLE), 'AccessDenied');
    iam.on(GetRoleCommand).resolves(withBoundary(BOUND));
    iam.on(GetPolicyCommand).rejects(refusal('AccessDenied', 'why', 403));
    await expectError(roles.getBoundary(ROLE), 'AccessDenied');
  });
});

describe('simulate', () => {
  const question = {
    principalArn: `arn:aws:iam::${ACCOUNT}:role/create-addon`,
    actions: ['iam:PassRole'],
    resources: [ROLE, OTHER_ROLE],
    context: {
      'iam:PassedToService': ['pods.eks.amazonaws.com'],
      'aws:TagKeys': ['a', 'b'],
      'aws:SecureTransport': ['true'],
    },
  };
  const specific = (EvalResourceName: string, decision: 'allowed' | 'explicitDeny', more: object = {}) => ({
    EvalResourceName,
    EvalResourceDecision: decision,
    ...more,
  });

  it('asks for all of it at once, with keys of their types, and reads all pages', async () => {
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
    expect(await roles.simulate(question)).toEqual([
      { action: 'iam:PassRole', resource: ROLE, allowed: true, missing: [], limitedBy: [] },
      { action: 'iam:PassRole', resource: OTHER_ROLE, allowed: false, missing: [], limitedBy: [] },
    ]);
    expect(iam.calls().map((call) => call.args[0].input as unknown)).toMatchObject([
      {
        PolicySourceArn: question.principalArn,
        ActionNames: ['iam:PassRole'],
        ResourceArns: [ROLE, OTHER_ROLE],
        MaxItems: 1000,
        ContextEntries: [
          {
            ContextKeyName: 'iam:PassedToService',
            ContextKeyType: 'string',
            ContextKeyValues: ['pods.eks.amazonaws.com'],
          },
          { ContextKeyName: 'aws:TagKeys', ContextKeyType: 'stringList', ContextKeyValues: ['a', 'b'] },
          { ContextKeyName: 'aws:SecureTransport', ContextKeyType: 'boolean', ContextKeyValues: ['true'] },
        ],
      },
      { Marker: 'm' },
    ]);
  });

  it('goes by what is said of each resource, not by the strictest of all', async () => {
    iam.on(SimulatePrincipalPolicyCommand).resolves({
      EvaluationResults: [
        {
          EvalActionName: 'iam:PassRole',
          EvalResourceName: ROLE,
          EvalDecision: 'explicitDeny',
          ResourceSpecificResults: [
            specific(ROLE, 'allowed', { MissingContextValues: ['aws:SourceIp'] }),
            specific(OTHER_ROLE, 'explicitDeny'),
          ],
        },
      ],
    });
    expect(await roles.simulate(question)).toEqual([
      { action: 'iam:PassRole', resource: ROLE, allowed: true, missing: ['aws:SourceIp'], limitedBy: [] },
      { action: 'iam:PassRole', resource: OTHER_ROLE, allowed: false, missing: [], limitedBy: [] },
    ]);
  });

  it('says whether the boundary or the organization is what does not allow it', async () => {
    iam.on(SimulatePrincipalPolicyCommand).resolves({
      EvaluationResults: [
        {
          EvalActionName: 'iam:PassRole',
          EvalResourceName: '*',
          EvalDecision: 'explicitDeny',
          OrganizationsDecisionDetail: { AllowedByOrganizations: false },
          ResourceSpecificResults: [
            specific(ROLE, 'explicitDeny', {
              PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: false },
            }),
            specific(OTHER_ROLE, 'allowed', {
              PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: true },
            }),
          ],
        },
      ],
    });
    const [first, second] = await roles.simulate(question);
    expect(first).toMatchObject({
      allowed: false,
      why: 'a service control policy of the organization does not allow it; its permissions boundary does not allow it',
      limitedBy: ['boundary', 'organization'],
    });
    expect(second).not.toHaveProperty('why');
    // Also if they allow it.
    expect(second!.limitedBy).toEqual(['boundary', 'organization']);
  });

  it('asks nothing about no resource, and of no action', async () => {
    expect(await roles.simulate({ ...question, resources: [] })).toEqual([]);
    expect([await roles.simulate({ ...question, actions: [] }), iam.calls()]).toEqual([[], []]);
  });

  it('lets a refusal through: nobody knows then', async () => {
    iam.on(SimulatePrincipalPolicyCommand).rejects(refusal('AccessDenied', 'why', 403));
    await expectError(roles.simulate(question), 'AccessDenied', `iam:SimulatePrincipalPolicy ${question.principalArn}`);
  });
});
