/**
 * Evaluates NetworkPolicies of networking.k8s.io/v1 for the requests of a pod to the agent. Source: Kubernetes API
 * reference, NetworkPolicy.
 */
import { z } from 'zod';
import { holds, readIpRange, any, type Truth } from '../policy/index.ts';
import { AGENT_PORT, type PolicyEffect, type PolicySubject, parsedOnce, unreadable } from './model.ts';
import { labelSelector, lookUpLabel, matchesLabels } from './selectors.ts';

const listOf = <T extends z.ZodType>(item: T) => z.array(item).nullish();
const peer = z.looseObject({
  ipBlock: z.looseObject({ cidr: z.string(), except: listOf(z.string()) }).nullish(),
});
const port = z.looseObject({
  protocol: z.string().nullish(),
  port: z.union([z.number(), z.string()]).nullish(),
  endPort: z.number().nullish(),
});
const egressRule = z.looseObject({ to: listOf(peer), ports: listOf(port) });
const networkPolicy = z.looseObject({
  spec: z.looseObject({
    podSelector: labelSelector.nullish(),
    policyTypes: listOf(z.string()),
    egress: listOf(egressRule),
  }),
});
const parse = parsedOnce((object) => networkPolicy.safeParse(object));
type Rule = z.infer<typeof egressRule>;

/** Where the requests go, and whether a range of addresses can match it. */
export interface AgentTarget {
  address: string;
  /**
   * What a range that has the address means: `yes` for the VPC CNI and Calico; `unknown` for Cilium, which treats the
   * agent as a part of its node, and matches no range with nodes unless it is configured so (cilium/cilium#34387).
   */
  byRange: Exclude<Truth, 'no'>;
}

/** Returns whether a range has the agent's address. A range that cannot be read has none. */
export function rangeHas(cidr: string, except: readonly string[], address: string): boolean {
  const wanted = readIpRange(address);
  const has = (text: string): boolean => {
    const range = readIpRange(text);
    return range !== undefined && wanted !== undefined && holds(range, wanted);
  };
  return has(cidr) && !except.some(has);
}

/** The agent is not a pod, so that selectors of pods and namespaces never match it. */
const reachesPeer = ({ ipBlock }: z.infer<typeof peer>, { address, byRange }: AgentTarget): Truth =>
  ipBlock && rangeHas(ipBlock.cidr, ipBlock.except ?? [], address) ? byRange : 'no';

/** A named port is one of the pods that the rule names, and the agent is none of them. */
function hasPort({ protocol, port: from, endPort }: z.infer<typeof port>): boolean {
  if ((protocol ?? 'TCP') !== 'TCP') return false;
  if (from === undefined || from === null) return true;
  return typeof from === 'number' && from <= AGENT_PORT && AGENT_PORT <= (endPort ?? from);
}

function allowsAgent({ to, ports }: Rule, target: AgentTarget): Truth {
  if (ports && ports.length > 0 && !ports.some(hasPort)) return 'no';
  return to && to.length > 0 ? any(to.map((one) => reachesPeer(one, target))) : 'yes';
}

/** Returns what a NetworkPolicy of the pod's namespace does to the pod's requests. */
export function networkPolicyEffect(
  name: string,
  policy: unknown,
  { labels }: PolicySubject,
  target: AgentTarget,
): PolicyEffect {
  const parsed = parse(policy);
  if (!parsed.success) return unreadable(name);
  const { podSelector, policyTypes, egress } = parsed.data.spec;
  const rules = egress ?? [];
  // The API server sets policyTypes like this, if an object has none.
  const types = policyTypes && policyTypes.length > 0 ? policyTypes : rules.length > 0 ? ['Egress'] : [];
  const selects = types.includes('Egress') ? matchesLabels(podSelector ?? {}, lookUpLabel(labels)) : 'no';
  if (selects === 'no') return { name, selects, isolates: false, allows: 'no', denies: 'no' };
  return {
    name,
    selects,
    isolates: true,
    allows: any(rules.map((rule) => allowsAgent(rule, target))),
    denies: 'no',
  };
}
