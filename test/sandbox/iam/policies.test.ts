import { IAM } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { AwsRoles } from '../../../lambdas/adapters/aws-roles.ts';
import { buildWorld, parseScenario } from '../../../sandbox/build/load.ts';
import { ACCOUNT, configOf, FUNCTION_ROLE, openGateway, ROLE, scenarioFile } from '../support.ts';
import { matching, expectExactError } from '../../lambdas/matchers.ts';

const statement = (Action: string, Resource = '*') => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource }],
});
const OWN = `arn:aws:iam::${ACCOUNT}:policy/team/archive`;
const OF_AWS = 'arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy';
const inline = [
  { name: 'two', document: JSON.stringify(statement('s3:GetObject')) },
  { name: 'one', document: statement('sts:AssumeRole') },
];

/** Opens IAM with a role that has two policies of each kind, and a role of the service. */
const open = () => {
  const file = scenarioFile();
  const [role] = file.accounts[0]!.roles;
  const roles = [
    {
      ...role,
      policies: inline,
      attachedPolicies: [{ arn: OF_AWS }, { arn: OWN, document: statement('kms:Decrypt') }],
    },
  ];
  const scenario = parseScenario({ ...file, accounts: [{ ...file.accounts[0], roles }] }, 'test');
  const deployed = {
    arn: FUNCTION_ROLE,
    policies: [{ name: 'default', document: statement('eks:*') }],
    managedPolicyArns: [OF_AWS],
  };
  const world = buildWorld(scenario, { roles: [deployed] });
  return { world, iam: new IAM(configOf(openGateway(world), world)) };
};
const json = (document: string | undefined): unknown => JSON.parse(decodeURIComponent(document ?? ''));

