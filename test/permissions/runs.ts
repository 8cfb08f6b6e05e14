/**
 * Runs that together rest on every right that the service has: migrations, retirements, rollbacks and recoveries; of
 * sweeps, see sweep-runs.ts.
 */
import { CreatePodIdentityAssociationCommand } from '@aws-sdk/client-eks';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { FaultInput } from '../../sandbox/calls/faults.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { approves, looks, plans, refuses, retires, supersedes } from './by-api.ts';
import { BLOCKED, MIGRATED, RECOVERED, RETIRED, type Run, runOf } from './follow.ts';

const EBS = 'aws-ebs-csi-driver';
const EBS_SERVICE_ACCOUNT = 'ebs-csi-controller-sa';

type Cluster = Scenario['accounts'][number]['clusters'][number];

/** The cluster that comes first, with the ARN of the role of its EBS CSI driver. */
const ofEbs =
  (change: (cluster: Cluster, roleArn: string, scenario: Scenario) => void) =>
  (scenario: Scenario): void => {
    const cluster = scenario.accounts[0]!.clusters[0]!;
    change(cluster, cluster.addons.find(({ name }) => name === EBS)!.serviceAccountRoleArn!, scenario);
  };

const owned = (roleArn: string): Cluster['associations'][number] => ({
  namespace: 'kube-system',
  serviceAccount: EBS_SERVICE_ACCOUNT,
  roleArn,
  owner: EBS,
  tags: { team: 'storage' },
  createdAt: '2025-10-01T09:00:00.000Z',
});

/** The add-on owns an association already, by another role than its own. */
const owning = ofEbs((cluster, roleArn, scenario) => {
  const other = `${roleArn}-before`;
  const [role] = scenario.accounts[0]!.roles;
  scenario.accounts[0]!.roles.push({ ...role!, arn: other });
  cluster.associations = [owned(other)];
});

/** By its own role, and with more than the add-on's form can say. */
const owningMore = ofEbs((cluster, roleArn) => {
  cluster.associations = [{ ...owned(roleArn), disableSessionTags: true }];
});

/** The role's trust is of a cluster that is gone, and an association shows that the service account has the role. */
const associatedAlone = ofEbs((cluster, roleArn) => {
  cluster.oidcId = '0'.repeat(32);
  const { owner: _, ...standalone } = owned(roleArn);
  cluster.associations = [standalone];
});

const tagged = ofEbs((cluster) => void (cluster.addons.find(({ name }) => name === EBS)!.tags = { team: 'storage' }));

const both =
  (...changes: ((scenario: Scenario) => void)[]) =>
  (scenario: Scenario): void => {
    for (const change of changes) change(scenario);
  };

/**
 * Its role has a managed policy of the account's own, and a trust policy with a wildcard; one of its nodes is of no
 * managed node group. The cluster has a Fargate profile.
 */
export const managed = ofEbs((cluster, roleArn, scenario) => {
  const role = scenario.accounts[0]!.roles.find(({ arn }) => arn === roleArn)!;
  role.trustPolicy = JSON.parse(
    JSON.stringify(role.trustPolicy).replace('StringEquals', 'StringLike').replace(EBS_SERVICE_ACCOUNT, 'ebs-csi-*'),
  ) as typeof role.trustPolicy;
  cluster.nodes = [
    { count: 2, os: 'linux', ready: true, agentReady: true },
    { count: 1, os: 'linux', ready: true, agentReady: true, compute: 'auto' },
  ];
  cluster.fargateProfiles = [{ name: 'batch', namespace: 'batch', labels: {} }];
  const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'ec2:*', Resource: '*' }] };
  scenario.accounts[0]!.roles[0]!.attachedPolicies.push({ arn: 'arn:aws:iam::111122223333:policy/volumes', document });
});

/** People have a role of IAM Identity Center, which they share. */
const sharing = ofEbs((_cluster, _roleArn, scenario) => {
  const document = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: '*' }],
  };
  scenario.accounts[0]!.roles.push({
    ...scenario.accounts[0]!.roles[0]!,
    arn: 'arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Platform_0123456789abcdef',
    policies: [{ name: 'calls-the-api', document }],
    attachedPolicies: [],
  });
});

