/**
 * Evaluates CiliumNetworkPolicies and CiliumClusterwideNetworkPolicies (cilium.io/v2) for the requests of a pod to the
 * agent. Cilium counts the agent's address as a part of the pod's own node, the entity `host`: observed with 1.14 and 1.15
 * (cilium/cilium#34387, #35989) and in June 2026 (Smana/runlore#57). Version 1.16 counted it as `world` in some clusters
 * (#35989), and an option makes ranges match nodes (`policy-cidr-match-mode`). A rule for ranges or for the world is
 * therefore neither a permission nor none. Source: Cilium documentation, "Layer 3 Policies", "Layer 4 Policies", "Policy
 * Enforcement Modes".
 */
import { z } from 'zod';
import { all, any, type Truth } from '../policy/index.ts';
import { AGENT_PORT, type PolicyEffect, type PolicySubject, parsedOnce, unreadable } from './model.ts';
import { rangeHas } from './network-policy.ts';
import { labelSelector, lookUpLabel, matchesLabels, type LabelLookup, type LabelSelector } from './selectors.ts';

const listOf = <T extends z.ZodType>(item: T) => z.array(item).nullish();
const rule = z.looseObject({
  toEndpoints: listOf(labelSelector),
  toEntities: listOf(z.string()),
  toCIDR: listOf(z.string()),
  toCIDRSet: listOf(z.looseObject({ cidr: z.string().nullish(), except: listOf(z.string()) })),
  toFQDNs: listOf(z.unknown()),
  toServices: listOf(z.unknown()),
  toGroups: listOf(z.unknown()),
  toNodes: listOf(z.unknown()),
  toPorts: listOf(
    z.looseObject({
      ports: listOf(
        z.looseObject({
          port: z.union([z.string(), z.number()]).nullish(),
          endPort: z.number().nullish(),
          protocol: z.string().nullish(),
        }),
      ),
      rules: z.record(z.string(), z.unknown()).nullish(),
    }),
  ),
  icmps: listOf(z.unknown()),
});
/** One specification of a policy, as far as it is evaluated. */
export const ciliumSpec = z.looseObject({
  endpointSelector: labelSelector.nullish(),
  nodeSelector: labelSelector.nullish(),
  egress: listOf(rule),
  egressDeny: listOf(rule),
  enableDefaultDeny: z.looseObject({ egress: z.boolean().nullish() }).nullish(),
});
const ciliumPolicy = z.looseObject({ spec: ciliumSpec.nullish(), specs: listOf(ciliumSpec) });
const parse = parsedOnce((object) => ciliumPolicy.safeParse(object));
type Rule = z.infer<typeof rule>;
type Spec = z.infer<typeof ciliumSpec>;

const ENTITIES: Readonly<Record<string, Truth>> = {
  all: 'yes',
  cluster: 'yes',
  host: 'yes',
  world: 'unknown',
  'world-ipv4': 'unknown',
  'world-ipv6': 'unknown',
};

const isReserved = (key: string): boolean => /^reserved[:.]/.test(key);

/**
 * Returns whether a selector of endpoints names the node itself by its reserved label. Without a reserved label it matches
 * only endpoints with a namespace, which the node has not. Source: cilium/cilium, pkg/k8s/apis/cilium.io/utils.
 */
function namesHost({ matchLabels, matchExpressions }: z.infer<typeof labelSelector>): Truth {
  const labels = Object.keys(matchLabels ?? {});
  const expressions = matchExpressions ?? [];
  if (![...labels, ...expressions.map(({ key }) => key)].some(isReserved)) return 'no';
  const isHostAlone = expressions.length === 0 && labels.every((key) => /^reserved[:.]host$/.test(key));
  return isHostAlone ? 'yes' : 'unknown';
}

/** Returns whether the destination of a rule is the agent; undefined if the rule names no destination. */
function reachesAgent(one: Rule, address: string): Truth | undefined {
  const { toEndpoints, toEntities, toCIDR, toCIDRSet, toFQDNs, toServices, toGroups, toNodes } = one;
  const given = [toEndpoints, toEntities, toCIDR, toCIDRSet, toFQDNs, toServices, toGroups, toNodes];
  if (given.every((list) => list === undefined || list === null)) return undefined;
  // Whether empty lists match nothing or everything differs between the parts and the versions of Cilium.
  if (given.every((list) => (list ?? []).length === 0)) return 'unknown';
  return any([
    ...(toEndpoints ?? []).map(namesHost),
    ...(toEntities ?? []).map((entity) => (Object.hasOwn(ENTITIES, entity) ? (ENTITIES[entity] ?? 'no') : 'no')),
    ...(toCIDR ?? []).map((cidr): Truth => (rangeHas(cidr, [], address) ? 'unknown' : 'no')),
    // A group of ranges is another object.
    ...(toCIDRSet ?? []).map(({ cidr, except }): Truth =>
      cidr === undefined || cidr === null || rangeHas(cidr, except ?? [], address) ? 'unknown' : 'no',
    ),
    ...(toNodes ?? []).map((): Truth => 'unknown'),
  ]);
}

