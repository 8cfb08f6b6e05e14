/** Taints and node selectors that keep the agent off nodes; what else `agent-nodes` finds is in preflight.test.ts. */
import { describe, expect, it } from 'vitest';
import type { Taint, Toleration } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { checkAgentNodes, checkNodePools } from '../../../../lambdas/domain/plan/preflight-agent-nodes.ts';
import { agentDaemonSet, anAgentPod, aNode, aPod, aWorkload, planned, someFacts } from '../../fixtures.ts';
import { only, said } from '../../matchers.ts';

const GPU: Taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' };
const TOLERATES: Toleration[] = [{ key: 'dedicated', operator: 'Equal', value: 'gpu' }];
const ALL: Toleration[] = [{ operator: 'Exists' }];

describe('agent-nodes', () => {
  /** The second node has the taint, and no pod of the agent. */
  const facts = (change: Partial<Facts> = {}, taints: Taint[] = [GPU]): Facts =>
    someFacts({
      nodes: { seen: [aNode(), aNode({ name: 'node-2', taints, labels: { pool: 'gpu' } })] },
      agentPods: { seen: [anAgentPod('node-1')] },
      workloads: [aWorkload({ tolerations: TOLERATES })],
      ...change,
    });
  const check = (of: Facts): Check => only(checkAgentNodes(of, [planned]));

  it('names the taint of a node with pods and without the agent, and the toleration to add', () => {
    const found = check(facts({ pods: [aPod('irsa', { node: 'node-2' })] }));
    expect(found.status).toBe('fail');
    expect(found.message).toContain("node-2 (the agent's DaemonSet does not tolerate taint dedicated=gpu:NoSchedule)");
    expect(found.remedy).toContain('{"tolerations":[{"operator":"Exists"}]}');
  });

  it('warns of a node where the next pods may be placed', () =>
    expect(check(facts())).toMatchObject(said('warn', 'does not tolerate taint dedicated=gpu:NoSchedule')));

  it('does not concern a node that the pods do not tolerate or select either', () => {
    expect(check(facts({ workloads: [aWorkload()] })).status).toBe('pass');
    const elsewhere = aWorkload({ tolerations: ALL, nodeSelector: { pool: 'other' } });
    expect(check(facts({ workloads: [elsewhere] })).status).toBe('pass');
    const selecting = aWorkload({ tolerations: ALL, nodeSelector: { pool: 'gpu' } });
    expect(check(facts({ workloads: [selecting] })).status).toBe('warn');
  });

  it('goes by the tolerations of pods without a workload', () => {
    const of = (tolerations?: Toleration[]): string =>
      check(facts({ workloads: [], pods: [aPod('irsa', tolerations ? { tolerations } : {})] })).status;
    expect([of(), of(TOLERATES)]).toEqual(['pass', 'warn']);
  });

  it('gives no taint as the reason if the agent tolerates it, and names a node selector', () => {
    const tolerant = agentDaemonSet({ tolerations: ALL });
    expect(check(facts({ agentWorkload: tolerant })).message).not.toContain('taint');
    const selective = agentDaemonSet({ tolerations: ALL, nodeSelector: { agent: 'yes' } });
    expect(check(facts({ agentWorkload: selective })).message).toContain('selects only nodes with label agent=yes');
  });

  it.each<[string, Taint, Toleration, boolean]>([
    ['by key and value', GPU, { key: 'dedicated', operator: 'Equal', value: 'gpu' }, true],
    ['by key alone', GPU, { key: 'dedicated', operator: 'Exists' }, true],
    ['by everything', GPU, { operator: 'Exists' }, true],
    ['by the effect, too', GPU, { key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }, true],
    ['not by another effect', GPU, { key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }, false],
    ['not by another value', GPU, { key: 'dedicated', operator: 'Equal', value: 'cpu' }, false],
    ['not by another key', GPU, { key: 'other', operator: 'Exists' }, false],
    ['not without a key, but with a value', GPU, { operator: 'Equal', value: 'gpu' }, false],
    ['by no value, if it has none', { key: 'x', effect: 'NoExecute' }, { key: 'x', operator: 'Equal' }, true],
  ])('has the taint tolerated %s', (_, taint, toleration, is) => {
    const agentWorkload = agentDaemonSet({ tolerations: [toleration] });
    const workloads = [aWorkload({ tolerations: ALL })];
    expect(check(facts({ agentWorkload, workloads }, [taint])).message.includes('taint')).toBe(!is);
  });

  it('does not count taints that are a preference, or the state of a node', () => {
    const passing: Taint[] = [
      { key: 'x', effect: 'PreferNoSchedule' },
      { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
      { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
    ];
    expect(check(facts({ workloads: [aWorkload()] }, passing))).toMatchObject({ status: 'warn' });
    expect(check(facts({ workloads: [aWorkload()] }, passing)).message).not.toContain('taint');
  });
});

describe('agent-node-pools', () => {
  const pool = (taints: Taint[], template: object = {}, labels: Record<string, string> = {}): unknown => ({
    metadata: { name: 'gpu' },
    spec: { template: { metadata: { labels }, spec: { taints, ...template } } },
  });
  const check = (pools: unknown[], change: Partial<Facts> = {}): Check[] =>
    checkNodePools(
      someFacts({
        network: { objects: { 'nodepools.karpenter.sh': pools }, unread: [], engines: [] },
        workloads: [aWorkload({ tolerations: TOLERATES })],
        ...change,
      }),
      [planned],
    );

  const why = 'gpu (does not tolerate taint dedicated=gpu:NoSchedule)';
  const warns = said('warn', why, '{"tolerations":[{"operator":"Exists"}]}');
  it('warns of a pool whose nodes accept the pods, but not the agent', () =>
    expect(only(check([pool([GPU])]))).toMatchObject({ id: 'agent-node-pools', ...warns }));

  it('is no check if the agent tolerates the taints, or the pods do not', () => {
    expect(check([pool([GPU])], { agentWorkload: agentDaemonSet({ tolerations: ALL }) })).toEqual([]);
    expect([check([pool([GPU])], { workloads: [aWorkload()] }), check([pool([])]), check([])]).toEqual([[], [], []]);
    expect(checkNodePools(someFacts(), [planned])).toEqual([]);
  });

  it('does not concern startup taints, Auto Mode, and pools whose labels the pods do not select', () => {
    expect(check([pool([], { startupTaints: [GPU] })])).toEqual([]);
    expect(check([pool([GPU], { nodeClassRef: { group: 'eks.amazonaws.com' } })])).toEqual([]);
    const selecting = aWorkload({ tolerations: TOLERATES, nodeSelector: { pool: 'x' } });
    expect(check([pool([GPU], {}, { pool: 'y' })], { workloads: [selecting] })).toEqual([]);
    // A label that is not in the template may come from the instance type.
    expect(check([pool([GPU])], { workloads: [selecting] })).toHaveLength(1);
  });

  it('passes over objects that are no node pools', () =>
    expect(check([{}, 1, null, pool([GPU, 1 as never])])).toEqual([]));

  it('warns if node pools may not be read', () => {
    const unread = [{ resource: 'nodepools.karpenter.sh', error: 'it is forbidden' }];
    const found = only(check([], { network: { objects: {}, unread, engines: [] } }));
    expect(found).toMatchObject(said('warn', 'it is forbidden', 'grant-access'));
  });
});
