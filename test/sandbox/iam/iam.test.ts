import * as sdk from '@aws-sdk/client-iam';
import {
  DeleteRoleCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  ListRoleTagsCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { createIamService } from '../../../sandbox/iam/service.ts';
import { expectSupported } from './query-actions.ts';
import { ACCOUNT, ROLE, clientsOf, newWorld, openGateway, podIdentityTrust } from '../support.ts';

const open = () => {
  const world = newWorld();
  return { world, iam: clientsOf(openGateway(world), world).iam() };
};

const update = (document: unknown, RoleName = 'ebs-csi') =>
  new UpdateAssumeRolePolicyCommand({
    RoleName,
    PolicyDocument: typeof document === 'string' ? document : JSON.stringify(document),
  });

const withStatement = (statement: object) => ({ Version: '2012-10-17', Statement: [statement] });

describe('IAM', () => {
  it('returns a role with its trust policy as URL-encoded JSON', async () => {
    const { Role: role } = await open().iam.send(new GetRoleCommand({ RoleName: 'ebs-csi' }));
    expect(role).toMatchObject({
      Arn: ROLE,
      RoleName: 'ebs-csi',
      Path: '/app/',
      Tags: [{ Key: 'team', Value: 'a&b' }],
    });
    expect(role?.RoleId).toMatch(/^AROA[A-Z2-7]{17}$/);
    expect(role?.CreateDate).toEqual(new Date('2024-01-01T00:00:00Z'));
    expect(role?.AssumeRolePolicyDocument).not.toContain('{');
    expect(JSON.parse(decodeURIComponent(role?.AssumeRolePolicyDocument ?? ''))).toEqual(podIdentityTrust);
  });

  it('returns the description and the longest session, which have defaults, also in lists', async () => {
    const { world, iam } = open();
    const bare = (await iam.send(new GetRoleCommand({ RoleName: 'ebs-csi' }))).Role;
    expect(bare).toMatchObject({ MaxSessionDuration: 3600 });
    expect(bare).not.toHaveProperty('Description');
    const described = { description: 'Volumes & snapshots', maxSessionDuration: 7200 };
    Object.assign(world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!, described);
    const shown = { Description: 'Volumes & snapshots', MaxSessionDuration: 7200 };
    expect((await iam.send(new GetRoleCommand({ RoleName: 'ebs-csi' }))).Role).toMatchObject(shown);
    expect((await iam.send(new ListRolesCommand({}))).Roles).toContainEqual(expect.objectContaining(shown));
  });

  it('reports a missing role', async () => {
    await expect(open().iam.send(new GetRoleCommand({ RoleName: 'nobody' }))).rejects.toMatchObject({
      name: 'NoSuchEntityException',
      message: 'The role with name nobody cannot be found.',
      $metadata: { httpStatusCode: 404 },
    });
  });

  it('lists roles in pages', async () => {
    const { world, iam } = open();
    const { roles } = world.accounts.get(ACCOUNT)!;
    const [first] = roles.values();
    for (const name of ['a', 'b', 'c'])
      roles.set(name, { ...first!, name, path: '/', arn: `arn:aws:iam::${ACCOUNT}:role/${name}` });
    const one = await iam.send(new ListRolesCommand({ MaxItems: 2 }));
    expect(one).toMatchObject({ IsTruncated: true, Roles: [{ RoleName: 'a' }, { RoleName: 'b' }] });
    const two = await iam.send(new ListRolesCommand({ MaxItems: 2, Marker: one.Marker }));
    expect(two).toMatchObject({ IsTruncated: true, Roles: [{ RoleName: 'c' }, { RoleName: 'dev-nodes' }] });
    expect(await iam.send(new ListRolesCommand({ MaxItems: 2, Marker: two.Marker }))).toMatchObject({
      IsTruncated: false,
      Roles: [{ RoleName: 'ebs-csi' }],
    });
    expect((await iam.send(new ListRolesCommand({ PathPrefix: '/app/' }))).Roles).toHaveLength(1);
  });

  it('lists tags and attached policies', async () => {
    const { iam } = open();
    expect((await iam.send(new ListRoleTagsCommand({ RoleName: 'ebs-csi' }))).Tags).toEqual([
      { Key: 'team', Value: 'a&b' },
    ]);
    expect(
      await iam.send(
        new ListAttachedRolePoliciesCommand({ RoleName: 'ebs-csi', PathPrefix: '/service-role/', MaxItems: 10 }),
      ),
    ).toMatchObject({ AttachedPolicies: [], IsTruncated: false });
  });

  it('lists tags in pages that later changes do not shift, and accepts only its own markers', async () => {
    const { world, iam } = open();
    const role = world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!;
    role.tags = { c: '3', a: '1', b: '2' };
    const one = await iam.send(new ListRoleTagsCommand({ RoleName: 'ebs-csi', MaxItems: 1 }));
    expect(one).toMatchObject({ IsTruncated: true, Tags: [{ Key: 'a' }] });
    delete role.tags['a'];
    expect(await iam.send(new ListRoleTagsCommand({ RoleName: 'ebs-csi', Marker: one.Marker }))).toMatchObject({
      IsTruncated: false,
      Tags: [{ Key: 'b' }, { Key: 'c' }],
    });
    await expect(iam.send(new ListRoleTagsCommand({ RoleName: 'ebs-csi', Marker: '1' }))).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'Invalid Marker.',
      $metadata: { httpStatusCode: 400 },
    });
    await expect(iam.send(new ListRolesCommand({ MaxItems: 1001 }))).rejects.toMatchObject({
      name: 'ValidationError',
      message:
        "1 validation error detected: Value '1001' at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 1000",
    });
  });

  it('returns no inline policies for a role without them', async () => {
    const { iam } = open();
    expect(await iam.send(new ListRolePoliciesCommand({ RoleName: 'ebs-csi' }))).toMatchObject({
      PolicyNames: [],
      IsTruncated: false,
    });
    await expect(
      iam.send(new GetRolePolicyCommand({ RoleName: 'ebs-csi', PolicyName: 'inline' })),
    ).rejects.toMatchObject({
      name: 'NoSuchEntityException',
      message: 'The role policy with name inline cannot be found.',
      $metadata: { httpStatusCode: 404 },
    });
    for (const command of [
      new ListRolePoliciesCommand({ RoleName: 'nobody' }),
      new ListAttachedRolePoliciesCommand({ RoleName: 'nobody' }),
      new GetRolePolicyCommand({ RoleName: 'nobody', PolicyName: 'inline' }),
    ]) {
      await expect(iam.send(command as ListRolePoliciesCommand)).rejects.toMatchObject({
        name: 'NoSuchEntityException',
        message: 'The role with name nobody cannot be found.',
      });
    }
  });

  it.each([
    [
      'no name',
      new GetRoleCommand({ RoleName: undefined }),
      "1 validation error detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null",
    ],
    [
      'an empty name',
      new GetRoleCommand({ RoleName: '' }),
      "1 validation error detected: Value '' at 'roleName' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      'a name that is too long',
      new GetRoleCommand({ RoleName: 'r'.repeat(65) }),
      `1 validation error detected: Value '${'r'.repeat(65)}' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64`,
    ],
    [
      'an ARN instead of a name',
      new GetRoleCommand({ RoleName: ROLE }),
      `1 validation error detected: Value '${ROLE}' at 'roleName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+`,
    ],
    [
      'a path without a slash',
      new ListRolesCommand({ PathPrefix: 'app' }),
      "1 validation error detected: Value 'app' at 'pathPrefix' failed to satisfy constraint: Member must satisfy regular expression pattern: \\/[!-\\x7f]*",
    ],
    [
      'an empty document',
      new UpdateAssumeRolePolicyCommand({ RoleName: 'ebs-csi', PolicyDocument: '' }),
      "1 validation error detected: Value '' at 'policyDocument' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
  ])('rejects %s', async (_what, command, message) => {
    await expect(open().iam.send(command as GetRoleCommand)).rejects.toMatchObject({
      name: 'ValidationError',
      message,
      $metadata: { httpStatusCode: 400 },
    });
  });

  it('changes a trust policy', async () => {
    const { world, iam } = open();
    const document = withStatement({ Effect: 'Allow', Principal: { AWS: ROLE }, Action: 'sts:AssumeRole' });
    await iam.send(update(document));
    expect(JSON.parse(world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!.trustPolicy)).toEqual(document);
    expect(world.log.calls[0]).toMatchObject({ operation: 'UpdateAssumeRolePolicy', mutating: true, status: 200 });
  });

  it.each([
    ['invalid JSON', '{', 'This policy contains invalid Json'],
    ['URL-encoded JSON', encodeURIComponent(JSON.stringify(podIdentityTrust)), 'This policy contains invalid Json'],
    ['an invalid policy', { Statement: 'all' }, 'Syntax errors in policy.'],
    ['no statement', { Version: '2012-10-17', Statement: [] }, 'Syntax errors in policy.'],
    ['an unknown version', { ...podIdentityTrust, Version: '2024-01-01' }, 'Syntax errors in policy.'],
    [
      'an unknown element',
      withStatement({ Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole', Comment: 'why' }),
      'Syntax errors in policy.',
    ],
    [
      'the same Sid twice',
      {
        Version: '2012-10-17',
        Statement: [1, 2].map(() => ({ Sid: 'A', Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' })),
      },
      'Syntax errors in policy.',
    ],
    [
      'a principal without a type',
      withStatement({ Effect: 'Allow', Principal: { Nobody: 'x' }, Action: 'sts:AssumeRole' }),
      'Syntax errors in policy.',
    ],
    ['no action', withStatement({ Effect: 'Allow', Principal: '*' }), 'Missing required field Action'],
    ['no principal', withStatement({ Effect: 'Allow', Action: 'sts:AssumeRole' }), 'Missing required field Principal'],
    [
      'a resource',
      withStatement({ Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole', Resource: '*' }),
      'Has prohibited field Resource',
    ],
    [
      'NotPrincipal in an Allow',
      withStatement({ Effect: 'Allow', NotPrincipal: { AWS: '444455556666' }, Action: 'sts:AssumeRole' }),
      'Has prohibited field NotPrincipal',
    ],
    [
      'NotPrincipal in a Deny',
      withStatement({ Effect: 'Deny', NotPrincipal: { AWS: '444455556666' }, Action: 'sts:AssumeRole' }),
      'Has prohibited field NotPrincipal',
    ],
    [
      'all services',
      withStatement({ Effect: 'Allow', Principal: { Service: '*' }, Action: 'sts:AssumeRole' }),
      'Invalid principal in policy: "SERVICE":"*"',
    ],
    [
      'services by a wildcard',
      withStatement({
        Effect: 'Allow',
        Principal: { Service: ['pods.eks.amazonaws.com', '*.amazonaws.com'] },
        Action: 'sts:AssumeRole',
      }),
      'Invalid principal in policy: "SERVICE":"*.amazonaws.com"',
    ],
    [
      'an action of another service',
      withStatement({ Effect: 'Allow', Principal: '*', Action: 's3:GetObject' }),
      'AssumeRole policy may only specify STS AssumeRole actions.',
    ],
    [
      'a missing role',
      withStatement({
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/gone` },
        Action: 'sts:AssumeRole',
      }),
      `Invalid principal in policy: "AWS":"arn:aws:iam::${ACCOUNT}:role/gone"`,
    ],
  ])('rejects a trust policy with %s', async (_what, document, message) => {
    const { world, iam } = open();
    const before = world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!.trustPolicy;
    await expect(iam.send(update(document))).rejects.toMatchObject({
      name: 'MalformedPolicyDocumentException',
      message,
      $metadata: { httpStatusCode: 400 },
    });
    expect(world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!.trustPolicy).toBe(before);
  });

  it('counts the characters of a trust policy without white space', async () => {
    const { iam } = open();
    const services = (count: number) =>
      withStatement({
        Effect: 'Allow',
        Principal: { Service: Array.from({ length: count }, (_, n) => `service-${n + 100}.amazonaws.com`) },
        Action: 'sts:AssumeRole',
      });
    await iam.send(update(JSON.stringify(services(60), null, 8)));
    await expect(iam.send(update(services(80)))).rejects.toMatchObject({
      name: 'LimitExceededException',
      message: 'Cannot exceed quota for ACLSizePerRole: 2048',
      $metadata: { httpStatusCode: 409 },
    });
  });

  it('accepts a longer trust policy with a raised quota', async () => {
    const { world, iam } = open();
    world.knobs.trustPolicyQuota = 4096;
    const services = (count: number) =>
      withStatement({
        Effect: 'Allow',
        Principal: { Service: Array.from({ length: count }, (_, n) => `service-${n + 100}.amazonaws.com`) },
        Action: 'sts:AssumeRole',
      });
    await iam.send(update(services(80)));
    await expect(iam.send(update(services(160)))).rejects.toMatchObject({
      name: 'LimitExceededException',
      message: 'Cannot exceed quota for ACLSizePerRole: 4096',
    });
  });

  it('returns a changed trust policy at once, although other services do not see it yet', async () => {
    const { iam } = open();
    const document = withStatement({ Effect: 'Allow', Principal: { AWS: ROLE }, Action: 'sts:AssumeRole' });
    await iam.send(update(document));
    const { Role: role } = await iam.send(new GetRoleCommand({ RoleName: 'ebs-csi' }));
    expect(JSON.parse(decodeURIComponent(role?.AssumeRolePolicyDocument ?? ''))).toEqual(document);
  });

  it.each(['/aws-service-role/eks.amazonaws.com/', '/aws-reserved/sso.amazonaws.com/'])(
    'does not change roles of AWS: %s',
    async (path) => {
      const { world, iam } = open();
      const role = world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!;
      role.path = path;
      await expect(iam.send(update(podIdentityTrust))).rejects.toMatchObject({
        name: 'UnmodifiableEntityException',
        message: "Cannot perform the operation on the protected role 'ebs-csi' - this role is only modifiable by AWS",
        $metadata: { httpStatusCode: 400 },
      });
    },
  );

  it('refuses an unsupported action with its name', async () => {
    await expect(open().iam.send(new DeleteRoleCommand({ RoleName: 'r' }))).rejects.toMatchObject({
      name: 'NotImplemented',
      message:
        "The sandbox's IAM does not support the operation DeleteRole. Supported operations: GetRole, ListRoles, ListRoleTags, ListAttachedRolePolicies, ListRolePolicies, GetRolePolicy, GetPolicy, GetPolicyVersion, CreateRole, PutRolePolicy, AttachRolePolicy, ListOpenIDConnectProviders, GetOpenIDConnectProvider, SimulatePrincipalPolicy, UpdateAssumeRolePolicy.",
    });
  });

  it('refuses every unsupported action of the API with its name', async () => {
    const world = newWorld();
    expect(
      await expectSupported(createIamService(world), sdk, '2010-05-08', [
        'AttachRolePolicy',
        'CreateRole',
        'GetOpenIDConnectProvider',
        'GetPolicy',
        'GetPolicyVersion',
        'GetRole',
        'GetRolePolicy',
        'ListAttachedRolePolicies',
        'ListOpenIDConnectProviders',
        'ListRolePolicies',
        'ListRoles',
        'ListRoleTags',
        'PutRolePolicy',
        'SimulatePrincipalPolicy',
        'UpdateAssumeRolePolicy',
      ]),
    ).toBeGreaterThan(150);
  });
});
