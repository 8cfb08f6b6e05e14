import * as sdk from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { createIamService } from '../../../sandbox/iam/service.ts';
import { expectSupported } from './query-actions.ts';
import { ACCOUNT, ROLE, configOf, newWorld, openGateway, podIdentityTrust } from '../support.ts';
import { expectExactError, expectFailure } from '../../lambdas/matchers.ts';

const open = () => {
  const world = newWorld();
  return { world, iam: new sdk.IAM(configOf(openGateway(world), world)) };
};

const update = (iam: sdk.IAM, document: unknown) =>
  iam.updateAssumeRolePolicy({
    RoleName: 'ebs-csi',
    PolicyDocument: typeof document === 'string' ? document : JSON.stringify(document),
  });
const onRole = { RoleName: 'ebs-csi' };
const onNobody = { RoleName: 'nobody' };
const NO_ROLE = { name: 'NoSuchEntityException', message: 'The role with name nobody cannot be found.' };

const assuming = (more: object) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole', ...more }],
});
/** A trust policy of that many services. */
const services = (count: number) =>
  assuming({ Principal: { Service: Array.from({ length: count }, (_, n) => `service-${n + 100}.amazonaws.com`) } });
const tooLong = (quota: number) => ({
  name: 'LimitExceededException',
  message: `Cannot exceed quota for ACLSizePerRole: ${quota}`,
  $metadata: { httpStatusCode: 409 },
});

