/** Reads which addresses a container calls without its proxy. */
import { holds, readIpRange } from '../policy/index.ts';

/**
 * Returns whether a list such as NO_PROXY has an address: literally, in a range, or by `*`. Only commas separate entries,
 * and an IPv6 address in brackets needs a port, as Go reads the list, although the EKS User Guide has one without a port.
 * Source: golang.org/x/net/http/httpproxy, package documentation.
 */
export function isExcepted(noProxy: string, address: string): boolean {
  const wanted = readIpRange(address);
  return noProxy.split(',').some((entry) => {
    const text = entry.trim();
    const range = readIpRange(text.replace(/^\[(.*)\]:80$/, '$1').replace(/^([\d.]+):80$/, '$1'));
    return text === '*' || (wanted !== undefined && range !== undefined && holds(range, wanted));
  });
}
