/** What policies determine about one pod's connections to one address. */
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Where a pod connects to, by TCP. */
export interface Destination {
  /** An IPv4 or IPv6 address, without brackets. */
  address: string;
  port: number;
}

/** What one policy determines about a connection. */
export interface Verdict {
  /** The pod may connect only to what some policy allows. */
  isolates: boolean;
  allows: boolean;
  /** Takes precedence over everything that allows it. */
  denies: boolean;
}

export const NO_VERDICT: Verdict = { isolates: false, allows: false, denies: false };

/** Returns whether the connection is cut off: denied by a policy, or allowed by none although one isolates the pod. */
export const isCutOff = (verdicts: readonly Verdict[]): boolean =>
  verdicts.some(({ denies }) => denies) ||
  (verdicts.some(({ isolates }) => isolates) && !verdicts.some(({ allows }) => allows));

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');

/** A block without a prefix is one address, as Cilium reads it; text that is no block has none. */
const contains = (block: string, address: string): boolean => {
  const [network = '', prefix = familyOf(block) === 'ipv6' ? '128' : '32'] = block.split('/');
  if (!isIP(network) || !/^\d{1,3}$/.test(prefix) || familyOf(network) !== familyOf(address)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), familyOf(network));
  return list.check(address, familyOf(address));
};

/** Returns whether a block of addresses contains an address that none of its exceptions contains. */
export const coversAddress = (cidr: string, except: readonly string[], address: string): boolean =>
  contains(cidr, address) && !except.some((each) => contains(each, address));