describe('IAM', () => {
  it('returns a role with its trust policy as URL-encoded JSON', async () => {
    const { Role: role } = await open().iam.getRole(onRole);
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
    const bare = (await iam.getRole(onRole)).Role;
    expect(bare).toMatchObject({ MaxSessionDuration: 3600 });
    expect(bare).not.toHaveProperty('Description');
    const described = { description: 'Volumes & snapshots', maxSessionDuration: 7200 };
    Object.assign(world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!, described);
    const shown = { Description: 'Volumes & snapshots', MaxSessionDuration: 7200 };
    expect((await iam.getRole(onRole)).Role).toMatchObject(shown);
    expect((await iam.listRoles({})).Roles).toContainEqual(expect.objectContaining(shown));
  });

  it('reports a missing role', () =>
    expect(open().iam.getRole(onNobody)).rejects.toMatchObject({
      ...NO_ROLE,
      $metadata: { httpStatusCode: 404 },
    }));

  it('lists roles in pages', async () => {
    const { world, iam } = open();
    const { roles } = world.accounts.get(ACCOUNT)!;
    const [first] = roles.values();
    for (const name of ['a', 'b', 'c'])
      roles.set(name, { ...first!, name, path: '/', arn: `arn:aws:iam::${ACCOUNT}:role/${name}` });
    const one = await iam.listRoles({ MaxItems: 2 });
    expect(one).toMatchObject({ IsTruncated: true, Roles: [{ RoleName: 'a' }, { RoleName: 'b' }] });
    const two = await iam.listRoles({ MaxItems: 2, Marker: one.Marker });
    expect(two).toMatchObject({ IsTruncated: true, Roles: [{ RoleName: 'c' }, { RoleName: 'dev-nodes' }] });
    expect(await iam.listRoles({ MaxItems: 2, Marker: two.Marker })).toMatchObject({
      IsTruncated: false,
      Roles: [onRole],
    });
    expect((await iam.listRoles({ PathPrefix: '/app/' })).Roles).toHaveLength(1);
  });

  it('lists tags and attached policies', async () => {
    const { iam } = open();
    expect((await iam.listRoleTags(onRole)).Tags).toEqual([{ Key: 'team', Value: 'a&b' }]);
    expect(await iam.listAttachedRolePolicies({ ...onRole, PathPrefix: '/service-role/', MaxItems: 10 })).toMatchObject(
      { AttachedPolicies: [], IsTruncated: false },
    );
  });

  it('lists tags in pages that later changes do not shift, and accepts only its own markers', async () => {
    const { world, iam } = open();
    const role = world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!;
    role.tags = { c: '3', a: '1', b: '2' };
    const one = await iam.listRoleTags({ ...onRole, MaxItems: 1 });
    expect(one).toMatchObject({ IsTruncated: true, Tags: [{ Key: 'a' }] });
    delete role.tags['a'];
    expect(await iam.listRoleTags({ ...onRole, Marker: one.Marker })).toMatchObject({
      IsTruncated: false,
      Tags: [{ Key: 'b' }, { Key: 'c' }],
    });
    await expectFailure(iam.listRoleTags({ ...onRole, Marker: '1' }), 400, 'ValidationError', 'Invalid Marker.');
    await expectExactError(
      iam.listRoles({ MaxItems: 1001 }),
      'ValidationError',
      "1 validation error detected: Value '1001' at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 1000",
    );
  });

  it('returns no inline policies for a role without them', async () => {
    const { iam } = open();
    expect(await iam.listRolePolicies(onRole)).toMatchObject({ PolicyNames: [], IsTruncated: false });
    await expectFailure(
      iam.getRolePolicy({ ...onRole, PolicyName: 'inline' }),
      404,
      'NoSuchEntityException',
      'The role policy with name inline cannot be found.',
    );
    for (const call of [
      iam.listRolePolicies(onNobody),
      iam.listAttachedRolePolicies(onNobody),
      iam.getRolePolicy({ ...onNobody, PolicyName: 'inline' }),
    ])
      await expect(call).rejects.toMatchObject(NO_ROLE);
  });

  const invalid = (value: string, member: string, constraint: string): string =>
    `1 validation error detected: Value ${value} at '${member}' failed to satisfy constraint: Member must ${constraint}`;
  const [SHORT, LONG] = ['have length greater than or equal to 1', 'have length less than or equal to 64'];
  const NAME = String.raw`satisfy regular expression pattern: [\w+=,.@-]+`;
  const PATH = String.raw`satisfy regular expression pattern: \/[!-\x7f]*`;
  const long = 'r'.repeat(65);
  const getNamed = (RoleName: string | undefined) => (iam: sdk.IAM) => iam.getRole({ RoleName });
  const empty = (iam: sdk.IAM) => iam.updateAssumeRolePolicy({ ...onRole, PolicyDocument: '' });
  it.each<[string, (iam: sdk.IAM) => Promise<unknown>, string]>([
    ['no name', getNamed(undefined), invalid('null', 'roleName', 'not be null')],
    ['an empty name', getNamed(''), invalid("''", 'roleName', SHORT)],
    ['a name that is too long', getNamed(long), invalid(`'${long}'`, 'roleName', LONG)],
    ['an ARN instead of a name', getNamed(ROLE), invalid(`'${ROLE}'`, 'roleName', NAME)],
    ['a path without a slash', (iam) => iam.listRoles({ PathPrefix: 'app' }), invalid("'app'", 'pathPrefix', PATH)],
    ['an empty document', empty, invalid("''", 'policyDocument', SHORT)],
  ])('rejects %s', async (_what, call, message) => {
    const failure = { name: 'ValidationError', message, $metadata: { httpStatusCode: 400 } };
    await expect(call(open().iam)).rejects.toMatchObject(failure);
  });

  it('changes a trust policy', async () => {
    const { world, iam } = open();
    const document = assuming({ Principal: { AWS: ROLE } });
    await update(iam, document);
    expect(JSON.parse(world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!.trustPolicy)).toEqual(document);
    expect(world.log.calls[0]).toMatchObject({ operation: 'UpdateAssumeRolePolicy', mutating: true, status: 200 });
  });

  const SYNTAX = 'Syntax errors in policy.';
  const named = { Sid: 'A', Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' };
  const notPrincipal = { Principal: undefined, NotPrincipal: { AWS: '444455556666' } };
  const gone = `arn:aws:iam::${ACCOUNT}:role/gone`;
  it.each([
    ['invalid JSON', '{', 'This policy contains invalid Json'],
    ['URL-encoded JSON', encodeURIComponent(JSON.stringify(podIdentityTrust)), 'This policy contains invalid Json'],
    ['an invalid policy', { Statement: 'all' }, SYNTAX],
    ['no statement', { Version: '2012-10-17', Statement: [] }, SYNTAX],
    ['an unknown version', { ...podIdentityTrust, Version: '2024-01-01' }, SYNTAX],
    ['an unknown element', assuming({ Comment: 'why' }), SYNTAX],
    ['the same Sid twice', { Version: '2012-10-17', Statement: [named, named] }, SYNTAX],
    ['a principal without a type', assuming({ Principal: { Nobody: 'x' } }), SYNTAX],
    ['no action', assuming({ Action: undefined }), 'Missing required field Action'],
    ['no principal', assuming({ Principal: undefined }), 'Missing required field Principal'],
    ['a resource', assuming({ Resource: '*' }), 'Has prohibited field Resource'],
    ['NotPrincipal in an Allow', assuming(notPrincipal), 'Has prohibited field NotPrincipal'],
    ['NotPrincipal in a Deny', assuming({ Effect: 'Deny', ...notPrincipal }), 'Has prohibited field NotPrincipal'],
    ...['Allow', 'Deny'].map((Effect): [string, object, string] => [
      `"Principal": "*" with ${Effect}`,
      assuming({ Effect, Principal: '*' }),
      'AssumeRolepolicy contained an invalid principal: "STAR":"*".',
    ]),
    ...[{ Action: 's?s:AssumeRole' }, { Action: undefined, NotAction: ['sts:*', '*:Get*'] }].map(
      (actions): [string, object, string] => [
        `a wildcard in a service, ${JSON.stringify(actions)}`,
        assuming(actions),
        'Action vendors (e.g., aws, ec2, etc.) must not contain wildcards.',
      ],
    ),
    ['all services', assuming({ Principal: { Service: '*' } }), 'Invalid principal in policy: "SERVICE":"*"'],
    [
      'services by a wildcard',
      assuming({ Principal: { Service: ['pods.eks.amazonaws.com', '*.amazonaws.com'] } }),
      'Invalid principal in policy: "SERVICE":"*.amazonaws.com"',
    ],
    [
      'an action of another service',
      assuming({ Action: 's3:GetObject' }),
      'AssumeRole policy may only specify STS AssumeRole actions.',
    ],
    ['a missing role', assuming({ Principal: { AWS: gone } }), `Invalid principal in policy: "AWS":"${gone}"`],
  ])('rejects a trust policy with %s', async (_what, document, message) => {
    const { world, iam } = open();
    const before = world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!.trustPolicy;
    await expectFailure(update(iam, document), 400, 'MalformedPolicyDocumentException', message);
    expect(world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!.trustPolicy).toBe(before);
  });

  it('rejects an inline policy with a wildcard in a service', async () => {
    const PolicyDocument = JSON.stringify({ Statement: { Effect: 'Allow', Action: '*:Untag*', Resource: '*' } });
    const call = open().iam.putRolePolicy({ RoleName: 'ebs-csi', PolicyName: 'own', PolicyDocument });
    const message = 'Action vendors (e.g., aws, ec2, etc.) must not contain wildcards.';
    await expectFailure(call, 400, 'MalformedPolicyDocumentException', message);
  });

  it('counts the characters of a trust policy without white space', async () => {
    const { iam } = open();
    await update(iam, JSON.stringify(services(60), null, 8));
    await expect(update(iam, services(80))).rejects.toMatchObject(tooLong(2048));
  });

  it('accepts a longer trust policy with a raised quota', async () => {
    const { world, iam } = open();
    world.knobs.trustPolicyQuota = 4096;
    await update(iam, services(80));
    await expect(update(iam, services(160))).rejects.toMatchObject(tooLong(4096));
  });

  it('returns a changed trust policy at once, although other services do not see it yet', async () => {
    const { iam } = open();
    const document = assuming({ Principal: { AWS: ROLE } });
    await update(iam, document);
    const { Role: role } = await iam.getRole(onRole);
    expect(JSON.parse(decodeURIComponent(role?.AssumeRolePolicyDocument ?? ''))).toEqual(document);
  });

  it.each(['/aws-service-role/eks.amazonaws.com/', '/aws-reserved/sso.amazonaws.com/'])(
    'does not change roles of AWS: %s',
    async (path) => {
      const { world, iam } = open();
      const role = world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!;
      role.path = path;
      await expectFailure(
        update(iam, podIdentityTrust),
        400,
        'UnmodifiableEntityException',
        "Cannot perform the operation on the protected role 'ebs-csi' - this role is only modifiable by AWS",
      );
    },
  );

  const SUPPORTED =
    'GetRole, ListRoles, ListRoleTags, ListAttachedRolePolicies, ListRolePolicies, GetRolePolicy, GetPolicy, GetPolicyVersion, CreateRole, PutRolePolicy, AttachRolePolicy, ListOpenIDConnectProviders, GetOpenIDConnectProvider, SimulatePrincipalPolicy, UpdateAssumeRolePolicy';

  it('refuses an unsupported action with its name', () =>
    expectExactError(
      open().iam.deleteRole({ RoleName: 'r' }),
      'NotImplemented',
      `The sandbox's IAM does not support the operation DeleteRole. Supported operations: ${SUPPORTED}.`,
    ));

  it('refuses every unsupported action of the API with its name', async () => {
    const supported = SUPPORTED.split(', ').toSorted((a, b) => a.localeCompare(b));
    expect(await expectSupported(createIamService(newWorld()), sdk, '2010-05-08', supported)).toBeGreaterThan(150);
  });
});
