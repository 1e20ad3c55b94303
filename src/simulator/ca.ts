import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { isIP } from 'node:net';
import {
  bitString,
  boolean,
  explicit,
  implicit,
  integer,
  objectId,
  octetString,
  pem,
  sequence,
  set,
  time,
  utf8String,
} from './der.js';
import type { Home } from './home.js';

const DAY_MS = 86_400_000;
const CA_FILE = 'ca.pem';
const CA_KEY_FILE = 'ca-key.pem';
/** How the common name of a certificate begins that only the sandbox takes. */
export const SANDBOX_CERTIFICATE = 'Apple Development IOS Push Services';
const CA_NAME = 'Carillon simulator authority';

const OID = {
  commonName: '2.5.4.3',
  userId: '0.9.2342.19200300.100.1.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** A certificate and its private key, PEM. */
export interface Identity {
  cert: string;
  key: string;
}

interface CertificateFields {
  subject: Buffer;
  publicKey: KeyObject;
  days: number;
  extensions: Buffer[];
}

/** The simulators' own certificate authority: EC P-256, kept in the home folder, trusted by nobody who was not told to. */
export class CertificateAuthority {
  private constructor(
    readonly cert: string,
    private readonly key: KeyObject,
    readonly file: string,
  ) {}

  /** The authority kept in `home`, or a new one that is then kept there. */
  static open(home: Home): CertificateAuthority {
    const cert = home.read(CA_FILE);
    const key = home.read(CA_KEY_FILE);
    if (cert && key) return new CertificateAuthority(cert, createPrivateKey(key), home.path(CA_FILE));
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const fresh = certificate(pair.privateKey, pair.publicKey, {
      subject: name(CA_NAME),
      publicKey: pair.publicKey,
      days: 3650,
      extensions: [
        extension(OID.basicConstraints, sequence(boolean(true)), true),
        // keyCertSign and cRLSign: bits 5 and 6 of one byte.
        extension(OID.keyUsage, bitString(Buffer.from([0x06]), 1), true),
      ],
    });
    home.write(CA_KEY_FILE, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    home.write(CA_FILE, fresh);
    return new CertificateAuthority(fresh, pair.privateKey, home.path(CA_FILE));
  }

  /** A server certificate for these names and IPv4 addresses, good for a year. */
  issue(hosts: readonly string[]): Identity {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const names = hosts.map((host) =>
      isIP(host) === 4
        ? implicit(7, Buffer.from(host.split('.').map(Number)))
        : implicit(2, Buffer.from(host, 'ascii')),
    );
    const cert = certificate(this.key, createPublicKey(this.key), {
      subject: name(hosts[0] ?? 'localhost'),
      publicKey: pair.publicKey,
      days: 365,
      extensions: [
        extension(OID.basicConstraints, sequence(), true),
        extension(OID.keyUsage, bitString(Buffer.from([0x80]), 7), true),
        extension(OID.extendedKeyUsage, sequence(objectId(OID.serverAuth))),
        extension(OID.subjectAltName, sequence(...names)),
      ],
    });
    return { cert, key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }

  /**
   * A client certificate as Apple makes them for one app: the bundle id is the subject's user id, and the common name
   * tells a certificate for both environments from one for the sandbox alone.
   */
  issueApns(bundleId: string, isSandboxOnly: boolean): Identity {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const kind = isSandboxOnly ? SANDBOX_CERTIFICATE : 'Apple Push Services';
    const cert = certificate(this.key, createPublicKey(this.key), {
      subject: name(`${kind}: ${bundleId}`, bundleId),
      publicKey: pair.publicKey,
      days: 365,
      extensions: [
        extension(OID.basicConstraints, sequence(), true),
        extension(OID.keyUsage, bitString(Buffer.from([0x80]), 7), true),
        extension(OID.extendedKeyUsage, sequence(objectId(OID.clientAuth))),
      ],
    });
    return { cert, key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }
}

function certificate(signer: KeyObject, signerPublicKey: KeyObject, fields: CertificateFields): string {
  const algorithm = sequence(objectId(OID.ecdsaWithSha256));
  const now = Date.now();
  const serial = randomBytes(16);
  serial[0] = (serial[0] ?? 0) & 0x7f || 1;
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    name(CA_NAME),
    // A day back, so that a machine whose clock is behind accepts it.
    sequence(time(new Date(now - DAY_MS)), time(new Date(now + fields.days * DAY_MS))),
    fields.subject,
    fields.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(
      3,
      sequence(
        ...fields.extensions,
        extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(fields.publicKey))),
        extension(OID.authorityKeyIdentifier, sequence(implicit(0, keyIdentifier(signerPublicKey)))),
      ),
    ),
  );
  return pem('CERTIFICATE', sequence(body, algorithm, bitString(sign('sha256', body, signer))));
}

function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

function name(commonName: string, userId?: string): Buffer {
  const part = (oid: string, text: string): Buffer => set(sequence(objectId(oid), utf8String(text)));
  return sequence(...(userId === undefined ? [] : [part(OID.userId, userId)]), part(OID.commonName, commonName));
}

function extension(oid: string, value: Buffer, isCritical = false): Buffer {
  return sequence(objectId(oid), ...(isCritical ? [boolean(true)] : []), octetString(value));
}
