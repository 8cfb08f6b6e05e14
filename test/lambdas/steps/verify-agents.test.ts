/** verify-pods: whether an agent serves each verified pod on its node, and what follows where none does. */
import { describe, expect, it } from 'vitest';
import type { Node, Pod, Workload } from '../../../lambdas/domain/kubernetes/objects.ts';
import type { Addon } from '../../../lambdas/domain/terms/observed.ts';
import type { MigrationRequestInput } from '../../../lambdas/domain/request/request.ts';
import { verifyPodsStep } from '../../../lambdas/steps/verify-pods/handler.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn } from '../example.ts';
import { at } from '../run-examples.ts';
import {
  agentDaemonSet,
  aMigratedAddon,
  anAddon,
  anAgentAddon,
  anAgentPod,
  anAssociation,
  aNode,
  aPod,
  aWorkload,
} from '../eks-fixtures.ts';
import { aRequest, IN_PLACE } from '../fixtures.ts';
import { containing, expectError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const OWNED = anAssociation({ id: 'a-new', ownerArn: addonArn(1) });
const GPU = [{ key: 'gpu', effect: 'NoSchedule' }];
const CRASHING: Partial<Pod> = { ready: false, restarts: 9, waiting: ['CrashLoopBackOff'] };

interface World {
  /** Changes of the node of pod `b`; the agent serves the node of pod `a`. */
  node?: Partial<Node>;
  daemonSet?: Partial<Workload> | undefined;
  agent?: Partial<Pod>;
  addon?: Partial<Addon>;
  /** Seconds since the wait for the agent last progressed. */
  waited?: number;
}

async function served(world: World, request: Partial<MigrationRequestInput> = {}): Promise<Begun> {
  const { node, agent, addon, waited } = world;
  const fakes = await begun({ plan: { attempts: [IN_PLACE] }, record: { request: aRequest(request) } });
  fakes.eks.addons.set(ADDON, aMigratedAddon([OWNED.arn]));
  if (addon) fakes.eks.addons.set('eks-pod-identity-agent', anAgentAddon(addon));
  fakes.eks.associations = [OWNED];
  const daemonSet = 'daemonSet' in world && !world.daemonSet ? [] : [agentDaemonSet(world.daemonSet)];
  Object.assign(fakes.kubernetes, {
    nodes: [aNode(), aNode({ name: 'n2', ...node })],
    pods: [aPod('pod-identity', { name: 'a' }), aPod('pod-identity', { name: 'b', node: 'n2' })],
    agentPods: [anAgentPod('node-1'), ...(agent ? [anAgentPod('n2', agent)] : [])],
    workloads: [aWorkload({ desired: 2, ready: 2 }), ...daemonSet],
  });
  const since = at(-(waited ?? 0));
  const seen = { ready: 1, others: 1, newest: at(3600), observed: 0 };
  if (waited !== undefined) await fakes.update({ progress: { of: 'agents', startedAt: since, since, ...seen } });
  return fakes;
}
const verify = (fakes: Begun, towards = 'pod-identity'): Promise<unknown> =>
  invoke(verifyPodsStep, { ...fakes.input, towards, round: 1 }, fakes);

describe('verified pods', () => {
  it.each<[string, World]>([
    ['the agent is ready there', { agent: {} }],
    ['the agent is ready there, and its DaemonSet was removed without its pods', { agent: {}, daemonSet: undefined }],
    ['a pod of the DaemonSet for hybrid nodes is ready there', { node: { compute: 'hybrid' }, agent: {} }],
    ['Auto Mode has the agent built in', { node: { compute: 'auto' }, daemonSet: undefined }],
    ['the node is not ready', { node: { ready: false } }],
    ['the node is gone', { node: { name: 'n3' } }],
  ])('are as before where %s', async (_, world) => {
    const fakes = await served(world);
    expect(await verify(fakes)).toMatchObject({ verdict: 'verified', podsThatCount: 2 });
    expect(await fakes.record()).toMatchObject({ verified: 'injected', warnings: [] });
  });

  it.each<[string, World, string]>([
    ['on AWS Fargate', { node: { compute: 'fargate' } }, 'kube-system/b on AWS Fargate, which EKS'],
    ['on Windows', { node: { os: 'windows' } }, 'kube-system/b on Windows, which EKS'],
    ['on a tainted node', { node: { taints: GPU } }, "b on node n2 (the agent's DaemonSet does not tolerate taint gpu"],
    ['without a DaemonSet', { daemonSet: undefined }, 'b on node n2 (the cluster has no DaemonSet of the agent)'],
    ['with an add-on alone', { daemonSet: undefined, addon: { status: 'ACTIVE' } }, '(the cluster has no DaemonSet of'],
    ['with a crashing agent', { agent: { ...CRASHING, createdAt: at(-601) } }, 'eks-pod-identity-agent-on-n2 is cr'],
    ['with an agent that does not start', { agent: { ready: false }, waited: 601 }, 'on-n2 is not ready'],
    ['on a hybrid node', { node: { compute: 'hybrid' }, waited: 601 }, 'b on node n2, where the agent has no pod'],
  ])('fail %s, and are named with a remedy', async (_, world, message) => {
    const fakes = await served(world);
    await expectError(
      verify(fakes),
      'AgentMissing',
      /^1 of 2 pods have .*(kubectl|aws eks|keep IRSA|tolerations).* Then migrate again\.$/,
    );
    await expectError(verify(fakes), 'AgentMissing', message);
    expect((await fakes.record()).verified).toBe('none');
  });

  it.each<[string, World]>([
    ['that crashes since shortly', { agent: { ...CRASHING, createdAt: at(-599) } }],
    ['that starts', { agent: { ready: false }, waited: 599 }],
    ['that ends and has no successor yet', { agent: { terminating: true } }],
    [
      'that has left a node which is being removed',
      { node: { taints: [{ key: 'karpenter.sh/disrupted', effect: 'NoSchedule' }] } },
    ],
    [
      'whose DaemonSet may take half an hour',
      { agent: { ready: false }, waited: 1799, daemonSet: { rollout: { progressDeadlineSeconds: 1800 } } },
    ],
    ['whose add-on is being created', { daemonSet: undefined, addon: { status: 'CREATING' } }],
  ])('wait for an agent %s', async (_, world) => {
    const fakes = await served(world);
    await expectError(verify(fakes), 'PodsNotSettled', /^The pods have .* one of them gets no credentials .*kubectl/);
    expect((await fakes.record()).progress).toMatchObject({ of: 'agents', since: at(-(world.waited ?? 0)) });
  });

  it('are served by an agent in the namespace of its add-on', async () => {
    const fakes = await served({ daemonSet: { namespace: 'agents' }, addon: { namespace: 'agents' } });
    fakes.kubernetes.agentPods = ['node-1', 'n2'].map((node) => anAgentPod(node, { namespace: 'agents' }));
    expect(await verify(fakes)).toMatchObject({ verdict: 'verified' });
  });

  it('are judged before others are restarted, and wait for their agent then', async () => {
    const witnessed = async (world: World): Promise<Begun> => {
      const fakes = await served(world);
      fakes.kubernetes.pods[0] = aPod('irsa', { name: 'a' });
      return fakes;
    };
    expect(await verify(await witnessed({ agent: {} }))).toMatchObject({ verdict: 'restart' });
    await expectError(verify(await witnessed({ node: { compute: 'fargate' } })), 'AgentMissing', /^1 of 1 pods/);
    await expectError(
      verify(await witnessed({ agent: { ready: false } })),
      'PodsNotSettled',
      /until the agent is ready/,
    );
  });

  it.each([
    [61, 'AgentMissing'],
    [59, 'PodsNotSettled'],
  ] as const)('are judged during a rollout that has lasted %i seconds: %s', async (lasted, expected) => {
    const fakes = await served({ node: { compute: 'fargate' } });
    fakes.kubernetes.workloads[0] = aWorkload({ settled: false, desired: 3, ready: 2 });
    const since = at(-lasted);
    const progress = {
      of: 'pod-identity.0-1',
      startedAt: since,
      since,
      ready: 2,
      others: 0,
      newest: at(9),
      observed: 1,
    };
    await fakes.update({ progress });
    await expectError(verify(fakes), expected);
  });

  it('lose their level if the agent is removed while they are observed', async () => {
    const fakes = await served({ agent: {} });
    await invoke(verifyPodsStep, { ...fakes.input, towards: 'pod-identity', round: 1, settling: 1 }, fakes);
    Object.assign(fakes.kubernetes, { agentPods: [], workloads: [aWorkload({ desired: 2, ready: 2 })] });
    fakes.clock.advance(60_000);
    const confirmed = invoke(verifyPodsStep, { ...fakes.input, towards: 'ready', round: 1, settling: 1 }, fakes);
    await expectError(confirmed, 'AgentMissing', /^2 of 2 pods/);
    expect((await fakes.record()).verified).toBe('none');
  });

  it('go on without the agent in a rollback', async () => {
    const fakes = await served({ node: { compute: 'fargate' } });
    fakes.eks.addons.set(ADDON, anAddon());
    fakes.kubernetes.pods = [aPod('irsa', { name: 'b', node: 'n2' })];
    expect(await verify(fakes, 'before')).toMatchObject({ verdict: 'verified' });
  });

  it.each(['listNodes', 'getWorkload'])('keep their level, with a warning, without the right to %s', async (call) => {
    const fakes = await served({});
    for (let times = 0; times < 2; times += 1) {
      fakes.journal.refuseNext(`kubernetes.${call}`, 'AccessDenied', 'no');
      expect(await verify(fakes)).toMatchObject({ verdict: 'verified' });
    }
    expect(await fakes.record()).toMatchObject({
      verified: 'injected',
      warnings: [{ id: 'agent-not-judged', message: containing('could not be read after the change: no.') }],
    });
  });

  it('of a request that relies on EKS alone are warned of where EKS has no agent', async () => {
    const warned = async (addon?: Partial<Addon>): Promise<unknown> => {
      const fakes = await served(addon ? { addon } : {}, { verification: 'api' });
      if (!addon) fakes.eks.addons.delete('eks-pod-identity-agent');
      await verify(fakes);
      const { verified, warnings } = await fakes.record();
      return [verified, ...warnings.map(({ id }) => id)];
    };
    expect(await Promise.all([warned({ status: 'ACTIVE' }), warned({ status: 'DELETING' }), warned()])).toEqual([
      ['api', 'pods-not-seen'],
      ['api', 'pods-not-seen', 'agent-not-judged'],
      ['api', 'pods-not-seen', 'agent-not-judged'],
    ]);
  });
});
