/**
 * Platform version, compute, agent on each node, and webhook; what people set in pods is in preflight-pods.test.ts, the
 * roles of nodes in preflight-node-role.test.ts.
 */
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../../../lambdas/domain/aws/eks.ts';
import type { Pod } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { checkPlatformVersion, preflight } from '../../../../lambdas/domain/plan/preflight.ts';
import { checkAgentNodes } from '../../../../lambdas/domain/plan/preflight-agent-nodes.ts';
import { checkCompute } from '../../../../lambdas/domain/plan/preflight-nodes.ts';
import { checkWebhook } from '../../../../lambdas/domain/plan/preflight-webhook.ts';
import { aCluster, anAgentPod, aNode, aNodePod, aPod, planned, podIdentityWebhook } from '../../eks-fixtures.ts';
import { aRequest, someFacts } from '../../fixtures.ts';
import { only, said, containing } from '../../matchers.ts';
import { words } from '../../../words.ts';

const API = aRequest({ verification: 'api' });
const PLANNED = [planned];
const GRANT_ACCESS = 'pod-identity grant-access --cluster dev --region eu-west-1 --account 111122223333 --deployed';
const on = (node: string, change: Partial<Pod> = {}): Pod =>
  aPod('irsa', { name: `controller-on-${node}`, node, ...change });

describe('all of them', () => {
  it('pass, each by name, and take part in the plan', () => {
    const checks = preflight(someFacts(), PLANNED);
    expect(checks.every(({ status }) => status === 'pass')).toBe(true);
    expect(checks.map(({ id }) => id)).toEqual(
      words`platform-version node-role unsupported-compute agent-nodes webhook static-credentials aws-sdk-version`,
    );
    const plan = planMigration(someFacts());
    expect([plan.verdict, plan.checks]).toEqual(['migrate', expect.arrayContaining(checks)]);
  });

  it('whose answer only the API server has are left out where it says nothing: kubernetes-access tells it', () => {
    const facts = someFacts({
      pods: undefined,
      workloads: undefined,
      agentWorkload: undefined,
      nodes: undefined,
      agentPods: undefined,
      webhooks: undefined,
      kubernetesError: '403',
    });
    // The version of an EKS add-on shows what its images support.
    expect(preflight(facts, PLANNED).map(({ id }) => id)).toEqual(['platform-version', 'node-role', 'aws-sdk-version']);
  });

  it.each([
    ['nodes', { nodes: { error: 'nodes is forbidden' } }, ['unsupported-compute', 'agent-nodes']],
    ["the agent's pods", { agentPods: { error: 'pods is forbidden' } }, ['agent-nodes']],
    ['webhooks', { webhooks: { error: 'mutatingwebhookconfigurations is forbidden' } }, ['webhook']],
  ] satisfies [string, Partial<Facts>, string[]][])(
    'block where %s may not be seen, and say what to grant; with verification api they warn',
    (_, change, ids) => {
      const openOf = (facts: Facts) => preflight(facts, PLANNED).filter(({ status }) => status !== 'pass');
      const open = openOf(someFacts(change));
      expect(open.map(({ id, status }) => [id, status])).toEqual(ids.map((id) => [id, 'unknown']));
      for (const { message, remedy, source } of open) {
        expect(message).toContain('is forbidden');
        expect(remedy?.endsWith(GRANT_ACCESS)).toBe(true);
        expect(source).toBeTruthy();
      }
      expect(planMigration(someFacts(change)).verdict).toBe('blocked');
      const content = openOf(someFacts({ ...change, request: API }));
      expect(content.map(({ id, status }) => [id, status])).toEqual(ids.map((id) => [id, 'warn']));
    },
  );
});

describe('platform-version', () => {
  const of = (change: Partial<Cluster>): Check => only(checkPlatformVersion(someFacts({ cluster: aCluster(change) })));

  it.each([
    ['1.24', 'eks.13', 'pass'],
    ['1.24', 'eks.12', 'fail'],
    ['1.28', 'eks.4', 'pass'],
    ['1.28', 'eks.3', 'fail'],
    ['1.31', 'eks.4', 'pass'],
    ['1.31', 'eks.3', 'fail'],
    ['1.31', 'eks.40', 'pass'],
    ['1.32', 'eks.1', 'pass'],
    ['1.40', 'moon', 'pass'],
    ['1.23', 'eks.99', 'fail'],
    ['1.31', 'moon', 'warn'],
    ['2.0', 'eks.1', 'warn'],
  ])('Kubernetes %s on %s: %s', (version, platformVersion, status) =>
    expect(of({ version, platformVersion })).toMatchObject({ id: 'platform-version', status }),
  );

  it('says from which on, and that EKS updates it', () => {
    const update = 'describe-cluster --region eu-west-1 --name dev';
    const old = said('fail', /eks\.3 is too old.*from eks\.4\./, update);
    expect(of({ version: '1.31', platformVersion: 'eks.3' })).toMatchObject(old);
  });
  it('that EKS does not tell is a warning', () => {
    const { platformVersion: _, ...cluster } = aCluster();
    expect(only(checkPlatformVersion(someFacts({ cluster }))).status).toBe('warn');
  });
});