describe('the policies of a role', () => {
  it('can be listed and read, inline policies by name', async () => {
    const { iam } = open();
    expect((await iam.listRolePolicies({ RoleName: 'ebs-csi' })).PolicyNames).toEqual(['one', 'two']);
    const { PolicyDocument, ...rest } = await iam.getRolePolicy({ RoleName: 'ebs-csi', PolicyName: 'two' });
    expect(rest).toMatchObject({ RoleName: 'ebs-csi', PolicyName: 'two' });
    expect(PolicyDocument).not.toContain('{');
    expect(json(PolicyDocument)).toEqual(statement('s3:GetObject'));
    await expectExactError(
      iam.getRolePolicy({ RoleName: 'ebs-csi', PolicyName: 'three' }),
      'NoSuchEntityException',
      'The role policy with name three cannot be found.',
    );
  });

  it('are listed in pages', async () => {
    const { iam } = open();
    const one = await iam.listRolePolicies({ RoleName: 'ebs-csi', MaxItems: 1 });
    expect(one).toMatchObject({ PolicyNames: ['one'], IsTruncated: true });
    expect(await iam.listRolePolicies({ RoleName: 'ebs-csi', Marker: one.Marker })).toMatchObject({
      PolicyNames: ['two'],
      IsTruncated: false,
    });
  });

  it('can be listed, managed policies by path', async () => {
    const { iam } = open();
    const list = async (PathPrefix?: string) =>
      (await iam.listAttachedRolePolicies({ RoleName: 'ebs-csi', PathPrefix })).AttachedPolicies;
    const [ofAws, own] = [
      { PolicyName: 'AmazonEBSCSIDriverPolicy', PolicyArn: OF_AWS },
      { PolicyName: 'archive', PolicyArn: OWN },
    ];
    expect([await list(), await list('/team/'), await list('/service-role/')]).toEqual([[own, ofAws], [own], [ofAws]]);
  });

  it('can be read, managed policies by ARN and version', async () => {
    const { iam } = open();
    expect((await iam.getPolicy({ PolicyArn: OWN })).Policy).toMatchObject({
      Arn: OWN,
      PolicyName: 'archive',
      Path: '/team/',
      DefaultVersionId: 'v1',
      AttachmentCount: 1,
      IsAttachable: true,
      CreateDate: new Date('2024-01-01T00:00:00Z'),
    });
    const { PolicyVersion: version } = await iam.getPolicyVersion({ PolicyArn: OWN, VersionId: 'v1' });
    expect(version).toMatchObject({ VersionId: 'v1', IsDefaultVersion: true });
    expect(json(version?.Document)).toEqual(statement('kms:Decrypt'));
    expect((await iam.getPolicy({ PolicyArn: OF_AWS })).Policy).toMatchObject({ AttachmentCount: 2 });
  });

  it.each<[string, (iam: IAM) => Promise<unknown>, string, string]>([
    [
      'a policy that no role has',
      (iam) => iam.getPolicy({ PolicyArn: `${OWN}-2` }),
      'NoSuchEntityException',
      `Policy ${OWN}-2 was not found.`,
    ],
    [
      'a missing version',
      (iam) => iam.getPolicyVersion({ PolicyArn: OWN, VersionId: 'v2' }),
      'NoSuchEntityException',
      `Policy ${OWN} version v2 does not exist.`,
    ],
    [
      'a document that is not in the scenario',
      (iam) => iam.getPolicyVersion({ PolicyArn: OF_AWS, VersionId: 'v1' }),
      'NotImplemented',
      `The sandbox does not know the document of the policy ${OF_AWS}. Add the document to the scenario.`,
    ],
  ])('are not invented: %s', (_what, ask, name, message) => expectExactError(ask(open().iam), name, message));

  it('include those of the deployed service’s roles, which nobody may assume unless their template allows it', async () => {
    const { iam } = open();
    expect((await iam.listRolePolicies({ RoleName: 'plan-function' })).PolicyNames).toEqual(['default']);
    expect(
      json((await iam.getRolePolicy({ RoleName: 'plan-function', PolicyName: 'default' })).PolicyDocument),
    ).toEqual(statement('eks:*'));
    const { Role: role } = await iam.getRole({ RoleName: 'plan-function' });
    expect(role).toMatchObject({ Arn: FUNCTION_ROLE, RoleId: matching(/^AROA[0-9A-F]{17}$/) });
    expect(json(role?.AssumeRolePolicyDocument)).toEqual({ Version: '2012-10-17', Statement: [] });
  });

  it('can be read by the service', async () =>
    expect(await new AwsRoles(open().iam).listPolicies(ROLE)).toEqual([
      { name: 'one', document: JSON.stringify(statement('sts:AssumeRole')) },
      { name: 'two', document: JSON.stringify(statement('s3:GetObject')) },
      { name: 'archive', arn: OWN, document: JSON.stringify(statement('kms:Decrypt')) },
      { name: 'AmazonEBSCSIDriverPolicy', arn: OF_AWS },
    ]));

  it('include its permissions boundary, which only GetRole returns', async () => {
    const { world, iam } = open();
    world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!.permissionsBoundary = {
      arn: `${OWN}-bound`,
      document: JSON.stringify(statement('ec2:*')),
    };
    expect((await iam.getRole({ RoleName: 'ebs-csi' })).Role?.PermissionsBoundary).toEqual({
      PermissionsBoundaryType: 'Policy',
      PermissionsBoundaryArn: `${OWN}-bound`,
    });
    expect((await iam.getRole({ RoleName: 'plan-function' })).Role).not.toHaveProperty('PermissionsBoundary');
    for (const role of (await iam.listRoles({})).Roles!) expect(role).not.toHaveProperty('PermissionsBoundary');
    expect((await iam.getPolicy({ PolicyArn: `${OWN}-bound` })).Policy).toMatchObject({
      AttachmentCount: 0,
      PermissionsBoundaryUsageCount: 1,
    });
    expect(
      json((await iam.getPolicyVersion({ PolicyArn: `${OWN}-bound`, VersionId: 'v1' })).PolicyVersion?.Document),
    ).toEqual(statement('ec2:*'));
    expect((await iam.getPolicy({ PolicyArn: OWN })).Policy).toMatchObject({
      AttachmentCount: 1,
      PermissionsBoundaryUsageCount: 0,
    });
  });

  it('of the service do not change the random sequence of a seed', () => {
    const scenario = parseScenario(scenarioFile(), 'test');
    const [with_, without] = [
      buildWorld(scenario, { roles: [{ arn: FUNCTION_ROLE, policies: [], managedPolicyArns: [] }] }),
      buildWorld(scenario, { roles: [FUNCTION_ROLE] }),
    ];
    expect([...with_.accessKeys.keys()]).toEqual([...without.accessKeys.keys()]);
    expect(with_.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!.roleId).toBe(
      without.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!.roleId,
    );
  });
});
