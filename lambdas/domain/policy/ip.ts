/**
 * IP addresses and ranges in CIDR notation. Without a prefix length, a text is a single address.
 * Source: IAM User Guide, "IP address condition operators", RFC 4632 and RFC 4291.
 */
export interface IpRange {
  /** Length of the address in bits: 32 or 128. IPv4 and IPv6 addresses never match each other. */
  bits: number;
  address: bigint;
  prefix: number;
}

function readIpv4(text: string): bigint | undefined {
  const octets = text.split('.');
  if (octets.length !== 4) return undefined;
  let address = 0n;
  for (const octet of octets) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(octet) || Number(octet) > 255) return undefined;
    address = address * 256n + BigInt(octet);
  }
  return address;
}

/** Reads the 16-bit groups of one side of `::`. An IPv4 address at the end counts as two groups. */
function readGroups(text: string, mayEndInIpv4: boolean): bigint[] | undefined {
  if (text === '') return [];
  const groups: bigint[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const embedded = mayEndInIpv4 && index === parts.length - 1 ? readIpv4(part) : undefined;
    if (embedded !== undefined) groups.push(embedded / 65_536n, embedded % 65_536n);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}

function readIpv6(text: string): bigint | undefined {
  // The longest form has 45 characters, so nothing longer is parsed.
  if (text.length > 45) return undefined;
  const sides = text.split('::');
  if (sides.length > 2) return undefined;
  const head = readGroups(sides[0] ?? '', sides.length === 1);
  const tail = readGroups(sides[1] ?? '', true);
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (sides.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...Array<bigint>(missing).fill(0n), ...tail].reduce(
    (address, group) => address * 65_536n + group,
    0n,
  );
}

export function readIpRange(text: string): IpRange | undefined {
  const [host, prefixText, ...more] = text.split('/', 3);
  if (host === undefined || more.length > 0) return undefined;
  const bits = host.includes(':') ? 128 : 32;
  const address = bits === 128 ? readIpv6(host) : readIpv4(host);
  if (address === undefined) return undefined;
  if (prefixText === undefined) return { bits, address, prefix: bits };
  if (!/^(?:0|[1-9]\d{0,2})$/.test(prefixText) || Number(prefixText) > bits) return undefined;
  return { bits, address, prefix: Number(prefixText) };
}

/** Returns whether the range contains all of the other range. */
export function holds(range: IpRange, other: IpRange): boolean {
  if (range.bits !== other.bits || other.prefix < range.prefix) return false;
  const shift = BigInt(range.bits - range.prefix);
  return range.address >> shift === other.address >> shift;
}
