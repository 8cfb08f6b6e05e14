/**
 * What CiliumNetworkPolicies and CiliumClusterwideNetworkPolicies determine about a pod's connections to the Pod Identity
 * agent. Source: Cilium documentation, "Layer 3 Policies", "Layer 4 Policies", "Deny Policies", "Policy Enforcement
 * Modes"; cilium.io/v2, Rule.
 */
import { z } from 'zod';
import type { KubeObject, Pod } from '../objects/objects.ts';
import { objectSelector } from '../objects/object-selector.ts';
import { labelSelector } from '../objects/network-policy.ts';
import { coversAddress, type Destination, NO_VERDICT, type Verdict } from './verdict.ts';

/** How Cilium identifies an address that is no pod's: as one of the node itself, or as one outside of the cluster. */
export type Identity = 'host' | 'world';

const list = <T extends z.ZodType>(item: T) => z.array(item).nullish();
const http = z.looseObject({ method: z.string().nullish(), path: z.string().nullish() });
const portRule = z.looseObject({
  ports: list(
    z.looseObject({
      port: z.union([z.string(), z.number()]).transform(String).nullish(),
      endPort: z.number().nullish(),
      protocol: z.string().nullish(),
    }),
  ),
  rules: z.looseObject({ http: list(http) }).nullish(),
});
/** An absent part, null and an empty list mean the same: no such part. */
const egressRule = z.looseObject({
  toEndpoints: list(labelSelector.loose()),
  toEntities: list(z.string()),
  toCIDR: list(z.string()),
  toCIDRSet: list(z.looseObject({ cidr: z.string().nullish(), except: list(z.string()) })),
  toPorts: list(portRule),
  icmps: list(z.unknown()),
});
const rule = z.looseObject({
  endpointSelector: labelSelector.loose().nullish(),
  egress: list(egressRule),
  egressDeny: list(egressRule),
  enableDefaultDeny: z.looseObject({ egress: z.boolean().nullish() }).nullish(),
});
type Rule = z.infer<typeof rule>;
type EgressRule = z.infer<typeof egressRule>;

/** The request of an SDK for credentials. */
const REQUEST = { method: 'GET', path: '/v1/credentials' };

const NAMESPACE = 'io.kubernetes.pod.namespace';

/** Returns the labels that Cilium gives a pod, without those of its namespace's labels' source. */
const labelsOf = ({ metadata, spec }: Pod, namespaceLabels: Record<string, string>): Record<string, string> => ({
  ...metadata.labels,
  [NAMESPACE]: metadata.namespace ?? 'default',
  'io.cilium.k8s.policy.serviceaccount': spec.serviceAccountName ?? 'default',
  ...Object.fromEntries(
    Object.entries(namespaceLabels).map(([label, value]) => [`io.cilium.k8s.namespace.labels.${label}`, value]),
  ),
});

/** Removes the source from a label's key: pods have labels of the source `k8s`, and `any` is every source. */
const bare = (key: string): string => key.replace(/^(k8s|any)[:.](?=.)/, '');

type Selector = NonNullable<Rule['endpointSelector']>;
const unprefixed = ({ matchLabels = {}, matchExpressions = [] }: Selector): Selector => ({
  matchLabels: Object.fromEntries(Object.entries(matchLabels).map(([key, value]) => [bare(key), value])),
  matchExpressions: matchExpressions.map((each) => ({ ...each, key: bare(each.key) })),
});

const selects = (selector: Selector, labels: Record<string, string>): boolean => {
  const { matchLabels = {}, matchExpressions = [] } = unprefixed(selector);
  return objectSelector({
    matchLabels,
    matchExpressions: matchExpressions.map(({ key, operator, values }) => ({
      key,
      operator,
      ...(values === undefined ? {} : { values }),
    })),
  })({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: '', uid: '', resourceVersion: '', creationTimestamp: '', labels },
  });
};

const ENTITIES: Record<Identity, (family: 4 | 6) => readonly string[]> = {
  host: () => ['all', 'host', 'cluster'],
  world: (family) => ['all', 'world', `world-ipv${family}`],
};

/** Returns whether a selector of endpoints selects the identity, which only a label of the source `reserved` does. */
const selectsReserved = ({ matchLabels = {}, matchExpressions = [] }: Selector, identity: Identity): boolean => {
  const keys = [`reserved:${identity}`, `reserved.${identity}`];
  return (
    Object.keys(matchLabels).length + matchExpressions.length > 0 &&
    Object.keys(matchLabels).every((key) => keys.includes(key)) &&
    matchExpressions.every(({ key, operator }) => operator === 'Exists' && keys.includes(key))
  );
};

