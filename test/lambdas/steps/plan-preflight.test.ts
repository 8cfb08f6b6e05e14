/** What the plan reads for its preflight checks, and what it makes of refusals. */
import { describe, expect, test } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { newFakes, type Fakes } from '../fakes.ts';
import { ADDON, aCluster, anAgentPod, aNode, aPod, NODE_ROLE, GRANTED } from '../fixtures.ts';
import { said } from '../matchers.ts';
import { checkOf, planOf } from './planning.ts';

const it = test.extend('fakes', () => newFakes());
const refusal = (what: string): MigrationError => new MigrationError('AccessDenied', `${what} is forbidden`);

describe('the preflight of a plan', () => {
  it('passes on a healthy cluster', async () => {
    const plan = await planOf(newFakes());
    expect(plan.verdict).toBe('migrate');
    for (const id of ['node-role', 'unsupported-compute', 'agent-nodes', 'webhook', 'static-credentials'])
      expect([id, checkOf(plan, id)?.status]).toEqual([id, 'pass']);
  });

  it('names the node whose agent is not ready', async ({ fakes }) => {
    fakes.kubernetes.agentPods = [anAgentPod('node-1'), anAgentPod('node-2', { ready: false })];
    expect(checkOf(await planOf(fakes), 'agent-nodes')).toMatchObject(said('fail', /: node-2\./));
  });

  it("takes no other DaemonSet's pod for the agent's", async ({ fakes }) => {
    fakes.kubernetes.agentPods = [
      anAgentPod('node-1'),
      anAgentPod('node-2', { owner: { kind: 'DaemonSet', name: 'eks-pod-identity-agent-exporter' } }),
    ];
    expect(checkOf(await planOf(fakes), 'agent-nodes')?.message).toContain('node-2');
    fakes.kubernetes.agentPods = [
      anAgentPod('node-1'),
      anAgentPod('node-2', { owner: { kind: 'DaemonSet', name: 'eks-pod-identity-agent-hybrid' } }),
    ];
    expect(checkOf(await planOf(fakes), 'agent-nodes')?.status).toBe('pass');
  });

  it.each([
    ['listNodes', 'nodes', ['unsupported-compute', 'agent-nodes']],
    ['listMutatingWebhooks', 'mutatingwebhookconfigurations', ['webhook']],
  ])('says unknown, and blocks, where %s is refused', async (method, what, ids) => {
    const fakes = newFakes();
    fakes.journal.failNext(`kubernetes.${method}`, 'before', refusal(what));
    const plan = await planOf(fakes);
    expect(plan.verdict).toBe('blocked');
    expect(plan.checks.filter(({ status }) => status === 'unknown').map(({ id }) => id)).toEqual(ids);
    expect(plan.checks.find(({ id }) => id === ids[0])?.message).toContain(`${what} is forbidden`);
  });

  it.each(['listNodes', 'listMutatingWebhooks'])('reads again where %s fails for a moment', async (method) => {
    const fakes = newFakes();
    fakes.journal.failNext(`kubernetes.${method}`);
    expect((await planOf(fakes)).verdict).toBe('migrate');
    expect(fakes.journal.of(`kubernetes.${method}`)).toHaveLength(2);
  });

  it("looks for the agent where it runs, whatever the add-on's namespace is, and asks for no pods where there is none", async () => {
    const fakes = newFakes();
    fakes.settings.roleGrants = GRANTED;
    fakes.eks.addons.set(ADDON, { ...fakes.eks.addons.get(ADDON)!, namespace: 'storage' });
    fakes.kubernetes.pods = [aPod('irsa', { namespace: 'storage' })];
    expect(checkOf(await planOf(fakes), 'agent-nodes')?.status).toBe('pass');
    fakes.journal.clear();
    fakes.kubernetes.workloads = [];
    await planOf(fakes);
    expect(fakes.journal.of('kubernetes.listPods')).toEqual([['storage']]);
  });
});

