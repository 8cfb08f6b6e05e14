/**
 * Watches which pods on EKS Pod Identity have no agent on their node whenever the service lists pods to verify them, or before
 * it deletes an association. In runs with a cluster's ordinary life only, because only there agents and nodes change.
 */
import { AGENT_ADDON } from '../../lambdas/domain/addons/registry.ts';
import { sourcesOf } from '../../sandbox/credentials/sources.ts';
import { computeOf, daemonNodes, isAgent, isNodeReady } from '../../sandbox/world/nodes.ts';
import { isActive, isReady } from '../../sandbox/kubernetes/pods.ts';
import { getObject, listObjects } from '../../sandbox/objects/store.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { ClusterState, World } from '../../sandbox/world/world.ts';

/** The names of pods by their uid. */
type Pods = ReadonlyMap<string, string>;

interface Agents {
  /** The pods on EKS Pod Identity. Pods that wait for credentials are not ready. */
  all: Pods;
  /** Those without a ready agent on their node; nothing can be observed on nodes that are not ready. */
  without: Pods;
  /** Those of them to whose node none comes either. */
  forGood: Pods;
}

const readAgents = ({ kube }: ClusterState): Agents => {
  const pods = listObjects(kube, 'Pod').filter((pod) => isActive(pod));
  const nodes = listObjects(kube, 'Node').filter((node) => isNodeReady(node));
  const observed = new Set(nodes.map(({ metadata }) => metadata.name));
  const served = new Set([
    ...pods.filter((pod) => isAgent(pod.metadata) && isReady(pod)).map(({ spec }) => spec.nodeName),
    ...nodes.filter((node) => computeOf(node) === 'auto').map(({ metadata }) => metadata.name),
  ]);
  const agent = getObject(kube, 'DaemonSet', 'kube-system', AGENT_ADDON);
  const coming = new Set(agent ? daemonNodes(kube, agent.spec.template) : []);
  const all = pods.filter((pod) => sourcesOf(kube, pod).some(({ method }) => method === 'pod-identity'));
  const without = all.filter(({ spec }) => observed.has(spec.nodeName ?? '') && !served.has(spec.nodeName));
  const forGood = without.filter(({ spec }) => !coming.has(spec.nodeName ?? ''));
  const named = (ones: typeof all): Pods => new Map(ones.map(({ metadata }) => [metadata.uid, metadata.name]));
  return { all: named(all), without: named(without), forGood: named(forGood) };
};

const WATCHED: ReadonlySet<string> = new Set(['verify-pods', 'restore-associations']);

export class AgentWatch {
  /** What there was at each read, in order. */
  readonly reads: ({ call: Call } & Agents)[] = [];
  private readonly cluster: ClusterState;

  constructor({ log }: World, cluster: ClusterState) {
    this.cluster = cluster;
    log.onCall((call) => {
      if (WATCHED.has(call.step ?? '') && call.operation === 'list pods' && call.status < 300)
        this.reads.push({ call, ...readAgents(cluster) });
    });
  }

  /** Returns the pods without an agent now. */
  now(): Pods {
    return readAgents(this.cluster).without;
  }
}