const RECREATE = { strategy: 'recreate' } as const;
const IN_PLACE = { strategy: 'in-place' } as const;
const OF_API = { serviceAccount: { namespace: 'payments', name: 'api' } };
const WITH_APPROVAL = { approval: 'required' } as const;
const ROLLED_BACK = { ends: [MIGRATED, RECOVERED], rollBack: true };
const NEEDS_HUMAN = 'MigrateAddon NeedsHuman';
const RECOVERS = ['MigrateAddon ABORTED', RECOVERED];
const BY_EKS = { verification: 'api' } as const;
const NO_CREATE = { createEndsIn: 'CREATE_FAILED' } as const;

/** Each of that step's calls of that operation fails. */
const failing =
  (kind: FaultInput['kind']) =>
  (step: string, operation: string): FaultInput => ({ kind, step, operation, times: 'all' });
const [refused, absent] = [failing('access-denied'), failing('not-found')];

const associate = (sandbox: Sandbox): Promise<unknown> => {
  const roleArn = 'arn:aws:iam::111122223333:role/reliability-dev-ebs-csi-driver-irsa-role';
  const subject = { namespace: 'kube-system', serviceAccount: EBS_SERVICE_ACCOUNT, roleArn };
  const command = new CreatePodIdentityAssociationCommand({ clusterName: 'reliability-dev', ...subject });
  return sandbox.clients().eks().send(command);
};

/** Few that use every right; each says what it is for. */
export const FEW_RUNS: Run[] = [
  runOf('stopped without an event, found by schedule', { ends: RECOVERS, knobs: { eventsLost: true }, stopAfter: 12 }),
  runOf('by the runbook, which is cancelled while it waits for an approval, which is taken back', {
    ends: RECOVERS,
    request: WITH_APPROVAL,
    stopAfter: 20,
    runbook: true,
  }),
  runOf('planned by the API', { byApi: plans }),
  runOf('approved by the API, begun when its window opens, rolled back by the API', {
    ends: [MIGRATED, RECOVERED],
    change: sharing,
    byApi: approves,
  }),
  runOf('rejected by the API, and cancelled while it waits for an approval', {
    ends: [BLOCKED, BLOCKED],
    byApi: refuses,
  }),
  runOf('asked for twice: the one that waits is ended by the one that begins', {
    ends: [MIGRATED, BLOCKED],
    byApi: supersedes,
  }),
  runOf('identities by the API', { ends: [], byApi: looks }),
  runOf('rolled back on demand, and the webhook never forgets the association', {
    scenario: 'service-account-irsa',
    ends: [MIGRATED, 'Recover NeedsHuman'],
    request: OF_API,
    knobs: { webhookRemovalLagSeconds: 86_400 },
    rollBack: true,
  }),
  runOf('trust repaired, retired, reinstated, rolled back', {
    scenario: 'trust-repair',
    ends: [MIGRATED, RECOVERED, RETIRED, RETIRED],
    request: { trust: 'repair' },
    retire: true,
    rollBack: true,
  }),
  runOf('retired and reinstated by the API, where an accepted retirement was not started', {
    scenario: 'ebs-csi-irsa',
    ends: [MIGRATED, RETIRED, 'Retire RetireRefused', RETIRED, RETIRED],
    // The deployment's window closes half an hour later.
    change: both(sharing, (scenario) => void (scenario.startAt = '2026-01-15T04:30:00.000Z')),
    byApi: retires,
    faults: [{ kind: 'crash-before', step: 'api', operation: 'StartExecution', call: 3 }],
  }),
  runOf('trust repaired for a service account that has the role by an association', {
    scenario: 'trust-repair',
    request: { trust: 'repair' },
    change: associatedAlone,
  }),
  runOf('the Pod Identity agent installed first', { scenario: 'agent-absent', request: { agent: 'install' } }),
  runOf('CloudTrail tells of a denied UpdateAddon', { ends: [MIGRATED, MIGRATED], denied: true }),
  runOf('in place by what EKS says alone, which shows no annotation', {
    request: { ...IN_PLACE, ...BY_EKS },
    ...ROLLED_BACK,
  }),
  runOf('recreated by what EKS says alone, with what an association had', {
    scenario: 'left-over-session-tags',
    request: { ...RECREATE, ...BY_EKS },
  }),
  runOf('role with a managed policy', { scenario: 'role-chaining', change: managed }),
  runOf('asked for again meanwhile', { ends: [BLOCKED, MIGRATED], again: 10 }),
  runOf('in place over its own association, rolled back on demand', {
    request: IN_PLACE,
    change: owning,
    ...ROLLED_BACK,
  }),
  runOf('a service account whose annotation goes, the reply to its association lost, rolled back on demand', {
    scenario: 'service-account-irsa',
    request: { ...OF_API, annotation: 'remove' },
    faults: [{ kind: 'lost-after', step: 'create-association', operation: 'CreatePodIdentityAssociation' }],
    ...ROLLED_BACK,
  }),
  runOf('every create fails: needs a person', {
    scenario: 'trust-repair',
    ends: [NEEDS_HUMAN],
    request: { ...RECREATE, trust: 'repair' },
    knobs: NO_CREATE,
  }),
  runOf('neither goes on nor back: needs a person', {
    ends: [NEEDS_HUMAN],
    request: IN_PLACE,
    faults: [absent('await-active', 'DescribeAddon'), absent('restore-addon', 'UpdateAddon')],
  }),
  runOf('a person is needed, and the lock was not parked', {
    scenario: 'ebs-csi-irsa',
    ends: [NEEDS_HUMAN],
    request: RECREATE,
    knobs: NO_CREATE,
    faults: [{ ...absent('finish', 'UpdateItem'), input: { Key: { sk: { S: 'LOCK' } } } }],
    later: 10,
  }),
];