/** Parts of a rule that name destinations; those that are missing below never are the agent's address. */
const DESTINATIONS = [
  'toEndpoints',
  'toEntities',
  'toCIDR',
  'toCIDRSet',
  'toFQDNs',
  'toServices',
  'toGroups',
  'toNodes',
];

const isGiven = (part: unknown): boolean => Array.isArray(part) && part.length > 0;

const hasAddress = (each: EgressRule, { address }: Destination, identity: Identity): boolean => {
  const family = address.includes(':') ? 6 : 4;
  // Addresses of nodes are identified by what they are, never by blocks of addresses.
  const byBlocks = identity === 'world';
  return (
    each.toEntities?.some((entity) => ENTITIES[identity](family).includes(entity)) === true ||
    each.toEndpoints?.some((selector) => selectsReserved(selector, identity)) === true ||
    (byBlocks &&
      (each.toCIDR?.some((cidr) => coversAddress(cidr, [], address)) === true ||
        each.toCIDRSet?.some(({ cidr, except }) => cidr && coversAddress(cidr, except ?? [], address)) === true))
  );
};

const isWhole = (pattern: string | null | undefined, text: string): boolean =>
  !pattern || new RegExp(`^(?:${pattern})$`).test(text);

const hasPort = ({ ports, rules }: z.infer<typeof portRule>, wanted: number): boolean =>
  (!isGiven(ports) ||
    ports?.some(
      ({ port, endPort, protocol }) =>
        ['TCP', 'ANY'].includes((protocol || 'ANY').toUpperCase()) &&
        (Number(port ?? 0) === 0 || (Number(port) <= wanted && wanted <= Math.max(endPort ?? 0, Number(port)))),
    ) === true) &&
  (!isGiven(rules?.http) ||
    rules?.http?.some(({ method, path }) => isWhole(method, REQUEST.method) && isWhole(path, REQUEST.path)) === true);

/** Returns whether a rule is for the destination. An empty rule is for none, one with ports alone for all addresses. */
const isFor = (each: EgressRule, destination: Destination, identity: Identity): boolean => {
  const hasDestinations = DESTINATIONS.some((part) => isGiven(each[part]));
  if (!hasDestinations && !isGiven(each.toPorts)) return false;
  if (isGiven(each.icmps)) return false;
  return (
    (!hasDestinations || hasAddress(each, destination, identity)) &&
    (!isGiven(each.toPorts) || each.toPorts?.some((ports) => hasPort(ports, destination.port)) === true)
  );
};

/** The rules of a policy: `spec`, and those of `specs`. A rule that the schema does not know has no effect. */
const rulesOf = ({ spec, ...policy }: KubeObject): Rule[] =>
  [spec, ...(Array.isArray(policy['specs']) ? (policy['specs'] as unknown[]) : [])].flatMap((each) => {
    const parsed = rule.safeParse(each);
    return parsed.success ? [parsed.data] : [];
  });

const verdictOfRule = (
  { endpointSelector, egress, egressDeny, enableDefaultDeny }: Rule,
  labels: Record<string, string>,
  destination: Destination,
  identity: Identity,
): Verdict => {
  // Without it, a rule is for nodes (`nodeSelector`).
  if (!endpointSelector || !selects(endpointSelector, labels)) return NO_VERDICT;
  if (!isGiven(egress) && !isGiven(egressDeny)) return { ...NO_VERDICT, isolates: enableDefaultDeny?.egress === true };
  return {
    isolates: enableDefaultDeny?.egress ?? true,
    allows: egress?.some((each) => isFor(each, destination, identity)) === true,
    denies: egressDeny?.some((each) => isFor(each, destination, identity)) === true,
  };
};

/**
 * Removes the namespace that the selector of a namespaced policy names: Cilium replaces it by the policy's own (parseToCiliumRule:
 * "removing illegal namespace match").
 */
const inOwnNamespace = ({ endpointSelector, ...others }: Rule): Rule => {
  if (!endpointSelector) return others;
  const { [`k8s:${NAMESPACE}`]: _, ...matchLabels } = endpointSelector.matchLabels ?? {};
  return { ...others, endpointSelector: { ...endpointSelector, matchLabels } };
};

/** Returns what each rule of a policy determines. A policy with a namespace is for the pods of that namespace. */
export const verdictsOfCiliumPolicy = (
  policy: KubeObject,
  pod: Pod,
  namespaceLabels: Record<string, string>,
  destination: Destination,
  identity: Identity,
): Verdict[] => {
  const { namespace } = policy.metadata;
  if (namespace !== undefined && namespace !== pod.metadata.namespace) return [];
  const labels = labelsOf(pod, namespaceLabels);
  const rules = namespace === undefined ? rulesOf(policy) : rulesOf(policy).map(inOwnNamespace);
  return rules.map((each) => verdictOfRule(each, labels, destination, identity));
};
