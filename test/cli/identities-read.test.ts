/**
 * What `identities` reads, and how it handles refusals and transient errors: without a sandbox, whose
 * operator may read everything.
 */
import {
  DescribeClusterCommand,
  DescribePodIdentityAssociationCommand,
  EKSClient,
  ListPodIdentityAssociationsCommand,
} from '@aws-sdk/client-eks';
import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Reader } from '../../cli/identities/open.ts';
import { readIdentities } from '../../cli/identities/read.ts';
import { MigrationError, type ErrorName } from '../../lambdas/domain/failures/errors.ts';
import type { IdentityFacts } from '../../lambdas/domain/identities/facts.ts';
import { report as reportSchema, type IdentitiesReport } from '../../lambdas/domain/identities/model.ts';
import { identitiesReport } from '../../lambdas/domain/identities/report.ts';
import { FakeEks } from '../lambdas/fake-eks.ts';
import { FakeClock, FakeKubernetes, FakeRoles } from '../lambdas/fakes.ts';
import {
  ACCOUNT,
  anAddon,
  anAgentAddon,
  aPod,
  irsaStatement,
  OTHER_ROLE,
  policyText,
  ROLE,
  target,
} from '../lambdas/fixtures.ts';
import { containing, expectError, said } from '../lambdas/matchers.ts';

const eks = mockClient(EKSClient);
const iam = mockClient(IAMClient);

interface Fakes {
  clock: FakeClock;
  eks: FakeEks;
  kubernetes: FakeKubernetes;
  roles: FakeRoles;
}
let fakes: Fakes;

const awsRefuses = (name: string): Error =>
  Object.assign(new Error('You may not.'), { name, $metadata: { httpStatusCode: 403 } });
const refuses = (name: ErrorName) => () => Promise.reject(new MigrationError(name, `${name}: no.`));

const summary = {
  associationId: 'a-00000000000000001',
  namespace: 'kube-system',
  serviceAccount: 'ebs-csi-controller-sa',
};
const whole = {
  ...summary,
  associationArn: 'arn',
  roleArn: ROLE,
  createdAt: new Date('2026-01-01T00:00:00Z'),
  modifiedAt: new Date('2026-01-01T00:00:00Z'),
};

beforeEach(() => {
  const clock = new FakeClock();
  fakes = { clock, eks: new FakeEks(clock), kubernetes: new FakeKubernetes(), roles: new FakeRoles() };
  fakes.eks.addons.set('aws-ebs-csi-driver', anAddon());
  fakes.eks.addons.set('eks-pod-identity-agent', anAgentAddon());
  eks.on(ListPodIdentityAssociationsCommand).resolves({ associations: [] });
  eks.on(DescribeClusterCommand).resolves({ cluster: {} });
});
afterAll(() => {
  eks.restore();
  iam.restore();
});
afterEach(() => {
  eks.reset();
  iam.reset();
});

const read = (roles = false): Promise<IdentityFacts> => {
  const reader: Reader = {
    target,
    eksClient: new EKSClient({ region: target.region }),
    iamClient: new IAMClient({ region: target.region }),
    ...fakes,
  };
  return readIdentities(reader, { namespace: undefined, roles });
};
const look = async (roles = false): Promise<IdentitiesReport> =>
  reportSchema.parse(identitiesReport(await read(roles)));
const driver = ({ workloads }: IdentitiesReport) => workloads.find(({ name }) => name === 'ebs-csi-controller');

describe('the namespace of an add-on', () => {
  beforeEach(() => {
    fakes.eks.addons.clear();
    fakes.eks.addons.set('x', anAddon({ name: 'x' }));
  });

  it("is reported if it is unknown, and no workload counts as the add-on's", async () => {
    const report = await look();
    expect(report.unread).toEqual([
      {
        what: 'the namespace of add-on x, so that no workload is shown as its own',
        why: containing('DescribeAddonVersions returns no defaultNamespace'),
      },
    ]);
    expect(driver(report)?.addon).toBeUndefined();
  });
  it('is the default that EKS reports', async () => {
    fakes.eks.offered = [
      { version: 'v1', default: true, requiresIamPermissions: true, defaultNamespace: 'kube-system' },
    ];
    fakes.eks.configurations.set(`x ${anAddon().version}`, {
      podIdentity: [{ serviceAccount: 'ebs-csi-controller-sa', recommendedManagedPolicies: [] }],
    });
    const report = await look();
    expect([report.unread, driver(report)?.addon]).toMatchObject([[], { name: 'x', takesAssociation: true }]);
  });
});

