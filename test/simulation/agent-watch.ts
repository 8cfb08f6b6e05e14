/**
 * Watches which pods on EKS Pod Identity have no agent on their node whenever the service lists pods to verify them. In
 * runs with a cluster's ordinary life only, because only there agents and nodes change.
 */
import { sourcesOf } from '../../sandbox/credentials/sources.ts';
import { computeOf, isAgent, isNodeReady } from '../../sandbox/kubernetes/nodes.ts';
import { isActive, isReady } from '../../sandbox/kubernetes/pods.ts';
import { listObjects } from '../../sandbox/kubernetes/store.ts';
import type { Call } from '../../sandbox/world/call-log.ts';
import type { ClusterState, World } from '../../sandbox/world/world.ts';

/** Returns the ready pods without an agent, by uid. Pods on lost nodes are not ready. */
const podsWithoutAgent = ({ kube }: ClusterState): ReadonlyMap<string, string> => {
  const pods = listObjects(kube, 'Pod').filter((pod) => isActive(pod) && isReady(pod));
  const served = new Set(pods.filter(({ metadata }) => isAgent(metadata)).map(({ spec }) => spec.nodeName));
  for (const node of listObjects(kube, 'Node'))
    if (computeOf(node) === 'auto' && isNodeReady(node)) served.add(node.metadata.name);
  return new Map(
    pods
      .filter(
        (pod) => !served.has(pod.spec.nodeName) && sourcesOf(kube, pod).some(({ method }) => method === 'pod-identity'),
      )
      .map(({ metadata }) => [metadata.uid, metadata.name]),
  );
};

export class AgentWatch {
  /** The pods without an agent at each read, in order. */
  readonly reads: { call: Call; without: ReadonlyMap<string, string> }[] = [];
  private readonly cluster: ClusterState;

  constructor({ log }: World, cluster: ClusterState) {
    this.cluster = cluster;
    log.onCall((call) => {
      if (call.step === 'verify-pods' && call.operation === 'list pods' && call.status < 300)
        this.reads.push({ call, without: podsWithoutAgent(cluster) });
    });
  }

  /** Returns the pods without an agent now. */
  now(): ReadonlyMap<string, string> {
    return podsWithoutAgent(this.cluster);
  }
}
