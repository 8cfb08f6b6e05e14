import { describe, expect, it } from 'vitest';
import {
  migrate,
  mutationsOf,
  RECREATE,
  type RunOptions,
  scenarioWith,
  ebs,
  TARGET,
  trustOf,
  ROLE,
} from './fixture.ts';

const withoutPodsPrincipal = scenarioWith((scenario) => {
  const trust = trustOf(scenario);
  trust.Statement = trust.Statement.filter(({ Sid }) => Sid !== 'PodIdentity');
});
const withoutTagSession = scenarioWith((scenario) => {
  trustOf(scenario).Statement.find(({ Sid }) => Sid === 'PodIdentity')!.Action = 'sts:AssumeRole';
});

const OTHER_ROLE = 'arn:aws:iam::111122223333:role/of-an-earlier-try';
/** The left-over association has fields that an add-on's cannot have, and a role other than the add-on's. */
const withForeignFields = scenarioWith((scenario, cluster) => {
  const { roles } = scenario.accounts[0]!;
  roles.push({ ...structuredClone(roles[0]!), arn: OTHER_ROLE });
  Object.assign(cluster.associations[0]!, {
    roleArn: OTHER_ROLE,
    targetRoleArn: 'arn:aws:iam::444455556666:role/target',
  });
});
const vpcCniOnIrsa = scenarioWith(
  (_, cluster) => void (cluster.addons.find(({ name }) => name === 'vpc-cni')!.serviceAccountRoleArn = ROLE),
);
const withModifiedField = scenarioWith(
  (_, cluster) =>
    void (ebs(cluster).modifiedFields = [
      { field: 'Deployment.apps ebs-csi-controller - .spec.replicas', manager: 'kubectl-edit', value: 3 },
    ]),
);

const withAutoscaler = scenarioWith(
  (_, cluster) =>
    void (ebs(cluster).modifiedFields = [
      {
        field: 'Deployment.apps ebs-csi-controller - .spec.replicas',
        manager: 'kube-controller-manager',
        subresource: 'scale',
        value: 3,
      },
    ]),
);

