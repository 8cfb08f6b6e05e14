/**
 * Checks the pods for settings that keep their SDKs from calling the agent, or from getting its answer. The checks read
 * the workload's template, which the webhook does not change, or the pod itself if its workload's kind is not read.
 */
import { notSkipped } from '../verification/pod-identity.ts';
import { type Container, isMadeBy } from '../kubernetes/objects.ts';
import type { Check, PlannedAssociation } from '../migration/model.ts';
import { holds, readIpRange } from '../policy/index.ts';
import { fail, GUIDE, pass, some, warn } from './check.ts';
import type { Facts } from './facts.ts';
import { plannedPods } from './preflight-seen.ts';

/** One container, and its owner, such as `Deployment ebs-csi-controller`. */
interface ContainerSource {
  of: string;
  container: Container;
  /** Whether the webhook may have changed it, which it does in a pod but not in a template. */
  mutated: boolean;
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
  const each = (of: string, containers: Container[], mutated: boolean): ContainerSource[] =>
    containers.map((container) => ({ of, container, mutated }));
  return [
    ...workloads.flatMap(({ kind, name, containers, templateAnnotations }) =>
      each(`${kind} ${name}`, notSkipped(containers, templateAnnotations), false),
    ),
    ...alone.flatMap(({ name, containers, annotations }) =>
      each(`Pod ${name}`, notSkipped(containers, annotations), true),
    ),
  ];
}

const CHAIN =
  'AWS SDKs and Tools Reference Guide, "Standardized credential providers"; github.com/aws/amazon-eks-pod-identity-webhook, pkg/handler';

/** Variables that take precedence over the agent: static keys, web identity, and credentials files. */
const STATIC = 'AWS_ACCESS_KEY_ID';
const OVERRIDING = [STATIC, 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN'];
/** If a container has one of these variables, the webhook adds neither. */
const OF_AGENT = ['AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
/** The webhook never sets this variable, and SDKs try it before the agent. */
const RELATIVE_URI = 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI';
const FILES = ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_PROFILE'];
/** Variables that the webhook itself adds to pods. */
const BY_WEBHOOK = new Set(['AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN', ...OF_AGENT]);

const setIn = ({ container, mutated }: ContainerSource, names: readonly string[]): string[] =>
  names.filter((name) => Object.hasOwn(container.env, name) && !(mutated && BY_WEBHOOK.has(name)));
const isOptional = ({ container }: ContainerSource, name: string): boolean =>
  container.optionalEnv?.includes(name) === true;

const listed = (found: readonly { source: ContainerSource; names: string[] }[]): string =>
  some(
    found.map(({ source, names }) => `${names.join(' and ')} in container ${source.container.name} of ${source.of}`),
  );

const having = (
  all: readonly ContainerSource[],
  pick: (source: ContainerSource) => string[],
): { source: ContainerSource; names: string[] }[] =>
  all.map((source) => ({ source, names: pick(source) })).filter(({ names }) => names.length > 0);

export function checkStaticCredentials(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  const id = 'static-credentials';
  if (!facts.pods) return [];
  const all = containersOf(facts, planned);
  const hard = having(all, (source) =>
    setIn(source, [...OVERRIDING, ...OF_AGENT, RELATIVE_URI]).filter((name) => !isOptional(source, name)),
  );
  if (hard.length > 0) {
    return [
      fail(
        id,
        `The pods set the source of their AWS credentials themselves: ${listed(hard)}. They would keep using it instead of EKS Pod Identity.`,
        "Remove these variables from the add-on's configuration values (or from the workload), and plan again: EKS's webhook sets the variables that are needed.",
        CHAIN,
      ),
    ];
  }
  const soft = having(all, (source) => [
    ...setIn(source, OVERRIDING).filter((name) => isOptional(source, name)),
    ...setIn(source, FILES),
  ]);
  if (soft.length > 0) {
    return [
      warn(
        id,
        `Other AWS credentials, if they exist, would take precedence over those of EKS Pod Identity: ${listed(soft)}.`,
        'Variables from an optional Secret are set only if the Secret exists, and the service reads no Secrets: check whether it exists (kubectl get secrets). For files, check whether the image or a volume has them.',
        CHAIN,
      ),
    ];
  }
  return [pass(id, 'No container of these pods sets AWS credentials in its environment.')];
}

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
