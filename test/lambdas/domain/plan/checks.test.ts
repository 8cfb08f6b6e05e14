/** Each check's pass and its failures: a stable id, a message that names what was found, and what to do about it. */
import { expect, it } from 'vitest';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { blockingChecks, planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { at, OTHER_EXECUTION, OTHER_MIGRATION_ID } from '../../run-examples.ts';
import { bothWays, irsaStatement, podIdentityStatement, policyText } from '../../trust-examples.ts';
import { aCluster, agentDaemonSet, anAddon, aNodePod, aPod } from '../../eks-fixtures.ts';
import { aRequest, someFacts, trusting, OTHER_ROLE, ROLE } from '../../fixtures.ts';
import { matching } from '../../matchers.ts';

const agent = (status: 'ACTIVE' | 'DEGRADED') => anAddon({ name: 'eks-pod-identity-agent', status });
const FOREIGN = 'arn:aws:iam::444455556666:role/ebs';
const trust = (...statements: unknown[]): Partial<Facts> => ({ roles: trusting(policyText(...statements)) });

const held = { migrationId: OTHER_MIGRATION_ID, executionArn: OTHER_EXECUTION, since: at(-60) };
const lock = { ...held, running: false, recovering: false };
const running = { ...lock, running: true };
const withoutRole = anAddon({ serviceAccountRoleArn: undefined });
const second = { serviceAccount: 'second-sa', recommendedManagedPolicies: [] };
const twoAccounts = { addon: withoutRole, podIdentity: [...someFacts().podIdentity, second] };
const tooOld = { podIdentity: [], newerVersionWithPodIdentity: 'v1.40.0-eksbuild.1' };
const noAgent = { agentAddon: undefined, agentWorkload: undefined };
const onOneOfTwo = { agentWorkload: agentDaemonSet({ ready: 1 }) };
const issues = [{ code: 'TooFew', message: 'no replicas', resourceIds: [] }];
const degraded = anAddon({ status: 'DEGRADED', issues });
const by = (request: Partial<MigrationRequestInput>): Partial<Facts> => ({ request: aRequest(request) });
const of = (addon: string, request: Partial<MigrationRequestInput> = {}): Partial<Facts> => ({
  ...by({ ...request, addon }),
  addon: anAddon({ name: addon }),
});

const NO_NETWORK = /vpc-cni would leave new pods without network/;
const ROLLS = /vpc-cni keeps running \(in place, then recreate with preserve\)/;
const ofCni = (request: Partial<MigrationRequestInput>) => of('vpc-cni', request);

/** The rows of each check, which passes without a remedy, and else fails where nothing is said. */
type Row = [what: string, change: Partial<Facts>, message: RegExp, remedy?: RegExp, otherwise?: Check['status']];

const rows: Record<string, Row[]> = {
  'cluster-exists': [
    ['is ACTIVE', {}, /dev is ACTIVE, Kubernetes 1\.31/],
    [
      'is not there',
      { cluster: undefined },
      /Cluster dev does not exist in eu-west-1 of account 111122223333/,
      /aws eks list-clusters --region eu-west-1/,
    ],
    [
      'is of another account',
      { cluster: aCluster({ arn: 'arn:aws:eks:eu-west-1:444455556666:cluster/dev' }) },
      /dev that was found is in eu-west-1 of account 444455556666, not in eu-west-1 of account 111122223333/,
      /Correct --account and --region\. .*docs\/accounts\.md/,
    ],
    ['is being made', { cluster: aCluster({ status: 'CREATING' }) }, /dev is CREATING/, /Wait until it is ACTIVE/],
  ],
  'addon-installed': [
    ['is ACTIVE', {}, /aws-ebs-csi-driver v1\.38\.1-eksbuild\.1 is ACTIVE/],
    [
      'is not there',
      { addon: undefined },
      /aws-ebs-csi-driver is not installed in cluster dev/,
      /aws eks list-addons --region eu-west-1 --cluster-name dev/,
    ],
    ['is degraded', { addon: degraded }, /is DEGRADED, not ACTIVE \(TooFew: no replicas\)/, /back to ACTIVE/],
  ],
  'addon-uses-irsa': [
    ['does', {}, /role\/app\/ebs-csi/],
    ['does not', { addon: withoutRole }, /no IRSA role: its pods use the node role/, /podIdentityAssociations/],
  ],
  'lock-free': [
    ['is', {}, /No other run holds the lock on aws-ebs-csi-driver of cluster dev/],
    [
      'another run is at work',
      { lock: running },
      /01JD8Z5Q6R7S8T9V0W1X2Y3Z4B has held the lock on aws-ebs-csi-driver of cluster dev since 2026-01-05T08:59:00\.000Z \(execution arn:.*\), and is still running/,
      /cancel 01JD8Z5Q6R7S8T9V0W1X2Y3Z4B --deployed$/,
    ],
    ['Recover is', { lock: { ...running, recovering: true } }, /its changes are being rolled back/, /start again\.$/],
    [
      'a person has to decide',
      { lock: { ...lock, outcome: 'needs-human' } },
      /it ended needs-human/,
      /pod-identity rollback (01JD8Z5Q6R7S8T9V0W1X2Y3Z4B) --deployed ; .*pod-identity release \1 --deployed$/,
    ],
    ['the other run has stopped', { lock }, /has stopped, and its changes are being rolled back/, /start again/],
  ],
  'addon-risk': [
    [
      'is down for a while',
      by({ strategy: 'recreate' }),
      /aws-ebs-csi-driver is down between its deletion and its creation/,
      /add --preserve/,
      'warn',
    ],
    ['is down at last', by({ maxDisruption: 'outage' }), /as a last resort/, /omit --max-disruption outage/, 'warn'],
    ['rolls', {}, /keeps running \(in place, then recreate with preserve\); its pods roll/],
    ['keeps running', by({ strategy: 'recreate', preserve: true }), /keeps running \(recreate with preserve\)/],
    ['needs no IAM', of('coredns'), /coredns needs no IAM/, /leave it as it is/],
    ['carries the network', ofCni({ strategy: 'recreate' }), NO_NETWORK, /--preserve/],
    ['carries the network, with maxDisruption', ofCni({ maxDisruption: 'outage' }), ROLLS],
    ['is preserved', by({ addon: 'vpc-cni', strategy: 'recreate', preserve: true }), /vpc-cni keeps running/],
    ['is not in the registry', by({ addon: 'somebodys-add-on', preserve: true }), /somebodys-add-on/],
  ],
  'pod-identity-support': [
    ['takes associations', {}, /v1\.38\.1-eksbuild\.1 supports .* for ebs-csi-controller-sa/],
    [
      'is too old',
      tooOld,
      /v1\.38\.1-eksbuild\.1 of aws-ebs-csi-driver is too old/,
      /keeping IRSA: aws eks update-addon --region eu-west-1 --cluster-name dev .*--addon-version v1\.40\.0-eksbuild\.1 --service-account-role-arn arn:aws:iam::111122223333:role\/app\/ebs-csi --resolve-conflicts PRESERVE ; .*aws eks wait addon-active .* ; then plan again\.$/,
    ],
    ['no role', { addon: withoutRole, ...tooOld }, /is too old/, /Update it first: (?!.*--service-account-role-arn)/],
    ['is too old, vpc-cni', { ...by({ addon: 'vpc-cni' }), ...tooOld }, /is too old/, /one minor version at a time/],
    ['never', { podIdentity: [] }, /does not support Pod Identity in any version .*v1\.40\.0-eksbuild\.1/, /Keep IRSA/],
    ['is offered no more', { podIdentity: [], offered: [] }, /does not support Pod Identity\.$/, /Keep IRSA/],
  ],
  agent: [
    ['is ready everywhere', {}, /ready on 2 of 2 nodes/],
    ['is ACTIVE, its pods unseen', { agentWorkload: undefined }, /agent is ACTIVE/],
    ['is no add-on but runs', { agentAddon: undefined }, /ready on 2 of 2/],
    ['is built in', { cluster: aCluster({ autoMode: true }), ...noAgent }, /Auto Mode/],
    [
      'is not installed',
      noAgent,
      /not installed in cluster dev\.$/,
      /create-addon --region eu-west-1 --cluster-name dev --addon-name eks-pod-identity-agent/,
    ],
    ['is not seen', { ...noAgent, pods: undefined, kubernetesError: 'no' }, /as far as EKS reports/, /create-addon/],
    ['is degraded', { agentAddon: agent('DEGRADED') }, /eks-pod-identity-agent is DEGRADED/, /ACTIVE/],
    ['is not', onOneOfTwo, /ready on 1 of 2 nodes/, /kubectl -n kube-system get pods/],
    ['has no node to run on', { agentWorkload: agentDaemonSet({ desired: 0, ready: 0 }) }, /0 of 0 nodes/, /kubectl/],
  ],
  'role-account': [
    ["is the cluster's", {}, /Role ebs-csi is in the cluster's account/],
    [
      "is another account's",
      by({ roleArn: FOREIGN }),
      /444455556666:role\/ebs is not in the cluster's account 111122223333/,
      /role in account 111122223333 .*--role-arn ROLE_ARN/,
    ],
  ],
  'role-exists': [
    ['does', {}, /Role ebs-csi exists/],
    [
      'does not',
      { roles: {} },
      /IAM has no role arn:aws:iam::111122223333:role\/app\/ebs-csi/,
      /aws iam get-role --role-name ebs-csi/,
    ],
    ['another one does not', by({ roleArn: OTHER_ROLE }), /no role .*third-party/, /--role-name third-party/],
  ],
  'role-trust': [
    ['lets EKS Auth in', {}, /ebs-csi trusts pods\.eks\.amazonaws\.com for kube-system\/ebs-csi-controller-sa/],
  ],
  'role-service-accounts': [
    [
      'names one that the add-on does not take',
      by({ roles: { shop: ROLE } }),
      /service account shop, for which aws-ebs-csi-driver supports no association and which does not have the add-on's role/,
      /Name one of: ebs-csi-controller-sa/,
    ],
  ],
  'pass-role': [
    [
      'it may',
      {},
      /allows it to pass arn:aws:iam::111122223333:role\/app\/ebs-csi to pods\.eks\.amazonaws\.com and .* to eks\.amazonaws\.com/,
    ],
    [
      'it may pass no role',
      { passableRoleArns: [] },
      /does not allow it to pass .*ebs-csi to pods\.eks\.amazonaws\.com, or .*ebs-csi to eks\.amazonaws\.com for the rollback \(it may pass: no role\)/,
      /Add arn:aws:iam::111122223333:role\/app\/ebs-csi to the CDK context passableRoleArns and deploy/,
    ],
    [
      'it may not pass the IRSA role back',
      { ...by({ roleArn: OTHER_ROLE }), passableRoleArns: [OTHER_ROLE] },
      /does not allow it to pass .*app\/ebs-csi to eks\.amazonaws\.com for the rollback \(it may pass: .*third-party\)/,
      /Add arn:aws:iam::111122223333:role\/app\/ebs-csi to/,
    ],
    [
      'in place needs it too',
      { ...by({ strategy: 'in-place' }), passableRoleArns: ['arn:aws:iam::*:role/team/*'] },
      /does not allow it to pass/,
      /passableRoleArns/,
    ],
  ],
  'service-account-roles': [
    [
      'pods use one without a role',
      { ...twoAccounts, ...by({ roles: { 'second-sa': ROLE } }) },
      /No role is known for service account ebs-csi-controller-sa of aws-ebs-csi-driver, which 1 pods use/,
      /--role-arn/,
    ],
    [
      'no pod uses it',
      { ...twoAccounts, ...by({ roles: { 'ebs-csi-controller-sa': ROLE } }) },
      /second-sa, and no pod uses it: it gets no association/,
      /--role second-sa=ROLE_ARN/,
      'warn',
    ],
  ],
  'rollback-trust': [
    ['stands', {}, /OIDC trust of the role exists/],
    [
      'is closed',
      trust(podIdentityStatement),
      /does not certainly allow IRSA for kube-system\/ebs-csi-controller-sa/,
      /rollback/,
      'warn',
    ],
    ['has no issuer', { cluster: aCluster({ oidcIssuer: undefined }) }, /no OIDC issuer/, /rollback/, 'warn'],
    [
      'leads to a role that could not be read',
      { request: aRequest({ roleArn: OTHER_ROLE }), roles: { [OTHER_ROLE]: { trustPolicy: parseTrust(bothWays) } } },
      /role\/app\/ebs-csi could not be read/,
      /rollback/,
      'warn',
    ],
  ],
  'kubernetes-access': [
    ['shows the pods', { pods: [aPod('irsa'), aPod('irsa', { name: 'two' }), aNodePod()] }, /^2 pods/],
    [
      'is refused',
      { pods: undefined, kubernetesError: 'Unauthorized (401)' },
      /could not be read: Unauthorized \(401\)/,
      /access entry in cluster dev/,
      'unknown',
    ],
    [
      'shows none of the planned ones',
      { pods: [aNodePod(), aPod('irsa', { terminating: true })] },
      /No pod runs with ebs-csi-controller-sa/,
      /Scale the add-on up/,
    ],
  ],
};

const each = Object.entries(rows).flatMap(([id, those]) => those.map((row): [string, ...Row] => [id, ...row]));
it.each<[string, ...Row]>(each)('check %s: %s', (id, _, change, message, remedy, otherwise) => {
  const status = otherwise ?? (remedy ? 'fail' : 'pass');
  const plan = planMigration(someFacts(change));
  const found = plan.checks.filter((check) => check.id === id);
  expect(found).toMatchObject([{ status, message: matching(message) }]);
  expect(found[0]?.remedy ?? 'none').toMatch(remedy ?? /^none$/);

  const blocks = status === 'fail' || status === 'unknown';
  expect(blockingChecks(plan).includes(id)).toBe(blocks);
  const whenBlocked = found.some(({ keepIrsa }) => keepIrsa) ? 'keep-irsa' : 'blocked';
  expect(['blocked', blocks ? whenBlocked : plan.verdict]).toContain(plan.verdict);
});

it('checks each role for the service accounts that are to use it', () => {
  const podIdentity = [...twoAccounts.podIdentity, { ...second, serviceAccount: 'third-sa' }];
  const request = aRequest({ roles: { 'third-sa': OTHER_ROLE } });
  const roles = { ...trusting(bothWays), [OTHER_ROLE]: { trustPolicy: parseTrust(policyText(irsaStatement)) } };
  const { checks } = planMigration(someFacts({ podIdentity, request, roles }));
  const trusts = checks.flatMap(({ id, status, message }) =>
    id === 'role-trust' ? [`${status} ${/for kube-system\/([\w-]+)/.exec(message)?.[1]}`] : [],
  );
  expect(trusts).toEqual(['pass ebs-csi-controller-sa', 'pass second-sa', 'fail third-sa']);
});
