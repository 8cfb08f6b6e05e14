import { describe, expect, it } from 'vitest';
import { ACCOUNT, CLUSTER, OTHER_ACCOUNT, REGION, START, failureOf, openFixture, roleArn } from './fixture.ts';
import { expectError, expectFailure } from '../../lambdas/matchers.ts';

const USER = `arn:aws:iam::${ACCOUNT}:user/jane`;
const entry = { clusterName: CLUSTER, principalArn: roleArn('ebs') };
const invalid = (message: string) => ({
  name: 'InvalidParameterException',
  status: 400,
  message,
  clusterName: CLUSTER,
});
const NO_ENTRY = {
  name: 'ResourceNotFoundException',
  status: 404,
  message:
    "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.",
  clusterName: CLUSTER,
};

describe('CreateAccessEntry', () => {
  it('returns entries like the examples of the AWS CLI, for a role and for a user', async () => {
    const { eks } = openFixture();
    const input = { ...entry, kubernetesGroups: ['viewers'], tags: { team: 'platform' } };
    const { accessEntry } = await eks.createAccessEntry(input);
    expect(accessEntry).toEqual({
      ...input,
      accessEntryArn: expect.stringMatching(
        new RegExp(
          `^arn:aws:eks:${REGION}:${ACCOUNT}:access-entry/${CLUSTER}/role/${ACCOUNT}/ebs/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`,
        ),
      ),
      createdAt: new Date(START),
      modifiedAt: new Date(START),
      username: `arn:aws:sts::${ACCOUNT}:assumed-role/ebs/{{SessionName}}`,
      type: 'STANDARD',
    });
    expect((await eks.describeAccessEntry(entry)).accessEntry).toEqual(accessEntry);
    expect((await eks.createAccessEntry({ clusterName: CLUSTER, principalArn: USER })).accessEntry).toMatchObject({
      username: USER,
      kubernetesGroups: [],
    });
  });

  it('drops a role’s path from the username but not from the principal, and accepts principals of other accounts', async () => {
    const { eks } = openFixture();
    const principalArn = `arn:aws:iam::${OTHER_ACCOUNT}:role/teams/tooling/operator`;
    expect((await eks.createAccessEntry({ clusterName: CLUSTER, principalArn })).accessEntry).toMatchObject({
      principalArn,
      username: `arn:aws:sts::${OTHER_ACCOUNT}:assumed-role/operator/{{SessionName}}`,
    });
  });

  it('accepts a calling role that is not in the scenario', async () => {
    const { eks, world } = openFixture();
    const principalArn = roleArn('plan-function');
    const key = { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 's', principalArn, account: ACCOUNT };
    world.accessKeys.set(key.accessKeyId, key);
    expect((await eks.createAccessEntry({ clusterName: CLUSTER, principalArn })).accessEntry?.principalArn).toBe(
      principalArn,
    );
  });

  it('assigns groups and username to a node', async () => {
    const { eks } = openFixture();
    expect((await eks.createAccessEntry({ ...entry, type: 'EC2_LINUX' })).accessEntry).toMatchObject({
      type: 'EC2_LINUX',
      kubernetesGroups: ['system:nodes'],
      username: 'system:node:{{EC2PrivateDNSName}}',
    });
  });

  it('accepts a custom username', async () => {
    const { eks } = openFixture();
    expect((await eks.createAccessEntry({ ...entry, username: 'jo:hn{{SessionName}}' })).accessEntry?.username).toBe(
      'jo:hn{{SessionName}}',
    );
  });

  const ASSUMED = `arn:aws:sts::${ACCOUNT}:assumed-role/ebs/me`;
  const LINKED = `arn:aws:iam::${ACCOUNT}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS`;
  const NOT_LINKED =
    'The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role';
  const TYPES = 'STANDARD, EC2, EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, HYPERPOD_LINUX';
  const OWN_ROLE = "An access entry of type EC2_LINUX needs the ARN of an IAM role of the cluster's own account.";
  const type = 'EC2_LINUX';
  it.each([
    ['an assumed role', { principalArn: ASSUMED }, 'The principalArn parameter format is not valid'],
    ['a service-linked role', { principalArn: LINKED }, NOT_LINKED],
    [
      'a missing role',
      { principalArn: roleArn('nobody') },
      'The specified principalArn is invalid: invalid principal.',
    ],
    ['an invalid type', { type: 'HUMAN' }, `The type HUMAN is not valid. Valid types are: ${TYPES}.`],
    ['a node with a user as principal', { principalArn: USER, type }, OWN_ROLE],
    ['a node of another account', { principalArn: roleArn('node', OTHER_ACCOUNT), type }, OWN_ROLE],
    [
      'groups of a node',
      { type, kubernetesGroups: ['viewers'] },
      'username and kubernetesGroups can only be specified for access entries of type STANDARD, not EC2_LINUX.',
    ],
    [
      'a reserved group of Kubernetes',
      { kubernetesGroups: ['viewers', 'system:masters'] },
      'The kubernetes group name system:masters is invalid, it cannot start with system:',
    ],
    [
      'a reserved username of EKS',
      { username: 'eks:me' },
      'The username eks:me is invalid, it cannot start with system:, eks:, aws:, amazon: or iam:',
    ],
    [
      'a session name without a preceding colon',
      { username: 'john{{SessionNameRaw}}' },
      'The username john{{SessionNameRaw}} is invalid, it must include a colon before {{SessionNameRaw}}.',
    ],
  ])('rejects %s', async (_what, change, message) => {
    const { eks, cluster } = openFixture();
    expect(await failureOf(eks.createAccessEntry({ ...entry, ...change }))).toEqual(invalid(message));
    expect(cluster.accessEntries.size).toBe(0);
  });

  it('rejects a principal that already has an entry, and entries beyond the quota', async () => {
    const { eks, cluster } = openFixture();
    const { accessEntry } = await eks.createAccessEntry(entry);
    expect(await failureOf(eks.createAccessEntry(entry))).toEqual({
      name: 'ResourceInUseException',
      status: 409,
      message: 'The specified access entry resource is already in use on this cluster.',
      clusterName: CLUSTER,
    });
    const known = cluster.accessEntries.get(accessEntry?.principalArn ?? '')!;
    for (let n = 0; n < 2999; n += 1)
      cluster.accessEntries.set(`${USER}-${n}`, { ...known, principalArn: `${USER}-${n}` });
    await expectFailure(eks.createAccessEntry({ ...entry, principalArn: USER }), 400, 'ResourceLimitExceededException');
  });

  it('returns the same response for the same token', async () => {
    const { eks, cluster } = openFixture();
    const input = { ...entry, clientRequestToken: 'once' };
    const first = await eks.createAccessEntry(input);
    expect((await eks.createAccessEntry(input)).accessEntry).toEqual(first.accessEntry);
    expect(cluster.accessEntries.size).toBe(1);
    await expectError(eks.createAccessEntry({ ...input, username: 'other' }), 'InvalidParameterException');
  });
});

