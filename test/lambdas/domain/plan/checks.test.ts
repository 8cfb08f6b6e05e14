/** Each check's pass and its failures: a stable id, a message that names what was found, and what to do about it. */
import { describe, expect, it } from 'vitest';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import type { Check } from '../../../../lambdas/domain/migration/model.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { blockingChecks, planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import {
  aCluster,
  agentDaemonSet,
  anAddon,
  aNodePod,
  aPod,
  aRequest,
  at,
  bothWays,
  irsaStatement,
  OTHER_EXECUTION,
  OTHER_MIGRATION_ID,
  OTHER_ROLE,
  podIdentityStatement,
  policyText,
  ROLE,
  someFacts,
} from '../../fixtures.ts';
import { textLike } from '../../expectations.ts';

const agent = (status: 'ACTIVE' | 'DEGRADED'): Facts['agentAddon'] =>
  anAddon({ name: 'eks-pod-identity-agent', status });
const FOREIGN = 'arn:aws:iam::444455556666:role/ebs';
const trust = (...statements: unknown[]): Partial<Facts> => ({
  roles: { [ROLE]: { trustPolicy: parseTrust(policyText(...statements)) } },
});

const lock = {
  migrationId: OTHER_MIGRATION_ID,
  executionArn: OTHER_EXECUTION,
  since: at(-60),
  running: false,
  recovering: false,
};
const withoutRole = anAddon({ serviceAccountRoleArn: undefined });
const twoAccounts = [...someFacts().podIdentity, { serviceAccount: 'second-sa', recommendedManagedPolicies: [] }];

type Row = [
  id: string,
  what: string,
  change: Partial<Facts>,
  status: Check['status'],
  message: RegExp,
  remedy?: RegExp,
];

