/**
 * Checks the pods for settings that keep their SDKs from calling the agent, or from getting its answer. The checks read
 * the workload's template, which the webhook does not change, or the pod itself if its workload's kind is not read.
 */
import { notSkipped } from '../verification/pod-identity.ts';
import { type Container, isMadeBy } from '../kubernetes/objects.ts';
import type { Check, PlannedAssociation } from '../migration/model.ts';
import { holds, readIpRange } from '../policy/index.ts';
import { GUIDE, pass, some, warn } from './check.ts';
import type { Facts } from './facts.ts';
import { plannedPods } from './preflight-seen.ts';

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
  const accounts = new Set(planned.map((one) => one.serviceAccount));
  const workloads = (facts.workloads ?? []).filter((workload) => accounts.has(workload.serviceAccount));
  const alone = pods.filter((pod) => !workloads.some((workload) => isMadeBy(pod, workload)));
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
const AGENT_IPV4 = '169.254.170.23';
const AGENT_IPV6 = 'fd00:ec2::23';
const PROXY_SOURCE = `${GUIDE}, "Learn how EKS Pod Identity grants Pods access to AWS services", "EKS Pod Identity considerations"`;

/** Returns whether a list such as NO_PROXY includes an address: literally, in a range, or by `*`. */
function lists(noProxy: string, address: string): boolean {
  const wanted = readIpRange(address);
  return noProxy.split(/[\s,]+/).some((entry) => {
    const range = readIpRange(entry.replace(/^\[(.*)\]$/, '$1'));
    return entry === '*' || (wanted !== undefined && range !== undefined && holds(range, wanted));
  });
}

/** Returns the addresses of the agent that a container would call through its proxy. */
function proxied({ container: { env } }: ContainerSource, ipv6: boolean): string[] {
  if (!PROXIES.some((name) => Object.hasOwn(env, name) && env[name] !== '')) return [];
  const noProxy = [env['NO_PROXY'], env['no_proxy']].filter((value) => value !== undefined).join(',');
  return [AGENT_IPV4, ...(ipv6 ? [AGENT_IPV6] : [])].filter((address) => !lists(noProxy, address));
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
        `Requests to the agent would go through a proxy, which cannot reach it: NO_PROXY lacks ${listed(found)}.`,
        `Add both addresses to NO_PROXY and no_proxy of these containers, through the add-on's configuration values: ${AGENT_IPV4},[${AGENT_IPV6}]`,
        PROXY_SOURCE,
      ),
    ];
  }
  return all.some(({ container: { env } }) => PROXIES.some((name) => Object.hasOwn(env, name)))
    ? [pass('proxy', 'Requests to the agent bypass the proxy: NO_PROXY has its address.')]
    : [];
}

/**
 * Environment and token show that the webhook has changed the pod, but no API shows whether the SDK in the image supports
 * them. For EKS add-ons their configuration shows it; for other images only their authors know.
 */
export function checkSdk(facts: Facts, planned: readonly PlannedAssociation[]): Check {
  const images = [...new Set(containersOf(facts, planned).map(({ container }) => container.image))];
  const which = images.length > 0 ? some(images) : 'the pods';
  return warn(
    'aws-sdk-version',
    `It cannot be checked from outside whether the AWS SDKs in ${which} support EKS Pod Identity. An older SDK finds no credentials, although its pod has them.`,
    'Check with the owners of the images. Minimum versions: Java 2.21.30, Go v1 1.47.11, Go v2 of 2023-11-14, boto3 and botocore 1.34.41, JavaScript v3 3.458.0, .NET 3.7.734.0, PHP 3.287.1, Ruby 3.188.0, Rust of 2024-03-13, C++ 1.11.263, Kotlin 1.0.1, AWS CLI 2.15.0 or 1.30.0.',
    `${GUIDE}, "Use pod identity with the AWS SDK"`,
  );
}