describe('an access entry', () => {
  it('is updated by the given members, and groups are replaced', async () => {
    const { eks, pass } = openFixture();
    await eks.createAccessEntry({ ...entry, kubernetesGroups: ['a', 'b'], username: 'me' });
    pass(60);
    const { accessEntry } = await eks.updateAccessEntry({ ...entry, kubernetesGroups: ['c'] });
    const times = { createdAt: new Date(START), modifiedAt: new Date(START + 60_000) };
    expect(accessEntry).toMatchObject({ kubernetesGroups: ['c'], username: 'me', ...times });
    const renamed = await eks.updateAccessEntry({ ...entry, username: 'you' });
    expect(renamed.accessEntry).toMatchObject({ kubernetesGroups: ['c'], username: 'you' });
    expect((await eks.describeAccessEntry(entry)).accessEntry?.accessEntryArn).toBe(accessEntry?.accessEntryArn);
    await expectError(
      eks.updateAccessEntry({ ...entry, kubernetesGroups: ['system:masters'] }),
      'InvalidParameterException',
    );
  });

  it('of a node cannot be updated', async () => {
    const { eks } = openFixture();
    await eks.createAccessEntry({ ...entry, type: 'EC2_LINUX' });
    expect(await failureOf(eks.updateAccessEntry({ ...entry, username: 'me' }))).toEqual(
      invalid('This operation can only be performed on Access Entries with a type of "STANDARD".'),
    );
  });

  it('does not exist after its deletion; a new entry has another ARN', async () => {
    const { eks, pass } = openFixture();
    const first = (await eks.createAccessEntry(entry)).accessEntry;
    await eks.deleteAccessEntry(entry);
    for (const call of [eks.describeAccessEntry(entry), eks.deleteAccessEntry(entry), eks.updateAccessEntry(entry)])
      expect(await failureOf(call)).toEqual(NO_ENTRY);
    pass(1);
    expect((await eks.createAccessEntry(entry)).accessEntry?.accessEntryArn).not.toBe(first?.accessEntryArn);
  });

  it('can be tagged by its ARN', async () => {
    const { eks } = openFixture();
    const resourceArn = (await eks.createAccessEntry(entry)).accessEntry?.accessEntryArn;
    await eks.tagResource({ resourceArn, tags: { team: 'platform' } });
    expect((await eks.describeAccessEntry(entry)).accessEntry?.tags).toEqual({ team: 'platform' });
    await eks.untagResource({ resourceArn, tagKeys: ['team'] });
    expect((await eks.listTagsForResource({ resourceArn })).tags).toEqual({});
  });

  it('is listed by principal, in pages, and by policy', async () => {
    const { eks } = openFixture();
    for (const principalArn of [USER, roleArn('other'), roleArn('ebs')])
      await eks.createAccessEntry({ clusterName: CLUSTER, principalArn });
    const first = await eks.listAccessEntries({ clusterName: CLUSTER, maxResults: 2 });
    expect(first.accessEntries).toEqual([roleArn('ebs'), roleArn('other')]);
    expect(await eks.listAccessEntries({ clusterName: CLUSTER, nextToken: first.nextToken })).toMatchObject({
      accessEntries: [USER],
    });
    const policyArn = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy';
    const other = { clusterName: CLUSTER, principalArn: roleArn('other') };
    await eks.associateAccessPolicy({ ...other, policyArn, accessScope: { type: 'cluster' } });
    const using = await eks.listAccessEntries({ clusterName: CLUSTER, associatedPolicyArn: policyArn });
    expect(using.accessEntries).toEqual([roleArn('other')]);
    const { message } = await failureOf(eks.listAccessEntries({ clusterName: 'none' }));
    expect(message).toBe('No cluster found for name: none.');
  });
});