describe('reading identities', () => {
  it('describes only the associations of service accounts in use, from all pages', async () => {
    eks.on(ListPodIdentityAssociationsCommand).resolves({
      associations: [{ ...summary, associationId: 'a-other', serviceAccount: 'nobody' }],
      nextToken: 'next',
    });
    eks.on(ListPodIdentityAssociationsCommand, { nextToken: 'next' }).resolves({ associations: [summary] });
    eks.on(DescribePodIdentityAssociationCommand).resolves({ association: whole });
    expect(driver(await look())?.association).toEqual({
      id: summary.associationId,
      roleArn: ROLE,
      createdAt: '2026-01-01T00:00:00.000Z',
    });
    expect(
      eks.commandCalls(DescribePodIdentityAssociationCommand).map((call) => call.args[0].input.associationId),
    ).toEqual([summary.associationId]);
  });

  it('starts again after an interruption, and counts no pod twice', async () => {
    let tries = 0;
    fakes.kubernetes.eachPod = async (visit) => {
      visit(fakes.kubernetes.pods.slice(0, 3));
      tries += 1;
      // For example an expired continue token of a list.
      if (tries < 3) throw new MigrationError('Busy', 'The list changed while it was read.');
      visit(fakes.kubernetes.pods.slice(3));
    };
    expect((await look()).totals.pods).toBe(fakes.kubernetes.pods.length);
    expect(fakes.clock.slept).toEqual([1000, 3000]);
  });

  it('gives up on a persistent error, sooner on no answer, and immediately if a retry cannot help', async () => {
    fakes.kubernetes.listNodes = refuses('Throttled');
    await expectError(read(), 'Throttled');
    expect(fakes.clock.slept).toEqual([1000, 3000, 9000]);
    fakes.kubernetes.listNodes = refuses('ConnectionLost');
    await expectError(read(), 'ConnectionLost');
    expect(fakes.clock.slept).toEqual([1000, 3000, 9000, 1000]);
    fakes.kubernetes.listNodes = refuses('InvalidRequest');
    await expectError(read(), 'InvalidRequest');
    expect(fakes.clock.slept).toHaveLength(4);
  });
});

describe('what cannot be read', () => {
  it('associations: unknown, not none', async () => {
    eks.on(ListPodIdentityAssociationsCommand).rejects(awsRefuses('AccessDeniedException'));
    const report = await look();
    expect(report.unread).toMatchObject([
      { what: 'the Pod Identity associations', why: containing('AccessDeniedException') },
    ]);
    expect(driver(report)?.obstacles).toMatchObject([{ id: 'association', status: 'unknown' }]);
  });

  it('trust policies: unknown, reported once for all roles', async () => {
    fakes.kubernetes.annotated = [{ namespace: 'kube-system', name: 'ebs-csi-controller-sa', roleArn: OTHER_ROLE }];
    fakes.roles.getRole = refuses('AccessDenied');
    const report = await look();
    expect(report.unread).toEqual([
      { what: `the trust policies of 2 roles, such as ${[ROLE, OTHER_ROLE].sort()[0]}`, why: 'AccessDenied: no.' },
    ]);
    expect(
      driver(report)
        ?.obstacles.filter(({ id }) => id === 'trust')
        .map(({ status }) => status),
    ).toEqual(['unknown', 'unknown']);
  });

  it("the agent's DaemonSet: unknown, also where the add-on is ACTIVE", async () => {
    fakes.kubernetes.getWorkload = refuses('AccessDenied');
    const report = await look();
    expect(report.agent).toMatchObject(said('unknown', 'its add-on is ACTIVE'));
    expect(report.unread).toMatchObject([{ what: 'DaemonSet kube-system/eks-pod-identity-agent' }]);
  });

  it('add-ons: no remedy assumes that there are none', async () => {
    fakes.eks.listAddons = refuses('AccessDenied');
    const report = await look();
    expect(report.unread).toMatchObject([{ what: 'the add-ons' }]);
    expect(driver(report)?.addon).toBeUndefined();
    expect(driver(report)?.obstacles.find(({ id }) => id === 'association')?.remedy).toMatch(
      /^Allow the add-ons and the associations to be read first\./,
    );
  });

  it('the cluster itself, or its pods: no report', async () => {
    fakes.kubernetes.eachPod = refuses('Unauthorised');
    await expect(read()).rejects.toMatchObject({ name: 'NoAccess', exitCode: 3 });
    fakes.eks.describeCluster = refuses('AccessDenied');
    await expectError(read(), 'AccessDenied');
  });
});

