/** Network policies as far as they decide whether pods can reach the Pod Identity agent (ADR 81). */
import type { Truth } from '../policy/index.ts';

/** The addresses of the agent on each node. Source: EKS User Guide, "EKS Pod Identity considerations". */
export const AGENT_IPV4 = '169.254.170.23';
export const AGENT_IPV6 = 'fd00:ec2::23';
export const AGENT_PORT = 80;

/** Returns the address that the SDKs in a cluster's pods call: the one that the webhook injects. */
export const agentAddress = (ipv6: boolean): string => (ipv6 ? AGENT_IPV6 : AGENT_IPV4);

/** A pod, or the template of pods to come, as policies select it. */
export interface PolicySubject {
  namespace: string;
  serviceAccount: string;
  /** Absent if they are not known, as of pods that nothing shows before they exist. */
  labels?: Readonly<Record<string, string>>;
}

/** What one policy, or one of its parts, does to the requests of one pod to the agent if it selects the pod. */
export interface PolicyEffect {
  /** The name in messages and in requests: `KIND/NAMESPACE/NAME`, or `KIND/NAME` for a cluster-scoped policy. */
  name: string;
  selects: Truth;
  /** Whether the pod may send only what some policy allows. */
  isolates: boolean;
  allows: Truth;
  /** Whether it forbids the requests, whatever other policies allow. */
  denies: Truth;
}

/** Returns the effect of a policy that cannot be read: it may cut off every pod, and may as well not. */
export const unreadable = (name: string): PolicyEffect => ({
  name,
  selects: 'unknown',
  isolates: true,
  allows: 'unknown',
  denies: 'no',
});

/**
 * Returns a function that parses an object once, however many pods it is evaluated for: a namespace may have thousands of
 * policies and of pods.
 */
export function parsedOnce<T>(parse: (object: unknown) => T): (object: unknown) => T {
  const known = new WeakMap<object, T>();
  return (object) => {
    if (typeof object !== 'object' || object === null) return parse(object);
    const found = known.get(object) ?? parse(object);
    known.set(object, found);
    return found;
  };
}

/** Software that enforces network policies, apart from the VPC CNI. */
export type PolicyEngine = 'cilium' | 'calico';

/** A resource that is read to find out whether pods can reach the agent. */
export interface NetworkResource {
  group: string;
  plural: string;
  /** Versions that the service can read, the preferred one first. */
  versions: readonly string[];
  /** Whether only the namespace of the pods is read. */
  namespaced: boolean;
  /** Why it is read: a clause for the access that is granted. */
  why: string;
}

const POLICIES = 'whether network policies keep the pods from the Pod Identity agent';

export const NETWORK_RESOURCES: readonly NetworkResource[] = [
  { group: 'networking.k8s.io', plural: 'networkpolicies', versions: ['v1'], namespaced: true, why: POLICIES },
  { group: 'cilium.io', plural: 'ciliumnetworkpolicies', versions: ['v2'], namespaced: true, why: POLICIES },
  {
    group: 'cilium.io',
    plural: 'ciliumclusterwidenetworkpolicies',
    versions: ['v2'],
    namespaced: false,
    why: POLICIES,
  },
  {
    group: 'karpenter.sh',
    plural: 'nodepools',
    versions: ['v1', 'v1beta1'],
    namespaced: false,
    why: 'whether the Pod Identity agent tolerates the taints of nodes to come',
  },
];

/** What was read of a cluster to find out whether pods can reach the agent. */
export interface NetworkFacts {
  /** Objects as the API server has them, by `plural.group`. Resources that it does not serve are missing. */
  objects: Readonly<Record<string, readonly unknown[]>>;
  /** Resources that could not be read, by the same name, with the reason. */
  unread: readonly { resource: string; error: string }[];
  /** Engines whose resources the API server serves. */
  engines: readonly PolicyEngine[];
  /**
   * Whether the configuration of the add-on vpc-cni enables network policies. Absent if it was not read, since nothing
   * depends on it, or if that add-on is not installed.
   */
  vpcCni?: 'enforces' | 'ignores';
}