describe('unsupported-compute', () => {
  const check = (change: Partial<Facts>): Check => only(checkCompute(someFacts(change), PLANNED));
  const FARGATE = { 'eks.amazonaws.com/fargate-profile': 'system' };
  const computes = { f: 'fargate', h: 'hybrid', a: 'auto' } as const;
  const others = Object.entries(computes).map(([name, compute]) => aNode({ name, compute }));
  const nodes = { seen: [aNode(), aNode({ name: 'w', os: 'windows' }), ...others] } satisfies Facts['nodes'];

  it.each(['node-1', 'h', 'a'])('passes for pods on %s', (node) =>
    expect(check({ nodes, pods: [on(node)] }).status).toBe('pass'),
  );
  it('fails for pods on Fargate and Windows, and names them', () => {
    const leaving = on('w', { name: 'leaving', terminating: true });
    const pods = [on('node-1'), on('f'), on('w'), leaving, aNodePod({ node: 'w' })];
    const found = check({ nodes, pods });
    expect(found).toMatchObject(said('fail', '2 of 3 pods'));
    expect(found.message).toContain('controller-on-f (AWS Fargate), controller-on-w (Windows)');
    expect(found.keepIrsa).toBe(true);
    expect(found.remedy).toMatch(/^Keep IRSA for this add-on\. To migrate it all the same, .*Fargate profile/);
    const plan = planMigration(someFacts({ nodes, pods: [on('f')] }));
    expect([plan.verdict, plan.checks[0]?.id]).toEqual(['keep-irsa', 'unsupported-compute']);
  });
  it('names five at most', () => {
    const pods = Array.from({ length: 7 }, (_, n) => on('f', { name: `p${n}` }));
    expect(check({ nodes, pods }).message).toMatch(/p0 .*p4 \(AWS Fargate\) and 2 more\.$/);
  });
  it('knows a pod on Fargate by its label too, where nodes may not be read', () => {
    const pods = [on('unknown', { labels: FARGATE })];
    const found = check({ nodes: { error: 'nodes is forbidden' }, pods });
    expect(found).toMatchObject(said('fail', 'AWS Fargate'));
    expect(found.keepIrsa).toBeUndefined();
  });
  it('does not believe the label of a pod whose node is another, and keeps IRSA for none that has only the label', () => {
    expect(check({ nodes, pods: [on('node-1', { labels: FARGATE })] }).status).toBe('pass');
    const { node: _, ...waiting } = on('node-1', { labels: FARGATE });
    expect(planMigration(someFacts({ nodes, pods: [waiting] })).verdict).toBe('blocked');
    expect(planMigration(someFacts({ nodes, pods: [waiting, on('f')] })).verdict).toBe('keep-irsa');
  });
  it("a pod without a node, or on one that has gone, is in nobody's way", () => {
    const { node: _, ...waiting } = on('node-1');
    expect(check({ nodes, pods: [waiting, on('gone')] }).status).toBe('pass');
  });
  it('fails for a local cluster on Outposts, with any nodes', () =>
    expect(check({ cluster: aCluster({ onOutposts: true }), nodes: undefined })).toMatchObject({
      status: 'fail',
      keepIrsa: true,
      message: containing('AWS Outposts'),
    }));
});

