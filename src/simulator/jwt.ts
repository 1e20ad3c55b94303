import { type KeyObject, verify } from 'node:crypto';

/** A compact JWT taken apart; nothing in it is verified yet. */
export interface CompactJwt {
  header: Readonly<Record<string, unknown>>;
  claims: Readonly<Record<string, unknown>>;
  /** What the signature covers. */
  signingInput: string;
  signature: Buffer;
}

/** @returns the parts, or `undefined` when the text is not three base64url parts with JSON objects in the first two */
export function parseJwt(text: string): CompactJwt | undefined {
  const match = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(text);
  const [, header = '', claims = '', signature = ''] = match ?? [];
  const parsedHeader = parseObject(header);
  const parsedClaims = parseObject(claims);
  if (!match || !parsedHeader || !parsedClaims) return undefined;
  return {
    header: parsedHeader,
    claims: parsedClaims,
    signingInput: `${header}.${claims}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

/** RSASSA-PKCS1-v1_5 with SHA-256. */
export function isRs256(jwt: CompactJwt, publicKey: KeyObject): boolean {
  if (jwt.header['alg'] !== 'RS256') return false;
  return verify('sha256', Buffer.from(jwt.signingInput), publicKey, jwt.signature);
}

/** How an ES256 signature was written: as JOSE wants (r‖s, 64 bytes), as DER, or not one of this key at all. */
export function es256Form(jwt: CompactJwt, publicKey: KeyObject): 'jose' | 'der' | 'invalid' {
  if (jwt.header['alg'] !== 'ES256') return 'invalid';
  const input = Buffer.from(jwt.signingInput);
  const { signature } = jwt;
  if (signature.length === 64 && verify('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)) {
    return 'jose';
  }
  return signature[0] === 0x30 && verify('sha256', input, publicKey, signature) ? 'der' : 'invalid';
}

function parseObject(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
