/** The preflight checks of a plan in the sandbox, and what each finds. The built-in scenarios cover the others. */
import { describe, expect, it } from 'vitest';
import type { Check } from '../../lambdas/domain/migration/model.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/world/scenario.ts';
import { ebs, migrate, mutationsOf, scenarioWith, type RunOptions } from './fixture.ts';
import { words } from '../words.ts';

const DRY = { dryRun: true } as const;
const changed = (change: (cluster: ScenarioCluster, scenario: Scenario) => void): Scenario =>
  scenarioWith((scenario, cluster) => change(cluster, scenario));
const plan = async (options: RunOptions): Promise<{ outcome: string; checks: Check[]; mutations: string[] }> => {
  const run = await migrate({ ...options, request: { ...DRY, ...options.request } });
  return { outcome: run.report.outcome, checks: run.report.plan!.checks, mutations: mutationsOf(run) };
};
const group = { os: 'linux', ready: true, agentReady: true } as const;
type NodeGroup = Exclude<ScenarioCluster['nodes'], number>[number];
/** Two ordinary nodes and one more, or several; the add-on's pods run on nodes with those labels. */
const withNode = (node: Partial<NodeGroup>, selector?: Record<string, string>): RunOptions => ({
  scenario: changed((cluster) => {
    cluster.nodes = [
      { ...group, count: 2 },
      { ...group, count: 1, ...node },
    ];
    if (selector) ebs(cluster).nodeSelector = selector;
  }),
});
const withEnv = (...env: NonNullable<ScenarioCluster['addons'][number]['extraEnv']>): RunOptions => ({
  scenario: changed((cluster) => void (ebs(cluster).extraEnv = env)),
});
const WHO = { type: 'STANDARD', kubernetesGroups: [], policies: [], tags: {} } as const;
const VIEW = {
  policyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy',
  accessScope: { type: 'cluster' },
} as const;

const cases: [string, RunOptions, string, Check['status'], RegExp][] = [
  [
    'a platform version that is too old',
    { scenario: changed((cluster) => void (cluster.platformVersion = 'eks.3')) },
    'platform-version',
    'fail',
    /from eks\.4\.$/,
  ],
  [
    'the pods on a Windows node',
    withNode({ count: 2, os: 'windows' }, { 'kubernetes.io/os': 'windows' }),
    'unsupported-compute',
    'fail',
    /2 of 2 pods .*Windows/,
  ],
  [
    'the pods on a hybrid node without an agent',
    withNode({ compute: 'hybrid' }, { 'eks.amazonaws.com/compute-type': 'hybrid' }),
    'agent-nodes',
    'fail',
    /: mi-/,
  ],
  ['a Windows node among others', withNode({ os: 'windows' }), 'agent-nodes', 'pass', /on all 2 nodes/],
  ['a node that is not ready', withNode({ ready: false }), 'agent-nodes', 'pass', /on all 2 nodes/],
  [
    'a missing webhook',
    { scenario: changed((cluster) => void (cluster.podIdentityWebhook = 'absent')) },
    'webhook',
    'fail',
    /pod-identity-webhook/,
  ],
  [
    'a webhook whose failures stop pods',
    { scenario: changed((cluster) => void (cluster.podIdentityWebhook = 'Fail')) },
    'webhook',
    'pass',
    /exists\.$/,
  ],
  [
    'nodes that aws-auth allows',
    { scenario: changed((cluster) => void (cluster.accessEntries = [])) },
    'node-role',
    'warn',
    /aws-auth/,
  ],
  [
    'a policy of the role that depends on the name of its session',
    {
      scenario: changed(
        (_, { accounts: [account] }) =>
          void account!.roles[0]!.policies.push({
            name: 'buckets',
            document: {
              Version: '2012-10-17',
              Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: 'arn:aws:s3:::bucket/${aws:userid}/*' }],
            },
          }),
      ),
    },
    'session-names',
    'warn',
    /statement 1 of policy buckets/,
  ],
  [
    'pods that name their sessions',
    withEnv({ container: 'ebs-plugin', name: 'AWS_ROLE_SESSION_NAME', value: 'ebs' }),
    'session-names',
    'warn',
    /container ebs-plugin of Deployment ebs-csi-controller/,
  ],
  [
    "a token file of the template's own",
    withEnv({ container: 'ebs-plugin', name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: '/var/run/token' }),
    'unknown-credentials',
    'unknown',
    /container ebs-plugin of .* has AWS_WEB_IDENTITY_TOKEN_FILE, with which AWS SDKs fail without AWS_ROLE_ARN \(Go v2, botocore\)/,
  ],
  [
    'keys of a Secret that may be missing',
    withEnv({
      workload: 'ebs-csi-controller',
      name: 'AWS_ACCESS_KEY_ID',
      secret: { name: 'aws-secret', key: 'key_id', optional: true },
    }),
    'static-credentials',
    'warn',
    /if they exist/,
  ],
];

describe('the preflight', () => {
  it.each(cases)('%s', async (_, options, id, status, message) => {
    const { outcome, checks, mutations } = await plan(options);
    const found = checks.find((check) => check.id === id);
    expect(found).toMatchObject({ status });
    expect(found?.message).toMatch(message);
    expect(outcome).toBe(
      checks.some((check) => check.status === 'fail' || check.status === 'unknown') ? 'blocked' : 'planned',
    );
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
        for (const principalArn of sandbox.outputs.kubernetesRoleArns) {
          cluster.accessEntries.set(principalArn, {
            ...WHO,
            kubernetesGroups: [],
            tags: {},
            principalArn,
            createdAt: 0,
            policies: [{ policyArn: VIEW.policyArn, scope: { type: 'cluster', namespaces: [] }, associatedAt: 0 }],
          });
        }
      },
    };
    const { outcome, checks } = await plan(viewing);
    expect(outcome).toBe('blocked');
    const unknown = checks.filter(({ status }) => status === 'unknown');
    expect(unknown.map(({ id }) => id)).toEqual(['unsupported-compute', 'agent-nodes', 'webhook']);
    for (const { message, remedy } of unknown)
      expect([message, remedy]).toEqual([
        expect.stringContaining('is forbidden'),
        expect.stringContaining('pod-identity grant-access'),
      ]);
    const content = await plan({ ...viewing, request: { verification: 'api' } });
    expect(content.outcome).toBe('planned');
    expect(
      content.checks.filter(
        ({ id, status }) => status === 'warn' && ['unsupported-compute', 'agent-nodes', 'webhook'].includes(id),
      ),
    ).toHaveLength(3);
  });
});
