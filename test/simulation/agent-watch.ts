/**
 * Watches which pods on EKS Pod Identity have no agent on their node whenever the service lists pods to verify them. In
 * runs with a cluster's ordinary life only, because only there agents and nodes change.
 */
import { AGENT_ADDON } from '../../lambdas/domain/addons/registry.ts';
import { sourcesOf } from '../../sandbox/credentials/sources.ts';
import { computeOf, daemonNodes, isAgent, isNodeReady } from '../../sandbox/kubernetes/nodes.ts';
import { isActive, isReady } from '../../sandbox/kubernetes/pods.ts';
import { getObject, listObjects } from '../../sandbox/kubernetes/store.ts';
import type { Call } from '../../sandbox/world/call-log.ts';
import type { ClusterState, World } from '../../sandbox/world/world.ts';

/** The names of pods by their uid. */
type Pods = ReadonlyMap<string, string>;

/**
 * Returns the pods without a ready agent on their node, and those of them to whose node none comes either. Pods that wait
 * for credentials are not ready. Nothing can be observed on nodes that are not ready.
 */
const podsWithoutAgent = ({ kube }: ClusterState): { without: Pods; forGood: Pods } => {
  const pods = listObjects(kube, 'Pod').filter((pod) => isActive(pod));
  const nodes = listObjects(kube, 'Node').filter((node) => isNodeReady(node));
  const observed = new Set(nodes.map(({ metadata }) => metadata.name));
  const served = new Set([
    ...pods.filter((pod) => isAgent(pod.metadata) && isReady(pod)).map(({ spec }) => spec.nodeName),
    ...nodes.filter((node) => computeOf(node) === 'auto').map(({ metadata }) => metadata.name),
  ]);
  const agent = getObject(kube, 'DaemonSet', 'kube-system', AGENT_ADDON);
  const coming = new Set(agent ? daemonNodes(kube, agent.spec.template) : []);
  const without = pods.filter(
    (pod) =>
      observed.has(pod.spec.nodeName ?? '') &&
      !served.has(pod.spec.nodeName) &&
      sourcesOf(kube, pod).some(({ method }) => method === 'pod-identity'),
  );
  const named = (ones: typeof without): Pods => new Map(ones.map(({ metadata }) => [metadata.uid, metadata.name]));
  return { without: named(without), forGood: named(without.filter(({ spec }) => !coming.has(spec.nodeName ?? ''))) };
};

export class AgentWatch {
  /** The pods without an agent at each read, in order. */
  readonly reads: { call: Call; without: Pods; forGood: Pods }[] = [];
  private readonly cluster: ClusterState;

  constructor({ log }: World, cluster: ClusterState) {
    this.cluster = cluster;
    log.onCall((call) => {
      if (call.step === 'verify-pods' && call.operation === 'list pods' && call.status < 300)
        this.reads.push({ call, ...podsWithoutAgent(cluster) });
    });
  }

  /** Returns the pods without an agent now. */
  now(): Pods {
    return podsWithoutAgent(this.cluster).without;
  }
}