const rows: Row[] = [
  ['cluster-exists', 'is ACTIVE', {}, 'pass', /dev is ACTIVE, Kubernetes 1\.31/],
  [
    'cluster-exists',
    'is not there',
    { cluster: undefined },
    'fail',
    /Cluster dev does not exist in eu-west-1 of account 111122223333/,
    /aws eks list-clusters --region eu-west-1/,
  ],
  [
    'cluster-exists',
    'is of another account',
    { cluster: aCluster({ arn: 'arn:aws:eks:eu-west-1:444455556666:cluster/dev' }) },
    'fail',
    /dev that was found is in eu-west-1 of account 444455556666, not in eu-west-1 of account 111122223333/,
    /Correct --account and --region\. .*docs\/accounts\.md/,
  ],
  [
    'cluster-exists',
    'is being made',
    { cluster: aCluster({ status: 'CREATING' }) },
    'fail',
    /dev is CREATING/,
    /Wait until it is ACTIVE/,
  ],

  ['addon-installed', 'is ACTIVE', {}, 'pass', /aws-ebs-csi-driver v1\.38\.1-eksbuild\.1 is ACTIVE/],
  [
    'addon-installed',
    'is not there',
    { addon: undefined },
    'fail',
    /aws-ebs-csi-driver is not installed in cluster dev/,
    /aws eks list-addons --region eu-west-1 --cluster-name dev/,
  ],
  [
    'addon-installed',
    'is degraded',
    {
      addon: anAddon({
        status: 'DEGRADED',
        issues: [{ code: 'InsufficientNumberOfReplicas', message: 'too few', resourceIds: [] }],
      }),
    },
    'fail',
    /is DEGRADED, not ACTIVE \(InsufficientNumberOfReplicas: too few\)/,
    /back to ACTIVE/,
  ],

  ['addon-uses-irsa', 'does', {}, 'pass', /role\/app\/ebs-csi/],
  [
    'addon-uses-irsa',
    'uses the node role',
    { addon: anAddon({ serviceAccountRoleArn: undefined }) },
    'fail',
    /no IRSA role: its pods use the node role/,
    /podIdentityAssociations/,
  ],

  ['lock-free', 'is', {}, 'pass', /No other run holds the lock on aws-ebs-csi-driver of cluster dev/],
  [
    'lock-free',
    'another run is at work',
    { lock: { ...lock, running: true } },
    'fail',
    /01JD8Z5Q6R7S8T9V0W1X2Y3Z4B has held the lock on aws-ebs-csi-driver of cluster dev since 2026-01-05T08:59:00\.000Z \(execution arn:.*\), and is still running/,
    /cancel 01JD8Z5Q6R7S8T9V0W1X2Y3Z4B --deployed$/,
  ],
  [
    'lock-free',
    'Recover is at work',
    { lock: { ...lock, running: true, recovering: true } },
    'fail',
    /its changes are being rolled back/,
    /start again\.$/,
  ],
  [
    'lock-free',
    'a person has to decide',
    { lock: { ...lock, outcome: 'needs-human' } },
    'fail',
    /it ended needs-human/,
    /pod-identity rollback (01JD8Z5Q6R7S8T9V0W1X2Y3Z4B) --deployed ; .*pod-identity release \1 --deployed$/,
  ],
  [
    'lock-free',
    'the other run has stopped',
    { lock },
    'fail',
    /has stopped, and its changes are being rolled back/,
    /start again/,
  ],

  [
    'addon-risk',
    'is down for a while',
    { request: aRequest({ strategy: 'recreate' }) },
    'warn',
    /aws-ebs-csi-driver is down between its deletion and its creation/,
    /add --preserve/,
  ],
  [
    'addon-risk',
    'is down as a last resort',
    { request: aRequest({ maxDisruption: 'outage' }) },
    'warn',
    /as a last resort/,
    /omit --max-disruption outage/,
  ],
  ['addon-risk', 'rolls', {}, 'pass', /keeps running \(in place, then recreate with preserve\); its pods roll/],
  [
    'addon-risk',
    'keeps running',
    { request: aRequest({ strategy: 'recreate', preserve: true }) },
    'pass',
    /keeps running \(recreate with preserve\)/,
  ],
  [
    'addon-risk',
    'needs no IAM',
    { request: aRequest({ addon: 'coredns' }), addon: anAddon({ name: 'coredns' }) },
    'fail',
    /coredns needs no IAM/,
    /leave it as it is/,
  ],
  [
    'addon-risk',
    'carries the network',
    { request: aRequest({ addon: 'vpc-cni', strategy: 'recreate' }), addon: anAddon({ name: 'vpc-cni' }) },
    'fail',
    /vpc-cni would leave new pods without network/,
    /--preserve/,
  ],
  [
    'addon-risk',
    'is a networking add-on, regardless of maxDisruption',
    { request: aRequest({ addon: 'vpc-cni', maxDisruption: 'outage' }), addon: anAddon({ name: 'vpc-cni' }) },
    'pass',
    /vpc-cni keeps running \(in place, then recreate with preserve\)/,
  ],
  [
    'addon-risk',
    'carries the network and keeps running',
    { request: aRequest({ addon: 'vpc-cni', strategy: 'recreate', preserve: true }) },
    'pass',
    /vpc-cni keeps running/,
  ],
  [
    'addon-risk',
    'is not in the registry',
    { request: aRequest({ addon: 'somebodys-add-on', preserve: true }) },
    'pass',
    /somebodys-add-on/,
  ],

  [
    'pod-identity-support',
    'takes associations',
    {},
    'pass',
    /v1\.38\.1-eksbuild\.1 supports .* for ebs-csi-controller-sa/,
  ],
  [
    'pod-identity-support',
    'is too old',
    { podIdentity: [], newerVersionWithPodIdentity: 'v1.40.0-eksbuild.1' },
    'fail',
    /v1\.38\.1-eksbuild\.1 of aws-ebs-csi-driver is too old/,
    /keeping IRSA: aws eks update-addon --region eu-west-1 --cluster-name dev .*--addon-version v1\.40\.0-eksbuild\.1 --service-account-role-arn arn:aws:iam::111122223333:role\/app\/ebs-csi --resolve-conflicts PRESERVE ; .*aws eks wait addon-active .* ; then plan again\.$/,
  ],
  [
    'pod-identity-support',
    'is too old and has no role',
    { addon: withoutRole, podIdentity: [], newerVersionWithPodIdentity: 'v1.40.0-eksbuild.1' },
    'fail',
    /is too old/,
    /Update it first: (?!.*--service-account-role-arn)/,
  ],
  [
    'pod-identity-support',
    'is too old and carries the network',
    { request: aRequest({ addon: 'vpc-cni' }), podIdentity: [], newerVersionWithPodIdentity: 'v1.40.0-eksbuild.1' },
    'fail',
    /is too old/,
    /one minor version at a time/,
  ],
  [
    'pod-identity-support',
    'never had it',
    { podIdentity: [] },
    'fail',
    /does not support Pod Identity in any version .*v1\.40\.0-eksbuild\.1/,
    /Keep IRSA/,
  ],
  [
    'pod-identity-support',
    'is offered no more',
    { podIdentity: [], offered: [] },
    'fail',
    /does not support Pod Identity\.$/,
    /Keep IRSA/,
  ],

  ['agent', 'is ready everywhere', {}, 'pass', /ready on 2 of 2 nodes/],
  ['agent', 'is ACTIVE, its pods unseen', { agentWorkload: undefined }, 'pass', /agent is ACTIVE/],
  ['agent', 'is no add-on but runs', { agentAddon: undefined }, 'pass', /ready on 2 of 2/],
  [
    'agent',
    'is built in',
    { cluster: aCluster({ autoMode: true }), agentAddon: undefined, agentWorkload: undefined },
    'pass',
    /Auto Mode/,
  ],
  [
    'agent',
    'is not installed',
    { agentAddon: undefined, agentWorkload: undefined },
    'fail',
    /not installed in cluster dev\.$/,
    /create-addon --region eu-west-1 --cluster-name dev --addon-name eks-pod-identity-agent/,
  ],
  [
    'agent',
    'is not installed as far as is known',
    { agentAddon: undefined, agentWorkload: undefined, pods: undefined, kubernetesError: 'no' },
    'fail',
    /as far as EKS reports/,
    /create-addon/,
  ],
  ['agent', 'is degraded', { agentAddon: agent('DEGRADED') }, 'fail', /eks-pod-identity-agent is DEGRADED/, /ACTIVE/],
  [
    'agent',
    'misses a node',
    { agentWorkload: agentDaemonSet({ ready: 1 }) },
    'fail',
    /ready on 1 of 2 nodes/,
    /kubectl -n kube-system get pods/,
  ],
  [
    'agent',
    'has no node to run on',
    { agentWorkload: agentDaemonSet({ desired: 0, ready: 0 }) },
    'fail',
    /0 of 0 nodes/,
    /kubectl/,
  ],

  ['role-account', "is the cluster's", {}, 'pass', /Role ebs-csi is in the cluster's account/],
  [
    'role-account',
    "is another account's",
    { request: aRequest({ roleArn: FOREIGN }) },
    'fail',
    /444455556666:role\/ebs is not in the cluster's account 111122223333/,
    /role in account 111122223333 .*--role-arn ROLE_ARN/,
  ],

  ['role-exists', 'does', {}, 'pass', /Role ebs-csi exists/],
  [
    'role-exists',
    'does not',
    { roles: {} },
    'fail',
    /IAM has no role arn:aws:iam::111122223333:role\/app\/ebs-csi/,
    /aws iam get-role --role-name ebs-csi/,
  ],
  [
    'role-exists',
    'the other one does not',
    { request: aRequest({ roleArn: OTHER_ROLE }) },
    'fail',
    /no role .*third-party/,
    /--role-name third-party/,
  ],

  [
    'role-trust',
    'lets EKS Auth in',
    {},
    'pass',
    /ebs-csi trusts pods\.eks\.amazonaws\.com for kube-system\/ebs-csi-controller-sa/,
  ],

  [
    'role-service-accounts',
    'names one that the add-on does not take',
    { request: aRequest({ roles: { shop: ROLE } }) },
    'fail',
    /service account shop, for which aws-ebs-csi-driver supports no association and which does not have the add-on's role/,
    /Name one of: ebs-csi-controller-sa/,
  ],

  [
    'pass-role',
    'it may',
    {},
    'pass',
    /allows it to pass arn:aws:iam::111122223333:role\/app\/ebs-csi to pods\.eks\.amazonaws\.com and .* to eks\.amazonaws\.com/,
  ],
  [
    'pass-role',
    'it may pass no role',
    { passableRoleArns: [] },
    'fail',
    /does not allow it to pass .*ebs-csi to pods\.eks\.amazonaws\.com, or .*ebs-csi to eks\.amazonaws\.com for the rollback \(it may pass: no role\)/,
    /Add arn:aws:iam::111122223333:role\/app\/ebs-csi to the CDK context passableRoleArns and deploy/,
  ],
  [
    'pass-role',
    'it may not pass the IRSA role back',
    { request: aRequest({ roleArn: OTHER_ROLE }), passableRoleArns: [OTHER_ROLE] },
    'fail',
    /does not allow it to pass .*app\/ebs-csi to eks\.amazonaws\.com for the rollback \(it may pass: .*third-party\)/,
    /Add arn:aws:iam::111122223333:role\/app\/ebs-csi to/,
  ],
  [
    'pass-role',
    'in place needs it too',
    { request: aRequest({ strategy: 'in-place' }), passableRoleArns: ['arn:aws:iam::*:role/team/*'] },
    'fail',
    /does not allow it to pass/,
    /passableRoleArns/,
  ],

  [
    'service-account-roles',
    'pods use one without a role',
    { addon: withoutRole, request: aRequest({ roles: { 'second-sa': ROLE } }), podIdentity: twoAccounts },
    'fail',
    /No role is known for service account ebs-csi-controller-sa of aws-ebs-csi-driver, which 1 pods use/,
    /--role-arn/,
  ],
  [
    'service-account-roles',
    'no pod uses it',
    { addon: withoutRole, request: aRequest({ roles: { 'ebs-csi-controller-sa': ROLE } }), podIdentity: twoAccounts },
    'warn',
    /second-sa, and no pod uses it: it gets no association/,
    /--role second-sa=ROLE_ARN/,
  ],

  ['rollback-trust', 'stands', {}, 'pass', /OIDC trust of the role exists/],
  [
    'rollback-trust',
    'is closed',
    trust(podIdentityStatement),
    'warn',
    /does not certainly allow IRSA for kube-system\/ebs-csi-controller-sa/,
    /rollback/,
  ],
  [
    'rollback-trust',
    'has no issuer',
    { cluster: aCluster({ oidcIssuer: undefined }) },
    'warn',
    /no OIDC issuer/,
    /rollback/,
  ],
  [
    'rollback-trust',
    'leads to a role that could not be read',
    { request: aRequest({ roleArn: OTHER_ROLE }), roles: { [OTHER_ROLE]: { trustPolicy: parseTrust(bothWays) } } },
    'warn',
    /role\/app\/ebs-csi could not be read/,
    /rollback/,
  ],

  [
    'kubernetes-access',
    'shows the pods',
    { pods: [aPod('irsa'), aPod('irsa', { name: 'two' }), aNodePod()] },
    'pass',
    /^2 pods/,
  ],
  [
    'kubernetes-access',
    'is refused',
    { pods: undefined, kubernetesError: 'Unauthorized (401)' },
    'unknown',
    /could not be read: Unauthorized \(401\)/,
    /access entry in cluster dev/,
  ],
  [
    'kubernetes-access',
    'shows none of the planned ones',
    { pods: [aNodePod(), aPod('irsa', { terminating: true })] },
    'fail',
    /No pod runs with ebs-csi-controller-sa/,
    /Scale the add-on up/,
  ],
];

describe.each(rows)('check %s: %s', (id, _, change, status, message, remedy) => {
  const plan = planMigration(someFacts(change));
  const found = plan.checks.filter((check) => check.id === id);

  const blocks = status === 'fail' || status === 'unknown';

  it(`is ${status}`, () => {
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ status, message: textLike(message) });
    expect(found[0]?.remedy ?? 'none').toMatch(remedy ?? /^none$/);
  });

  it(`${blocks ? 'blocks' : 'does not block'} the plan`, () => {
    expect(blockingChecks(plan).includes(id)).toBe(blocks);
    const whenBlocked = found.some(({ keepIrsa }) => keepIrsa) ? 'keep-irsa' : 'blocked';
    expect(['blocked', blocks ? whenBlocked : plan.verdict]).toContain(plan.verdict);
  });
});

it('checks each role for the service accounts that are to use it', () => {
  const podIdentity = ['ebs-csi-controller-sa', 'second-sa', 'third-sa'].map((serviceAccount) => ({
    serviceAccount,
    recommendedManagedPolicies: [],
  }));
  const plan = planMigration(
    someFacts({
      podIdentity,
      request: aRequest({ roles: { 'third-sa': OTHER_ROLE } }),
      roles: {
        [ROLE]: { trustPolicy: parseTrust(bothWays) },
        [OTHER_ROLE]: { trustPolicy: parseTrust(policyText(irsaStatement)) },
      },
    }),
  );
  const trusts = plan.checks
    .filter((check) => check.id === 'role-trust')
    .map((check) => [check.status, /for kube-system\/([\w-]+)/.exec(check.message)?.[1]]);
  expect(trusts).toEqual([
    ['pass', 'ebs-csi-controller-sa'],
    ['pass', 'second-sa'],
    ['fail', 'third-sa'],
  ]);
});