/** What is wrong, the run that meets it, the check that must block, and what its remedy must mention. */
const cases: [string, RunOptions, string, RegExp][] = [
  [
    'the role does not exist',
    { scenario: scenarioWith((scenario) => void (scenario.accounts[0]!.roles = [])) },
    'role-exists',
    /get-role|--role-arn/,
  ],
  ['the trust lacks the pods principal', { scenario: withoutPodsPrincipal }, 'role-trust', /pods\.eks\.amazonaws\.com/],
  ['the trust lacks sts:TagSession', { scenario: withoutTagSession }, 'role-trust', /sts:TagSession/],
  [
    'the role belongs to another account',
    { request: { roleArn: 'arn:aws:iam::444455556666:role/elsewhere' } },
    'role-account',
    /role in account 111122223333/,
  ],
  [
    'the agent is missing',
    {
      scenario: scenarioWith(
        (_, cluster) => void (cluster.addons = cluster.addons.filter(({ name }) => name !== 'eks-pod-identity-agent')),
      ),
    },
    'agent',
    /create-addon .*eks-pod-identity-agent/,
  ],
  [
    'the version is too old',
    {
      scenario: scenarioWith((_, cluster) => {
        cluster.version = '1.30';
        ebs(cluster).version = 'v1.25.0-eksbuild.1';
      }),
    },
    'pod-identity-support',
    /update-addon .*--addon-version v1\.\d+/,
  ],
  [
    'the add-on does not support Pod Identity',
    {
      scenario: scenarioWith((_, cluster) => {
        cluster.addons.push({
          name: 'cert-manager',
          version: 'v1.17.2-eksbuild.2',
          status: 'ACTIVE',
          serviceAccountRoleArn: ROLE,
          tags: {},
          createdAt: '2025-03-04T10:15:00.000Z',
        });
      }),
      request: { addon: 'cert-manager' },
    },
    'pod-identity-support',
    /Keep IRSA/,
  ],
  [
    'the version is no longer offered',
    {
      scenario: scenarioWith(
        (scenario, cluster) =>
          void scenario.catalogue.push({ addon: 'aws-ebs-csi-driver', withdrawnVersions: [ebs(cluster).version] }),
      ),
      request: RECREATE,
    },
    'version-offered',
    /update-addon .*--addon-version/,
  ],
  ['the add-on is not installed', { request: { addon: 'aws-efs-csi-driver' } }, 'addon-installed', /list-addons/],
  ['EKS does not offer the add-on', { request: { addon: 'no-such-addon' } }, 'addon-installed', /list-addons/],
  [
    'the cluster does not exist',
    { request: { target: { ...TARGET, cluster: 'elsewhere' } } },
    'cluster-exists',
    /list-clusters/,
  ],
  [
    'the cluster is in another region',
    { request: { target: { ...TARGET, region: 'us-east-1' } } },
    'cluster-exists',
    /list-clusters/,
  ],
  [
    'the add-on is not ACTIVE',
    { scenario: scenarioWith((_, cluster) => void (ebs(cluster).status = 'DEGRADED')) },
    'addon-installed',
    /ACTIVE/,
  ],
  [
    'the add-on has no role',
    { scenario: scenarioWith((_, cluster) => void delete ebs(cluster).serviceAccountRoleArn) },
    'addon-uses-irsa',
    /node role|podIdentityAssociations/,
  ],
  [
    'a left-over association has a target role, which it reaches through another role',
    { scenario: withForeignFields },
    'associations',
    /--role ebs-csi-controller-sa=.*of-an-earlier-try|delete-pod-identity-association/,
  ],
  [
    'a left-over association is managed by another tool',
    { scenario: scenarioWith((_, cluster) => void (cluster.associations[0]!.tags = { ManagedBy: 'terraform' })) },
    'associations',
    /Terraform/,
  ],
  [
    'a networking add-on would be deleted without preserve',
    { request: { ...RECREATE, addon: 'vpc-cni' }, scenario: vpcCniOnIrsa },
    'addon-risk',
    /--preserve/,
  ],
  [
    'the add-on would be down, which the request does not allow',
    { request: { ...RECREATE, maxDisruption: 'rolling' } },
    'max-disruption',
    /--max-disruption outage/,
  ],
  [
    'a create over preserved objects would conflict with third-party fields',
    { request: { ...RECREATE, preserve: true }, scenario: withModifiedField },
    'field-managers',
    /--resolve-conflicts OVERWRITE/,
  ],
  [
    "a create over preserved objects would conflict with an autoscaler's replicas",
    { request: { ...RECREATE, preserve: true }, scenario: withAutoscaler },
    'field-managers',
    /--resolve-conflicts OVERWRITE/,
  ],
  [
    'an update in place would conflict with third-party fields, and may not keep them',
    { request: { strategy: 'in-place', resolveConflicts: 'NONE' }, scenario: withModifiedField },
    'field-managers',
    /An update in place keeps them with PRESERVE/,
  ],
];

describe('a plan that blocks', () => {
  it.each(cases)('%s', async (_, options, id, remedy) => {
    const run = await migrate(options);
    expect(run.report.outcome).toBe('blocked');
    const blocking = run.report.plan!.checks.filter((check) => check.status !== 'pass' && check.status !== 'warn');
    expect(blocking.map((check) => check.id)).toContain(id);
    expect(blocking.find((check) => check.id === id)!.remedy).toMatch(remedy);
    expect(mutationsOf(run)).toEqual([]);
  });
});

describe('nothing to do', () => {
  it('is reported for an add-on that is already on Pod Identity', async () => {
    const scenario = scenarioWith((_, cluster) => {
      delete ebs(cluster).serviceAccountRoleArn;
      cluster.associations[0]!.owner = 'aws-ebs-csi-driver';
    });
    const run = await migrate({ scenario });
    expect(run.report.outcome).toBe('already-migrated');
    expect(mutationsOf(run)).toEqual([]);
  });

  it.each<[string, RunOptions['request'], string]>([
    ['in place by default', {}, 'update-addon'],
    ['by deletion on request', RECREATE, 'create-addon'],
  ])('plans %s without changing anything', async (_, request, change) => {
    const run = await migrate({ request: { ...request, dryRun: true } });
    expect(run.report.outcome).toBe('planned');
    expect(run.report.plan!.steps.map((step) => step.name)).toContain(change);
    expect(run.report.applied).toBeUndefined();
    expect(mutationsOf(run)).toEqual([]);
  });
});
