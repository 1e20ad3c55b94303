import { isIPv4, isIPv6 } from 'node:net';

/**
 * IPv4 blocks that no push service can live in: the IANA special-purpose registry, multicast and what is reserved.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry (read 2026-11)
 */
const CLOSED_V4: readonly (readonly [network: number, prefix: number])[] = [
  ['0.0.0.0', 8], // "this network"; Linux connects 0.0.0.0 to itself
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT, and some clouds' metadata
  ['127.0.0.0', 8],
  ['168.63.129.16', 32], // Azure's host endpoint: public by number, internal by nature
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
].map(([network, prefix]) => [v4Number(String(network)), Number(prefix)] as const);

function v4Number(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

function isPublicV4(address: number): boolean {
  return !CLOSED_V4.some(([network, prefix]) => {
    const size = 2 ** (32 - prefix);
    return address >= network && address < network + size;
  });
}

/** The eight 16-bit groups of an address that `isIPv6` accepted. */
function v6Groups(address: string): number[] {
  const dotted = /(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  let text = address;
  if (dotted !== undefined) {
    const tail = v4Number(dotted);
    text = `${address.slice(0, -dotted.length)}${Math.floor(tail / 65_536).toString(16)}:${(tail % 65_536).toString(16)}`;
  }
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array<string>(gap).fill('0'), ...right].map((group) => Number.parseInt(group, 16));
}

function isPublicV6(groups: readonly number[]): boolean {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const embedded = g * 65_536 + h;
  const zeroUntilF = a === 0 && b === 0 && c === 0 && d === 0 && e === 0;
  if (zeroUntilF && f === 0xffff) return isPublicV4(embedded);
  if (a === 0x64 && b === 0xff9b && c === 0 && d === 0 && e === 0 && f === 0) return isPublicV4(embedded);
  // Global unicast is 2000::/3; everything else (::1, fc00::/7, fe80::/10, ff00::/8, 64:ff9b:1::/48, …) is not.
  if (a < 0x2000 || a > 0x3fff) return false;
  // Teredo, benchmarking, ORCHID and the rest of 2001::/23.
  if (a === 0x2001 && b < 0x0200) return false;
  if (a === 0x2001 && b === 0x0db8) return false;
  // 6to4 wraps an IPv4 address that only the relay would see.
  if (a === 0x2002) return false;
  return !(a === 0x3fff && b < 0x1000);
}

/**
 * Whether an address belongs to the public internet, for connections to places that a caller named (SSRF).
 * Refuses when in doubt: what does not parse, and addresses with a zone, are not public.
 *
 * @param ip an IPv4 or IPv6 address as `dns.lookup` returns it, without brackets
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry (read 2026-11)
 */
export function isPublicAddress(ip: string): boolean {
  if (isIPv4(ip)) return isPublicV4(v4Number(ip));
  if (!isIPv6(ip) || ip.includes('%')) return false;
  return isPublicV6(v6Groups(ip));
}
