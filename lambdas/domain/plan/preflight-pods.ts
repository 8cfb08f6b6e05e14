/**
 * Checks the pods for settings that keep their SDKs from calling the agent, or from getting its answer. The checks read
 * the workload's template, which the webhook does not change, or the pod itself if its workload's kind is not read.
 */
import { notSkipped } from '../verification/pod-identity.ts';
import { isExcepted } from '../verification/proxy.ts';
import { type Container, isMadeByAny } from '../kubernetes/objects.ts';
import { type Check, GUIDE, pass, some, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { AGENT_IPV4, AGENT_IPV6 } from '../network/model.ts';
import type { Facts } from './facts.ts';
import { plannedPods, plannedWorkloads } from './preflight-seen.ts';

/** One container, and its owner, such as `Deployment ebs-csi-controller`. */
interface ContainerSource {
  of: string;
  container: Container;
}

/**
 * Returns the containers of the pods that are to change: from their workload's template, or from the pod itself if its
 * workload's kind is not read.
 */
export function containersOf(facts: Facts, planned: readonly PlannedAssociation[]): ContainerSource[] {
  const pods = plannedPods(facts, planned);
  const workloads = plannedWorkloads(facts, planned);
  const alone = pods.filter((pod) => !isMadeByAny(pod, workloads));
  const each = (of: string, containers: Container[]): ContainerSource[] =>
    containers.map((container) => ({ of, container }));
  return [
    ...workloads.flatMap(({ kind, name, containers, templateAnnotations }) =>
      each(`${kind} ${name}`, notSkipped(containers, templateAnnotations)),
    ),
    ...alone.flatMap(({ name, containers, annotations }) => each(`Pod ${name}`, notSkipped(containers, annotations))),
  ];
}

const listed = (found: readonly { source: ContainerSource; names: string[] }[]): string =>
  some(
    found.map(({ source, names }) => `${names.join(' and ')} in container ${source.container.name} of ${source.of}`),
  );

const having = (
  all: readonly ContainerSource[],
  pick: (source: ContainerSource) => string[],
): { source: ContainerSource; names: string[] }[] =>
  all.map((source) => ({ source, names: pick(source) })).filter(({ names }) => names.length > 0);

const PROXIES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];
const PROXY_SOURCE = `${GUIDE}, "Learn how EKS Pod Identity grants Pods access to AWS services", "EKS Pod Identity considerations"`;

/**
 * Returns the addresses of the agent that a container may call through its proxy. If NO_PROXY and no_proxy are both set, an
 * address must be in both: programs differ in which one they read, and none reads the other then.
 */
function proxied({ container: { env } }: ContainerSource, ipv6: boolean): string[] {
  if (!PROXIES.some((name) => Object.hasOwn(env, name) && env[name] !== '')) return [];
  const exceptions = [env['NO_PROXY'], env['no_proxy']].filter((value) => value !== undefined && value !== '');
  const isDirect = (address: string): boolean =>
    exceptions.length > 0 && exceptions.every((noProxy) => isExcepted(noProxy ?? '', address));
  return [AGENT_IPV4, ...(ipv6 ? [AGENT_IPV6] : [])].filter((address) => !isDirect(address));
}

/**
 * Returns no check if no container has a proxy. In clusters with IPv4 pods, SDKs use only the agent's IPv4 address
 * (awsdocs/amazon-eks-user-guide#1092).
 */
export function checkProxy(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  const all = containersOf(facts, planned);
  const found = having(all, (source) => proxied(source, facts.cluster?.ipv6 ?? false));
  if (found.length > 0) {
    return [
      warn(
        'proxy',
        `Requests to the agent may go through a proxy, which cannot reach it: NO_PROXY lacks ${listed(found)}.`,
        `Add these addresses to NO_PROXY and no_proxy of these containers${facts.request.addon === undefined ? '' : ", through the add-on's configuration values"}: ${AGENT_IPV4},[${AGENT_IPV6}],${AGENT_IPV6}`,
        PROXY_SOURCE,
      ),
    ];
  }
  return all.some(({ container: { env } }) => PROXIES.some((name) => Object.hasOwn(env, name)))
    ? [pass('proxy', 'Requests to the agent bypass the proxy: NO_PROXY has its address.')]
    : [];
}
