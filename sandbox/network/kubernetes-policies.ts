/** What NetworkPolicies determine about a pod's connections to an address outside of the cluster's pods. */
import type { NetworkPolicy, Pod } from '../objects/objects.ts';
import { objectSelector } from '../objects/object-selector.ts';
import type { NetworkPolicySpec } from '../objects/network-policy.ts';
import { coversAddress, type Destination, NO_VERDICT, type Verdict } from './verdict.ts';

type Rule = NonNullable<NetworkPolicySpec['egress']>[number];

/** A named port is a port of a selected pod, so that it never is one of an address. */
const hasPort = ({ ports }: Rule, wanted: number): boolean =>
  ports === undefined ||
  ports.length === 0 ||
  ports.some(
    ({ protocol = 'TCP', port, endPort }) =>
      protocol === 'TCP' &&
      (port === undefined || (typeof port === 'number' && port <= wanted && wanted <= (endPort ?? port))),
  );

/** A rule without peers is for all addresses. Selectors select pods, which an address of the node is not. */
const hasAddress = ({ to }: Rule, address: string, byBlocks: boolean): boolean =>
  to === undefined ||
  to.length === 0 ||
  (byBlocks && to.some(({ ipBlock }) => ipBlock && coversAddress(ipBlock.cidr, ipBlock.except ?? [], address)));

/**
 * Returns what a policy determines. `byBlocks`: whether the address can be matched by `ipBlock` (see
 * `ciliumAgentIdentity`).
 */
export const verdictOfNetworkPolicy = (
  { metadata, spec }: NetworkPolicy,
  pod: Pod,
  { address, port }: Destination,
  byBlocks: boolean,
): Verdict => {
  const selects = metadata.namespace === pod.metadata.namespace && objectSelector(spec.podSelector)(pod);
  if (!selects || spec.policyTypes?.includes('Egress') !== true) return NO_VERDICT;
  const rules = spec.egress ?? [];
  return {
    isolates: true,
    allows: rules.some((rule) => hasPort(rule, port) && hasAddress(rule, address, byBlocks)),
    denies: false,
  };
};
