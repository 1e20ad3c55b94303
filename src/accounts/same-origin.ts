/** The request as it came in; behind a proxy as TRUST_PROXY makes it. */
export interface RequestSource {
  /** `http` or `https`. */
  protocol: string;
  /** With the port, if it is not the protocol's own. */
  host: string;
  headers: { origin?: string | undefined; 'sec-fetch-site'?: string | string[] | undefined };
}

/**
 * Whether a request that changes something may come from a page of ours, as far as its headers tell. Other programs send
 * none of them.
 */
export function isFromOwnPage({ protocol, host, headers }: RequestSource): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  const { origin } = headers;
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  // A proxy that ends TLS and is not trusted leaves `http` here; the other way round somebody wrote into an open line.
  return url.origin === origin && url.host === host && (url.protocol === 'https:' || url.protocol === `${protocol}:`);
}

/** Whether a request that only reads may: as {@link isFromOwnPage}, or typed into the address bar. */
export function mayReadFrom({ headers }: RequestSource): boolean {
  const site = headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin' || site === 'none';
}
