/** The preflight checks of a plan in the sandbox, and what each finds. The built-in scenarios cover the others. */
import { describe, expect, it } from 'vitest';
import type { Check } from '../../lambdas/domain/terms/check.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { ebs, migrate, mutationsOf, scenarioWith, type RunOptions } from './fixture.ts';
import { matching } from '../lambdas/matchers.ts';
import { words } from '../words.ts';

const DRY = { dryRun: true } as const;
type Change = (cluster: ScenarioCluster, scenario: Scenario) => void;
const changed = (change: Change): Scenario => scenarioWith((scenario, cluster) => change(cluster, scenario));
const plan = async (options: RunOptions): Promise<{ outcome: string; checks: Check[]; mutations: string[] }> => {
  const run = await migrate({ ...options, request: { ...DRY, ...options.request } });
  return { outcome: run.report.outcome, checks: run.report.plan!.checks, mutations: mutationsOf(run) };
};
const group = { os: 'linux', ready: true, agentReady: true } as const;
type NodeGroup = Exclude<ScenarioCluster['nodes'], number>[number];
/** Two ordinary nodes and one more, or several; the add-on's pods run on nodes with those labels. */
const withNode =
  (node: Partial<NodeGroup>, selector?: Record<string, string>): Change =>
  (cluster) => {
    cluster.nodes = [
      { ...group, count: 2 },
      { ...group, count: 1, ...node },
    ];
    if (selector) ebs(cluster).nodeSelector = selector;
  };
const withEnv =
  (...env: NonNullable<ScenarioCluster['addons'][number]['extraEnv']>): Change =>
  (cluster) =>
    void (ebs(cluster).extraEnv = env);
const WHO = { type: 'STANDARD', kubernetesGroups: [] };
const VIEW = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy';

/** What a plan finds after a change of the cluster: the status and the message of one check. */
type Finding = [title: string, check: string, message: RegExp, change: Change];
const finding = (...row: Finding): Finding => row;

const findings: Finding[] = [
  finding('a platform version that is too old', 'platform-version: fail', /from eks\.4\.$/, (cluster) => {
    cluster.platformVersion = 'eks.3';
  }),
  finding(
    'the pods on a Windows node',
    'unsupported-compute: fail',
    /2 of 2 pods .*Windows/,
    withNode({ count: 2, os: 'windows' }, { 'kubernetes.io/os': 'windows' }),
  ),
  finding(
    'the pods on a hybrid node without an agent',
    'agent-nodes: fail',
    /: mi-/,
    withNode({ compute: 'hybrid' }, { 'eks.amazonaws.com/compute-type': 'hybrid' }),
  ),
  finding('a Windows node among others', 'agent-nodes: pass', /on all 2 nodes/, withNode({ os: 'windows' })),
  finding('a node that is not ready', 'agent-nodes: pass', /on all 2 nodes/, withNode({ ready: false })),
  finding('a missing webhook', 'webhook: fail', /pod-identity-webhook/, (cluster) => {
    cluster.podIdentityWebhook = 'absent';
  }),
  finding('a webhook whose failures stop pods', 'webhook: pass', /exists\.$/, (cluster) => {
    cluster.podIdentityWebhook = 'Fail';
  }),
  finding('nodes that aws-auth allows', 'node-role: warn', /aws-auth/, (cluster) => void (cluster.accessEntries = [])),
  finding(
    'a policy of the role that depends on the name of its session',
    'session-names: warn',
    /statement 1 of policy buckets/,
    (_, { accounts: [account] }) => {
      const statement = { Effect: 'Allow', Action: 's3:*', Resource: 'arn:aws:s3:::bucket/${aws:userid}/*' };
      const document = { Version: '2012-10-17', Statement: [statement] };
      account!.roles[0]!.policies.push({ name: 'buckets', document });
    },
  ),
  finding(
    'pods that name their sessions',
    'session-names: warn',
    /container ebs-plugin of Deployment ebs-csi-controller/,
    withEnv({ container: 'ebs-plugin', name: 'AWS_ROLE_SESSION_NAME', value: 'ebs' }),
  ),
  finding(
    "a token file of the template's own",
    'unknown-credentials: unknown',
    /container ebs-plugin of .* has AWS_WEB_IDENTITY_TOKEN_FILE, with which AWS SDKs fail without AWS_ROLE_ARN \(Go v2, botocore\)/,
    withEnv({ container: 'ebs-plugin', name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: '/var/run/token' }),
  ),
  finding(
    'keys of a Secret that may be missing',
    'static-credentials: warn',
    /if they exist/,
    withEnv({
      workload: 'ebs-csi-controller',
      name: 'AWS_ACCESS_KEY_ID',
      secret: { name: 'aws-secret', key: 'key_id', optional: true },
    }),
  ),
];

describe('the preflight', () => {
  it.each(findings)('%s', async (_, check, message, change) => {
    const { outcome, checks, mutations } = await plan({ scenario: changed(change) });
    const [id, status] = check.split(': ');
    expect(checks.find((one) => one.id === id)).toMatchObject({ status, message: matching(message) });
    const blocks = checks.some((one) => one.status === 'fail' || one.status === 'unknown');
    expect(outcome).toBe(blocks ? 'blocked' : 'planned');
    expect(mutations).toEqual([]);
  });

  it('pass completely on a cluster that has everything', async () => {
    const { outcome, checks } = await plan({});
    expect(outcome).toBe('planned');
    const ids = words`platform-version node-role unsupported-compute agent-nodes webhook static-credentials`;
    expect(checks.filter(({ id }) => ids.includes(id)).map(({ id, status }) => [id, status])).toEqual(
      ids.map((id) => [id, 'pass']),
    );
  });

  it('do not pass for what the service may not read: with the view policy alone it sees pods, and no nodes', async () => {
    const scenario = changed((cluster) => void (cluster.accessEntries = []));
    const viewing: RunOptions = {
      scenario,
      prepare: ({ sandbox }) => {
        const cluster = [...sandbox.world.accounts.get('111122223333')!.clusters.values()][0]!;
        const policies = [{ policyArn: VIEW, scope: { type: 'cluster' as const, namespaces: [] }, associatedAt: 0 }];
        for (const principalArn of sandbox.outputs.kubernetesRoleArns)
          cluster.accessEntries.set(principalArn, { ...WHO, tags: {}, principalArn, createdAt: 0, policies });
      },
    };
    const { outcome, checks } = await plan(viewing);
    expect(outcome).toBe('blocked');
    const unknown = checks.filter(({ status }) => status === 'unknown');
    const ids = ['unsupported-compute', 'agent-nodes', 'webhook'];
    expect(unknown.map(({ id }) => id)).toEqual(ids);
    for (const { message, remedy } of unknown)
      expect([message, remedy]).toEqual([
        expect.stringContaining('is forbidden'),
        expect.stringContaining('pod-identity grant-access'),
      ]);
    const content = await plan({ ...viewing, request: { verification: 'api' } });
    expect(content.outcome).toBe('planned');
    expect(content.checks.filter(({ id, status }) => status === 'warn' && ids.includes(id))).toHaveLength(3);
  });
});
