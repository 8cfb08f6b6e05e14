/**
 * Whether a container's SDK sends a request for the agent to a proxy, which cannot reach the agent on the pod's node.
 * Sources: EKS User Guide, "Learn how EKS Pod Identity grants Pods access to AWS services", considerations: without its
 * address in no_proxy, requests to the agent fail; golang.org/x/net/http/httpproxy for the variables. Which SDKs ignore
 * proxies is known of those that `npm run conformance -- pods` runs.
 */
import { BlockList, isIP } from 'node:net';
import type { Environment } from './chains.ts';
import type { SdkName } from '../objects/sdks.ts';

/** SDKs that ask the agent without the proxy. */
const WITHOUT_PROXY: ReadonlySet<SdkName> = new Set(['botocore', 'js-v3']);
export const readsProxies = (name: SdkName): boolean => !WITHOUT_PROXY.has(name);

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
const first = (environment: Environment, names: readonly string[]): string =>
  names.map((name) => environment.get(name) ?? '').find((value) => value !== '') ?? '';

/** Returns whether an entry of NO_PROXY is this address, or a range that has it. */
const excepts = (entry: string, address: string): boolean => {
  const [base = '', prefix] = entry.split('/');
  if (isIP(base) === 0 || familyOf(base) !== familyOf(address)) return false;
  const list = new BlockList();
  if (prefix === undefined) list.addAddress(base, familyOf(base));
  else if (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (isIP(base) === 6 ? 128 : 32))
    list.addSubnet(base, Number(prefix), familyOf(base));
  return list.check(address, familyOf(address));
};

/** Returns the proxy to which a request to an address on port 80 goes; undefined if it goes to the address itself. */
export const proxyFor = (environment: Environment, address: string): string | undefined => {
  const proxy = first(environment, ['HTTP_PROXY', 'http_proxy']);
  if (proxy === '') return undefined;
  const entries = first(environment, ['NO_PROXY', 'no_proxy'])
    .split(',')
    .map((entry) =>
      entry
        .trim()
        .replace(/^\[(.*)\]:80$/, '$1')
        .replace(/^([\d.]+):80$/, '$1'),
    );
  return entries.some((entry) => entry === '*' || excepts(entry, address)) ? undefined : proxy;
};
