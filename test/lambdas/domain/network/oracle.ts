/**
 * A second opinion on NetworkPolicies, written from the text of the Kubernetes API reference alone: it lists every
 * connection that the policies of a pod allow among a few addresses and ports, and looks the agent's up.
 */
interface Policy {
  spec: {
    podSelector: {
      matchLabels?: Record<string, string>;
      matchExpressions?: { key: string; operator: string; values?: string[] }[];
    };
    policyTypes?: string[];
    egress?: {
      to?: { ipBlock?: { cidr: string; except?: string[] }; podSelector?: object; namespaceSelector?: object }[];
      ports?: { protocol?: string; port?: number | string; endPort?: number }[];
    }[];
  };
}
export type OraclePolicy = Policy;

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];
const PORTS = [1, 53, 79, 80, 81, 443, 8080];

const bitsOf = (address: string): string =>
  address
    .split('.')
    .map((octet) => Number(octet).toString(2).padStart(8, '0'))
    .join('');
const isIn = (address: string, cidr: string): boolean => {
  const [network = '', length = ''] = cidr.split('/');
  return bitsOf(address).slice(0, Number(length)) === bitsOf(network).slice(0, Number(length));
};

const selects = (
  { matchLabels = {}, matchExpressions = [] }: Policy['spec']['podSelector'],
  labels: Record<string, string>,
): boolean => {
  for (const key of Object.keys(matchLabels)) if (labels[key] !== matchLabels[key]) return false;
  for (const { key, operator, values = [] } of matchExpressions) {
    const has = Object.keys(labels).includes(key);
    const isOne = has && values.includes(labels[key]!);
    if ({ In: !isOne, NotIn: isOne, Exists: !has, DoesNotExist: has }[operator]) return false;
  }
  return true;
};

/** Returns whether the pod may connect to the address, which is no pod's, at TCP port 80. */
export function isAllowed(policies: readonly Policy[], labels: Record<string, string>, address: string): boolean {
  const concerning = policies.filter(({ spec }) => {
    const types = spec.policyTypes ?? ['Ingress', ...((spec.egress ?? []).length > 0 ? ['Egress'] : [])];
    return types.includes('Egress') && selects(spec.podSelector, labels);
  });
  if (concerning.length === 0) return true;
  const connections = new Set<string>();
  for (const { spec } of concerning)
    for (const { to = [], ports = [] } of spec.egress ?? []) {
      const reachesAddress =
        to.length === 0 ||
        to.some(
          ({ ipBlock }) =>
            ipBlock && isIn(address, ipBlock.cidr) && !(ipBlock.except ?? []).some((out) => isIn(address, out)),
        );
      if (!reachesAddress) continue;
      for (const protocol of PROTOCOLS)
        for (const number of PORTS) {
          const isNamed = ports.some((one) => {
            if ((one.protocol ?? 'TCP') !== protocol) return false;
            if (one.port === undefined) return true;
            if (typeof one.port === 'string') return false;
            return one.endPort === undefined ? one.port === number : one.port <= number && number <= one.endPort;
          });
          if (ports.length === 0 || isNamed) connections.add(`${protocol} ${number}`);
        }
    }
  return connections.has('TCP 80');
}