type PortRule = NonNullable<Rule['toPorts']>[number];

function hasPort({ port, endPort, protocol }: NonNullable<PortRule['ports']>[number]): boolean {
  if (!['TCP', 'ANY'].includes((protocol ?? 'ANY').toUpperCase())) return false;
  const text = String(port ?? '');
  // A port with a name is one of the destination's containers, which the node does not have.
  if (!/^\d*$/.test(text)) return false;
  const from = Number(text);
  return from === 0 || (from <= AGENT_PORT && AGENT_PORT <= Math.max(from, endPort ?? 0));
}

/** Rules for the content of requests, such as HTTP paths, are not evaluated. */
const reachesPort = ({ ports, rules }: PortRule): Truth => {
  if (ports && ports.length > 0 && !ports.some(hasPort)) return 'no';
  return Object.values(rules ?? {}).some((content) => content !== null) ? 'unknown' : 'yes';
};

/** An empty rule matches nothing, and a rule with ports alone matches them at every destination. */
function matchesAgent(one: Rule, address: string): Truth {
  const { toPorts, icmps } = one;
  const destination = reachesAgent(one, address);
  if (toPorts && toPorts.length > 0) return all([destination ?? 'yes', any(toPorts.map(reachesPort))]);
  return icmps && icmps.length > 0 ? 'no' : (destination ?? 'no');
}

const NAMESPACE_LABELS = 'io.cilium.k8s.namespace.labels.';

/**
 * Returns the labels of a pod as Cilium has them: with those for its namespace and its service account. The labels of the
 * namespace, and the name of the cluster, are not read. Source: Cilium documentation, "Using Kubernetes Constructs In
 * Policy".
 */
function lookUpEndpoint({ namespace, serviceAccount, labels }: PolicySubject): LabelLookup {
  const pod = lookUpLabel(labels);
  return (key) => {
    const [, source, name = ''] = /^(?:([a-z0-9-]+):)?(.*)$/.exec(key) ?? [];
    if (source === 'reserved') return { value: undefined };
    if (source !== undefined && source !== 'k8s' && source !== 'any') return 'unknown';
    if (name === 'io.kubernetes.pod.namespace') return { value: namespace };
    if (name === 'io.cilium.k8s.policy.serviceaccount') return { value: serviceAccount };
    if (name === `${NAMESPACE_LABELS}kubernetes.io/metadata.name`) return { value: namespace };
    if (name.startsWith(NAMESPACE_LABELS) || name === 'io.cilium.k8s.policy.cluster') return 'unknown';
    return pod(name);
  };
}

/** Returns the selector without a namespace that Cilium replaces: a policy with a namespace is for the pods of that one. */
function withoutNamespace({ matchLabels, ...selector }: LabelSelector): LabelSelector {
  const labels = Object.entries(matchLabels ?? {}).filter(([key]) => key !== 'k8s:io.kubernetes.pod.namespace');
  return { ...selector, matchLabels: Object.fromEntries(labels) };
}

/** A policy isolates if it has rules for egress, and does not state otherwise. */
function effectOf(
  one: Spec,
  subject: PolicySubject,
  isNamespaced: boolean,
  address: string,
): Omit<PolicyEffect, 'name'> {
  const { endpointSelector, nodeSelector, egress, egressDeny, enableDefaultDeny } = one;
  const [allowed, denied] = [egress ?? [], egressDeny ?? []];
  // With a selector of nodes alone it is a policy for nodes.
  const selects = endpointSelector
    ? matchesLabels(isNamespaced ? withoutNamespace(endpointSelector) : endpointSelector, lookUpEndpoint(subject))
    : nodeSelector
      ? 'no'
      : 'unknown';
  if (selects === 'no') return { selects, isolates: false, allows: 'no', denies: 'no' };
  return {
    selects,
    isolates: enableDefaultDeny?.egress ?? allowed.length + denied.length > 0,
    allows: any(allowed.map((each) => matchesAgent(each, address))),
    denies: any(denied.map((each) => matchesAgent(each, address))),
  };
}

/**
 * Returns what a policy of Cilium, cluster-wide or of the pod's namespace, does to the pod's requests: the effect of each
 * of its rules.
 */
export function ciliumEffects(
  { name, object: policy, namespace }: { name: string; object: unknown; namespace?: string },
  subject: PolicySubject,
  address: string,
): PolicyEffect[] {
  const parsed = parse(policy);
  if (!parsed.success) return [unreadable(name)];
  const { spec: one, specs } = parsed.data;
  return [...(one ? [one] : []), ...(specs ?? [])].map((each) => ({
    name,
    ...effectOf(each, subject, namespace !== undefined, address),
  }));
}