/** They rest on no other right, as `proof.grid.test.ts` shows: only the grids follow them. */
const OTHER_RUNS: Run[] = [
  runOf('cancelled, recovered', { ends: RECOVERS, stopAfter: 12 }),
  runOf('in place, rolled back on demand', ROLLED_BACK),
  runOf('recreated, stopped, recovered', {
    scenario: 'ebs-csi-irsa',
    ends: RECOVERS,
    request: RECREATE,
    stopAfter: 30,
  }),
  runOf('approved by nobody', { ends: [BLOCKED], request: { ...WITH_APPROVAL, approvalHours: 1 } }),
  runOf('falls back from preserve to outage', { scenario: 'auto-falls-back' }),
  runOf('left-over association with tags, and without session tags, put back', {
    scenario: 'left-over-session-tags',
    ...ROLLED_BACK,
  }),
  runOf('the same where EKS asks for the right to pass the role each time', {
    scenario: 'left-over-session-tags',
    knobs: { updateAssociationPassesRole: true },
    ...ROLLED_BACK,
  }),
  runOf('left-over association, in an execution that the previous release has begun', {
    scenario: 'left-over-session-tags',
    previous: true,
  }),
  runOf('asked for twice at once', { ends: [BLOCKED, MIGRATED], again: 0 }),
  runOf('in place over its own association, which EKS replaces with a new one, rolled back on demand', {
    request: IN_PLACE,
    change: owning,
    knobs: { newIdOnReplace: true },
    ...ROLLED_BACK,
  }),
  runOf('recreated with its own association, rolled back on demand', {
    scenario: 'ebs-csi-irsa',
    request: RECREATE,
    change: owning,
    ...ROLLED_BACK,
  }),
  runOf('keys freed late, so that the create meets the old association', {
    scenario: 'left-over-session-tags',
    request: RECREATE,
    knobs: { associationDeleteLagSeconds: 60 },
  }),
  runOf('another principal associates the service account meanwhile', {
    scenario: 'ebs-csi-irsa',
    ends: ['MigrateAddon RolledBack'],
    request: RECREATE,
    knobs: { associationDeleteLagSeconds: 0, cascadeLagSeconds: 0 },
    meanwhile: { step: 'create-addon', operation: 'DeletePodIdentityAssociation', act: associate },
  }),
  runOf('reply to the create lost', {
    scenario: 'ebs-csi-irsa',
    request: RECREATE,
    faults: [{ kind: 'lost-after', step: 'create-addon', operation: 'CreateAddon' }],
  }),
  runOf('create refused for good, created again as it was', {
    scenario: 'ebs-csi-irsa',
    ends: ['MigrateAddon RolledBack'],
    request: RECREATE,
    change: both(tagged, owningMore),
    faults: [refused('create-addon', 'CreateAddon')],
  }),
  runOf('the same where EKS asks for the right to pass the role of the association that gets its settings again', {
    scenario: 'ebs-csi-irsa',
    ends: ['MigrateAddon RolledBack'],
    request: RECREATE,
    change: owningMore,
    knobs: { updateAssociationPassesRole: true },
    faults: [refused('create-addon', 'CreateAddon')],
  }),
];

export const RUNS: Run[] = [...FEW_RUNS, ...OTHER_RUNS];