describe('the roles of the nodes', () => {
  /** IAM's simulation does not say that they may. */
  const unsaid = (): Fakes => {
    const fakes = newFakes();
    fakes.roles.refused.push({ action: 'eks-auth:AssumeRoleForPodIdentity' });
    return fakes;
  };
  it('are asked about by one question each, and not looked at, where each that could be one may', async ({ fakes }) => {
    fakes.eks.accessEntries = ['-1', '-2'].map((n) => ({ principalArn: `${NODE_ROLE}${n}`, type: 'EC2_LINUX' }));
    const plan = await planOf(fakes);
    expect(checkOf(plan, 'node-role')).toMatchObject(said('pass', 'dev-nodes-1, dev-nodes-2'));
    expect(fakes.journal.names()).not.toContain('eks.describeAccessEntry');
    expect(fakes.journal.of('roles.listPolicies')).toHaveLength(1);
  });
  it('are looked for where a node is of no managed node group: its role may have no access entry', async () => {
    const fakes = newFakes();
    const { nodeGroup: _, ...own } = aNode({ name: 'own' });
    fakes.kubernetes.nodes.push(own);
    fakes.eks.accessEntries = [
      { principalArn: `${NODE_ROLE}-people`, type: 'STANDARD' },
      { principalArn: NODE_ROLE, type: 'EC2_LINUX' },
    ];
    expect(checkOf(await planOf(fakes), 'node-role')?.status).toBe('pass');
    expect(fakes.journal.of('eks.describeAccessEntry')).toHaveLength(2);
    fakes.eks.accessEntries.pop();
    expect(checkOf(await planOf(fakes), 'node-role')).toMatchObject(said('warn', 'aws-auth'));
  });
  it('that IAM does not have any more are of no node', async ({ fakes }) => {
    fakes.eks.accessEntries = ['-gone', ''].map((n) => ({ principalArn: `${NODE_ROLE}${n}`, type: 'EC2_LINUX' }));
    fakes.journal.refuseNext('roles.simulate', 'NotFound', 'iam:SimulatePrincipalPolicy: NoSuchEntity');
    expect(checkOf(await planOf(fakes), 'node-role')).toMatchObject({
      status: 'pass',
      message: expect.not.stringContaining('gone') as string,
    });
  });
  it('are read where the simulation may not be asked', async ({ fakes }) => {
    fakes.journal.failNext('roles.simulate', 'before', refusal('iam:SimulatePrincipalPolicy'));
    expect(checkOf(await planOf(fakes), 'node-role')?.status).toBe('pass');
    expect(fakes.journal.of('roles.listPolicies').flat()).toContain(NODE_ROLE);
  });
  it('are those of the access entries of nodes that can have the agent', async () => {
    const fakes = unsaid();
    fakes.eks.accessEntries = [
      ...['STANDARD', 'EC2_WINDOWS', 'FARGATE_LINUX'].map((type) => ({ principalArn: `${NODE_ROLE}-${type}`, type })),
      ...['EC2', 'EC2_LINUX', 'HYBRID_LINUX', 'HYPERPOD_LINUX'].map((type) => ({
        principalArn: `${NODE_ROLE}-${type}`,
        type,
      })),
    ];
    const plan = await planOf(fakes);
    expect(fakes.journal.of('roles.listPolicies').slice(1)).toEqual(
      ['EC2', 'EC2_LINUX', 'HYBRID_LINUX', 'HYPERPOD_LINUX'].map((type) => [`${NODE_ROLE}-${type}`]),
    );
    expect(checkOf(plan, 'node-role')).toMatchObject(said('fail', 'dev-nodes-EC2, dev-nodes-EC2_LINUX'));
  });

  const invalid = new MigrationError(
    'InvalidRequest',
    'eks:ListAccessEntries: InvalidRequestException: authentication mode',
  );
  it.each([
    ['eks.listNodeCandidates', invalid],
    ['eks.listNodeCandidates', refusal('eks:ListAccessEntries')],
    ['roles.listPolicies', refusal('iam:ListRolePolicies')],
  ])("that can't be read (%s: %s) are a warning", async (call, error) => {
    const fakes = unsaid();
    // The first question about policies is of the planned role.
    if (call === 'roles.listPolicies') fakes.journal.failNext(call, 'before', error);
    fakes.journal.failNext(call, 'before', error);
    const plan = await planOf(fakes);
    expect([plan.verdict, checkOf(plan, 'node-role')]).toMatchObject(['migrate', said('warn', error.message)]);
  });

  it('are looked at as long as there are not too many', async () => {
    const fakes = unsaid();
    fakes.eks.accessEntries = Array.from({ length: 12 }, (_, n) => ({
      principalArn: `${NODE_ROLE}-${n}`,
      type: 'EC2_LINUX',
    }));
    for (const { principalArn } of fakes.eks.accessEntries)
      fakes.roles.policies[principalArn] = fakes.roles.policies[NODE_ROLE]!;
    expect(checkOf(await planOf(fakes), 'node-role')).toMatchObject(said('warn', '12 roles, and only 10 were read'));
    fakes.eks.accessEntries = Array.from({ length: 101 }, (_, n) => ({
      principalArn: n === 0 ? NODE_ROLE : `${NODE_ROLE}-${n}`,
      type: n === 0 ? 'EC2_LINUX' : 'STANDARD',
    }));
    expect(checkOf(await planOf(fakes), 'node-role')).toMatchObject(said('warn', 'more than 100 access entries'));
  });

  it('in a cluster with Auto Mode too', async ({ fakes }) => {
    fakes.eks.cluster = aCluster({ autoMode: true });
    fakes.eks.accessEntries = [{ principalArn: NODE_ROLE, type: 'EC2' }];
    expect(checkOf(await planOf(fakes), 'node-role')?.status).toBe('pass');
  });
});