describe('a cluster with the authentication mode CONFIG_MAP', () => {
  const POLICY = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy';
  const cases: [string, (eks: ReturnType<typeof openFixture>['eks']) => Promise<unknown>][] = [
    ['CreateAccessEntry', (eks) => eks.createAccessEntry(entry)],
    ['DescribeAccessEntry', (eks) => eks.describeAccessEntry(entry)],
    ['UpdateAccessEntry', (eks) => eks.updateAccessEntry({ ...entry, kubernetesGroups: ['viewers'] })],
    ['DeleteAccessEntry', (eks) => eks.deleteAccessEntry(entry)],
    ['ListAccessEntries', (eks) => eks.listAccessEntries({ clusterName: CLUSTER })],
    [
      'AssociateAccessPolicy',
      (eks) => eks.associateAccessPolicy({ ...entry, policyArn: POLICY, accessScope: { type: 'cluster' } }),
    ],
    ['DisassociateAccessPolicy', (eks) => eks.disassociateAccessPolicy({ ...entry, policyArn: POLICY })],
    ['ListAssociatedAccessPolicies', (eks) => eks.listAssociatedAccessPolicies(entry)],
  ];
  it.each(cases)('rejects %s', async (_name, call) => {
    const { eks, cluster } = openFixture();
    await eks.createAccessEntry(entry);
    cluster.authenticationMode = 'CONFIG_MAP';
    const before = structuredClone(cluster.accessEntries);
    await expectFailure(
      call(eks),
      400,
      'InvalidRequestException',
      "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
    );
    expect(cluster.accessEntries).toEqual(before);
  });
});