describe('agent-nodes', () => {
  const check = (change: Partial<Facts>): Check => only(checkAgentNodes(someFacts(change), PLANNED));
  const names = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'];

  it('names the nodes whose agent is not ready, five at most', () => {
    const nodes = { seen: names.map((name) => aNode({ name })) };
    const agentPods = { seen: names.map((name) => anAgentPod(name, { ready: name === 'n7' })) };
    const found = check({ nodes, agentPods });
    expect(found).toMatchObject({ status: 'fail', remedy: containing('kubectl -n kube-system get pods') });
    expect(found.message).toContain('6 of 7 nodes where these pods can run: n1, n2, n3, n4, n5 and 1 more');
  });
  it.each<[string, Partial<Pod>, Check['status']]>([
    ['is on its way out', { terminating: true }, 'fail'],
    ['is not ready', { ready: false }, 'fail'],
    ['is ready', {}, 'pass'],
  ])('an agent that %s: %s', (_, change, status) => {
    const agentPods = { seen: [anAgentPod('node-1', change)] };
    expect(check({ nodes: { seen: [aNode()] }, pods: [on('node-1')], agentPods }).status).toBe(status);
  });
  it('a node without any agent fails where one of the pods is, and warns elsewhere', () => {
    const agentPods = { seen: [anAgentPod('node-1')] };
    expect(check({ pods: [on('node-2')], agentPods })).toMatchObject(said('fail', 'node-2'));
    const warns = said('warn', '1 of 2 Linux nodes have no Pod Identity agent: node-2');
    expect(check({ pods: [on('node-1')], agentPods })).toMatchObject(warns);
  });
  it.each([
    ['Windows', aNode({ name: 'x', os: 'windows' })],
    ['Fargate', aNode({ name: 'x', compute: 'fargate' })],
    ['Auto Mode', aNode({ name: 'x', compute: 'auto' })],
    ['a hybrid node without any of the pods', aNode({ name: 'x', compute: 'hybrid' })],
    ['a node that is not ready', aNode({ name: 'x', ready: false })],
  ])('%s needs none', (_, node) =>
    expect(check({ nodes: { seen: [aNode(), node] }, agentPods: { seen: [anAgentPod('node-1')] } })).toMatchObject(
      said('pass', 'all 1 nodes'),
    ),
  );
  it('a hybrid node with one of the pods needs one', () => {
    const nodes = { seen: [aNode({ name: 'h', compute: 'hybrid' })] } satisfies Facts['nodes'];
    const owner = { kind: 'DaemonSet', name: 'eks-pod-identity-agent-hybrid' };
    const statuses = [[], [anAgentPod('h', { owner })]].map(
      (seen) => check({ nodes, pods: [on('h')], agentPods: { seen } }).status,
    );
    expect(statuses).toEqual(['fail', 'pass']);
  });
  it('in a cluster with Auto Mode, the other nodes need one too', () => {
    const autoMode = { cluster: aCluster({ autoMode: true }), agentWorkload: undefined, agentPods: undefined };
    const nodes = { seen: [aNode({ name: 'a', compute: 'auto' }), aNode({ name: 'own' })] } satisfies Facts['nodes'];
    expect(check({ ...autoMode, nodes, pods: [on('own')] })).toMatchObject(said('fail', 'own'));
    expect(check({ ...autoMode, nodes, pods: [on('a')] }).status).toBe('warn');
    const auto = someFacts({ ...autoMode, nodes: { seen: [aNode({ compute: 'auto' })] } });
    expect(checkAgentNodes(auto, PLANNED)).toEqual([]);
  });
  it('is not asked where there is no agent: the check agent says so, or that it will be installed', () => {
    const none = someFacts({ agentWorkload: undefined, agentAddon: undefined, agentPods: undefined });
    expect(checkAgentNodes(none, PLANNED)).toEqual([]);
  });
});

describe('webhook', () => {
  const check = (webhooks: Facts['webhooks']): Check => only(checkWebhook(someFacts({ webhooks })));
  const other = podIdentityWebhook({ configuration: 'mesh', name: 'x.mesh' });

  it('passes as EKS makes it, and says what Ignore means', () => {
    expect(check({ seen: [other, podIdentityWebhook()] })).toMatchObject(said('pass', 'failurePolicy: Ignore'));
    expect(check({ seen: [podIdentityWebhook({ failurePolicy: 'Fail' })] }).message).not.toContain('Ignore');
  });
  it.each([[[]], [[other]]])('fails where it is missing', (seen) => {
    const remedy = containing('kubectl get mutatingwebhookconfiguration pod-identity-webhook');
    expect(check({ seen })).toMatchObject({ status: 'fail', remedy });
  });
  it.each([[['v1']], [['v1', 'v1beta1']], [[]]])(
    'warns where it is asked in a version that it has not been seen to answer: %j',
    (reviewVersions) => expect(check({ seen: [podIdentityWebhook({ reviewVersions })] }).status).toBe('warn'),
  );
});