describe('the role of the nodes', () => {
  const mode = (authenticationMode: 'API' | 'API_AND_CONFIG_MAP'): void =>
    void eks.on(DescribeClusterCommand).resolves({ cluster: { accessConfig: { authenticationMode } } });
  const node = `arn:aws:iam::${ACCOUNT}:role/nodes`;
  const ofNodes = async () => (await look()).workloads.flatMap(({ roles }) => roles).find(({ by }) => by === 'node');

  it('is named if all nodes have the same role', async () => {
    mode('API');
    fakes.eks.accessEntries = [
      { principalArn: node, type: 'EC2_LINUX' },
      { principalArn: `arn:aws:iam::${ACCOUNT}:role/people`, type: 'STANDARD' },
    ];
    expect(await ofNodes()).toMatchObject({ by: 'node', roleArn: node });
  });

  it('is not named if it could be another role, or cannot be read', async () => {
    mode('API_AND_CONFIG_MAP');
    fakes.eks.accessEntries = [{ principalArn: node, type: 'EC2_LINUX' }];
    expect(await ofNodes()).not.toHaveProperty('roleArn');
    mode('API');
    fakes.eks.accessEntries = [
      { principalArn: node, type: 'EC2_LINUX' },
      { principalArn: OTHER_ROLE, type: 'EC2' },
    ];
    expect(await ofNodes()).not.toHaveProperty('roleArn');
    fakes.eks.listNodeCandidates = refuses('AccessDenied');
    const report = await look();
    expect(report.workloads.flatMap(({ roles }) => roles)).toContainEqual(
      expect.not.objectContaining({ roleArn: expect.anything() as unknown }),
    );
    expect(report.unread).toEqual([]);
  });
});

describe('all roles of the account', () => {
  it('are searched for those that trust the issuer, or any principal', async () => {
    const role = (RoleName: string, document: string) => ({
      Path: '/',
      RoleName,
      RoleId: RoleName,
      Arn: `arn:aws:iam::${ACCOUNT}:role/${RoleName}`,
      CreateDate: new Date(0),
      AssumeRolePolicyDocument: encodeURIComponent(document),
    });
    const everybody = policyText({ Effect: 'Allow', Principal: { AWS: '*' }, Action: '*' });
    iam.on(ListRolesCommand).resolves({
      Roles: [
        role(
          'ec2',
          policyText({ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }),
        ),
        role('driver', policyText(irsaStatement)),
      ],
      IsTruncated: true,
      Marker: 'next',
    });
    iam.on(ListRolesCommand, { Marker: 'next' }).resolves({ Roles: [role('open', everybody)], IsTruncated: false });
    fakes.kubernetes.pods = [aPod('irsa')];
    const facts = await read(true);
    expect([...(facts.trusting?.keys() ?? [])]).toEqual([
      `arn:aws:iam::${ACCOUNT}:role/driver`,
      `arn:aws:iam::${ACCOUNT}:role/open`,
    ]);
    expect(reportSchema.parse(identitiesReport(facts)).trustedRoles?.map(({ roleArn }) => roleArn)).toContain(
      `arn:aws:iam::${ACCOUNT}:role/driver`,
    );
  });

  it('cannot be listed: not an empty list', async () => {
    iam.on(ListRolesCommand).rejects(awsRefuses('AccessDenied'));
    const report = await look(true);
    expect(report).not.toHaveProperty('trustedRoles');
    expect(report.unread).toMatchObject([{ what: 'the roles of the account' }]);
  });

  it('are none if the cluster has no issuer', async () => {
    fakes.eks.cluster = { ...fakes.eks.cluster!, oidcIssuer: undefined };
    expect([(await look(true)).trustedRoles, iam.commandCalls(ListRolesCommand)]).toEqual([[], []]);
  });
});
