/**
 * The source from which each container of a pod gets AWS credentials: decided by the pod's spec, as the webhook changed
 * it, and by the container's SDK. Whether the source provides any is decided by EKS Auth and STS (`sessions.ts`).
 */
import type { KubeState } from '../objects/kube-state.ts';
import type { Container, Pod } from '../objects/objects.ts';
import { lookUp } from './chains.ts';
import { environmentOf, tokenAt } from './container-files.ts';
import { POD_IDENTITY_AUDIENCE } from './pod-identity.ts';
import { proxyFor, readsProxies } from './proxies.ts';
import type { Refusal } from './refusal.ts';
import { asksAgent, floorOf, type Sdk } from '../objects/sdks.ts';

/**
 * How a container gets credentials: from the agent of EKS Pod Identity, from STS with a web identity, from another
 * address, from keys in its environment, or from its node's role; `error` if the SDK gives up before it asks anyone.
 */
export type Method = 'pod-identity' | 'irsa' | 'address' | 'error' | 'keys' | 'node-role';

/** A source that EKS Auth or STS is asked for. */
export type AskedSource =
  | {
      method: 'pod-identity';
      /** The address at which the agent is asked, if it is not `AGENT_ADDRESS`. */
      address?: string;
    }
  | { method: 'irsa'; roleArn: string; audiences: string[] };
export type Source =
  | AskedSource
  /** It never provides any, because of the pod's spec or the container's SDK. */
  | { method: 'pod-identity' | 'irsa' | 'address' | 'error'; problem: Refusal };

/** One container's source; undefined with keys or the node's role, which are not the pod's own identity. */
export interface ContainerSource {
  container: string;
  isInit: boolean;
  /** Undefined: not declared. */
  sdk: Sdk | undefined;
  method: Method;
  source: Source | undefined;
}

/** Without a declared SDK, a container is read as most software in clusters: with a recent SDK for Go v2. */
const USUAL = 'go-v2';

const problem = (code: string, message: string): { problem: Refusal } => ({ problem: { code, status: 0, message } });

/** The address at which the agent listens, and the one in IPv6 (EKS User Guide, "Pod Identity: considerations"). */
export const AGENT_ADDRESS = '169.254.170.23';
const AGENTS = new Map([
  [AGENT_ADDRESS, AGENT_ADDRESS],
  ['[fd00:ec2::23]', 'fd00:ec2::23'],
]);

/** Returns the source for the address of container credentials. */
const sourceAt = (
  pod: Pod,
  container: Container,
  { url, tokenFile }: { url: string; tokenFile: string | undefined },
  sdk: Sdk | undefined,
): Source => {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (!address || !AGENTS.has(address.hostname))
    return { method: 'address', ...problem('AddressUnreachable', `GET ${url}: connection refused`) };
  if (sdk && !asksAgent(sdk))
    return {
      method: 'pod-identity',
      ...problem(
        'SdkTooOld',
        `${sdk.name} ${sdk.version} refuses the host ${address.hostname}: supported since ${floorOf(sdk.name)}`,
      ),
    };
  if (address.protocol !== 'http:' || address.port !== '')
    return { method: 'address', ...problem('AddressUnreachable', `GET ${url}: connection refused`) };
  if (address.pathname !== '/v1/credentials')
    return { method: 'address', ...problem('AddressUnreachable', `GET ${url}: 404 page not found`) };
  const audiences = tokenFile === undefined ? undefined : tokenAt(pod, container, tokenFile);
  if (!audiences)
    return { method: 'pod-identity', ...problem('NoToken', `open ${tokenFile ?? 'the token'}: no such file`) };
  if (!audiences.includes(POD_IDENTITY_AUDIENCE))
    return {
      method: 'pod-identity',
      problem: {
        code: 'InvalidTokenException',
        status: 400,
        message: `The token is not for the audience ${POD_IDENTITY_AUDIENCE}.`,
      },
    };
  const asked = AGENTS.get(address.hostname) ?? AGENT_ADDRESS;
  const proxy = readsProxies(sdk?.name ?? USUAL) ? proxyFor(environmentOf(container), asked) : undefined;
  if (proxy !== undefined)
    return {
      method: 'pod-identity',
      ...problem('AgentUnreachable', `GET ${url}: the proxy ${proxy} has no route to ${asked}`),
    };
  return { method: 'pod-identity', ...(asked === AGENT_ADDRESS ? {} : { address: asked }) };
};

const sourceOf = (pod: Pod, container: Container, sdk: Sdk | undefined): { method: Method; source?: Source } => {
  const found = lookUp(environmentOf(container), sdk?.name ?? USUAL);
  if (found.from === 'keys') return { method: 'keys' };
  if (found.from === 'instance') return { method: 'node-role' };
  if (found.from === 'error')
    return { method: 'error', source: { method: 'error', ...problem(found.code, found.message) } };
  if (found.from === 'container') {
    const source = sourceAt(pod, container, found, sdk);
    return { method: source.method, source };
  }
  const audiences = tokenAt(pod, container, found.tokenFile);
  const source: Source = audiences
    ? { method: 'irsa', roleArn: found.roleArn, audiences }
    : { method: 'irsa', ...problem('NoToken', `open ${found.tokenFile}: no such file`) };
  return { method: 'irsa', source };
};

/** Returns the declared SDK of a container; undefined if it has another image by now. */
const sdkOf = ({ sdks }: KubeState, pod: Pod, { name, image }: Container): Sdk | undefined => {
  const declared = sdks.get(pod.metadata.uid)?.get(name);
  return declared?.image === image ? declared.sdk : undefined;
};

const known = new WeakMap<Pod, readonly ContainerSource[]>();

/**
 * Returns the source of each container of a pod, init containers first. The result is cached, because a pod's
 * environment and images never change.
 */
export const containerSourcesOf = (kube: KubeState, pod: Pod): readonly ContainerSource[] => {
  const read = known.get(pod);
  if (read) return read;
  const { initContainers = [], containers } = pod.spec;
  const sources = [...initContainers, ...containers].map((container, index): ContainerSource => {
    const sdk = sdkOf(kube, pod, container);
    return {
      container: container.name,
      isInit: index < initContainers.length,
      sdk,
      source: undefined,
      ...sourceOf(pod, container, sdk),
    };
  });
  known.set(pod, sources);
  return sources;
};

const distinct = new WeakMap<readonly ContainerSource[], readonly Source[]>();

/**
 * Returns the sources that a pod's containers use, without duplicates; empty for a pod with keys or the node's role.
 * Init containers, which have ended in a pod that runs, do not count.
 */
export const sourcesOf = (kube: KubeState, pod: Pod): readonly Source[] => {
  const all = containerSourcesOf(kube, pod);
  const read = distinct.get(all);
  if (read) return read;
  const found = new Map<string, Source>();
  for (const { isInit, source } of all) if (source && !isInit) found.set(JSON.stringify(source), source);
  const sources = [...found.values()];
  distinct.set(all, sources);
  return sources;
};
