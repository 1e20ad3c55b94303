import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import webpush from 'web-push';
import type { ProviderName } from '../../src/lib/names.js';
import * as der from '../../src/simulator/der.js';

/** A body for `PUT /v1/applications/:id/credentials/:provider`, and the field that `errors[].path` must name. */
export type CredentialCase = [provider: ProviderName, name: string, body: Record<string, unknown>, path: string];

const DAY_MS = 86_400_000;
const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const spki = (key: KeyObject): string => createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const shortRsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const otherP256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
const k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const encrypted = rsa.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }).toString();
const damaged = pkcs8(rsa).replace(/\n(.{30})/, '\nAAAA$1');

/** A self-signed certificate for an EC key, valid between two days from now. */
function certificate(key: KeyObject, fromDays: number, toDays: number): string {
  const algorithm = der.sequence(der.objectId('1.2.840.10045.4.3.2'));
  const name = der.sequence(
    der.set(der.sequence(der.objectId('2.5.4.3'), der.utf8String('Apple Push Services: a.b.c'))),
  );
  const at = (days: number) => der.time(new Date(Date.now() + days * DAY_MS));
  const body = der.sequence(
    der.explicit(0, der.integer(Buffer.of(2))),
    der.integer(Buffer.of(7)),
    algorithm,
    name,
    der.sequence(at(fromDays), at(toDays)),
    name,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
  );
  return der.pem('CERTIFICATE', der.sequence(body, algorithm, der.bitString(sign('sha256', body, key))));
}

const ACCOUNT = {
  type: 'service_account',
  project_id: 'never-stored',
  private_key_id: 'abcdef',
  private_key: pkcs8(rsa),
  client_email: 'push@never-stored.iam.gserviceaccount.com',
  token_uri: 'https://oauth2.googleapis.com/token',
};
const APNS_KEY = {
  keyId: 'ABCDE12345',
  teamId: 'TEAM123456',
  bundleId: 'a.b.c',
  privateKey: pkcs8(p256),
  environment: 'production',
};
const APNS_CERTIFICATE = {
  certificate: certificate(p256, -1, 300),
  privateKey: pkcs8(p256),
  bundleId: 'a.b.c',
  environment: 'production',
};
const pair = webpush.generateVAPIDKeys();
const otherPair = webpush.generateVAPIDKeys();
const VAPID = { subject: 'mailto:ops@example.com', ...pair };

const fcm = (field: keyof typeof ACCOUNT, name: string, value: unknown): CredentialCase => [
  'fcm',
  `${field} ${name}`,
  { serviceAccount: { ...ACCOUNT, [field]: value } },
  `serviceAccount.${field}`,
];
const apns = (field: keyof typeof APNS_KEY, name: string, value: unknown): CredentialCase => [
  'apns',
  `${field} ${name}`,
  { ...APNS_KEY, [field]: value },
  field,
];
const vapid = (field: keyof typeof VAPID, name: string, value: unknown): CredentialCase => [
  'webpush',
  `${field} ${name}`,
  { ...VAPID, [field]: value },
  field,
];

export const CREDENTIAL_CASES: CredentialCase[] = [
  ['fcm', 'no service account', {}, 'serviceAccount'],
  ['fcm', 'the service account as a string', { serviceAccount: JSON.stringify(ACCOUNT) }, 'serviceAccount'],
  ['fcm', 'the service account unwrapped', { ...ACCOUNT }, 'private_key'],
  ['fcm', 'a legacy server key', { serverKey: 'AAAA:APA91b' }, 'serverKey'],
  fcm('type', 'of another kind', 'authorized_user'),
  fcm('project_id', 'missing', undefined),
  fcm('project_id', 'with a path in it', '../../evil/projects/x'),
  fcm('project_id', 'with a line break', 'a\r\nhost: evil'),
  fcm('project_id', 'empty', ''),
  fcm('client_email', 'missing', undefined),
  fcm('client_email', 'that is none', 'nobody'),
  fcm('private_key_id', 'with a quote', 'a"b'),
  fcm('private_key', 'missing', undefined),
  fcm('private_key', 'that is no PEM', 'MIIEvQIBADANBg'),
  fcm('private_key', 'damaged', damaged),
  fcm('private_key', 'encrypted', encrypted),
  fcm('private_key', 'that is public', spki(rsa)),
  fcm('private_key', 'of 1,024 bits', pkcs8(shortRsa)),
  fcm('private_key', 'on a curve', pkcs8(p256)),
  fcm('private_key', 'a number', 5),
  fcm('token_uri', 'in clear text', 'http://oauth2.example.com/token'),
  fcm('token_uri', 'at the metadata service', 'http://169.254.169.254/token'),
  fcm('token_uri', 'on the network in clear text', 'http://10.0.0.1/token'),
  fcm('token_uri', 'with a user name', 'https://user:pw@oauth2.googleapis.com/token'),
  fcm('token_uri', 'of another scheme', 'file:///etc/passwd'),
  fcm('token_uri', 'that is no URL', 'token'),
  fcm('token_uri', 'with a line break that URL parsers skip', 'https://oauth2.googleapis.com/to\r\nken'),
  fcm('token_uri', 'with a space before it', ' https://oauth2.googleapis.com/token'),
  fcm('token_uri', 'null', null),
  apns('keyId', 'missing', undefined),
  apns('keyId', 'too short', 'ABC'),
  apns('keyId', 'in small letters', 'abcde12345'),
  apns('teamId', 'with a line break', 'TEAM12345\n'),
  apns('teamId', 'a number', 1234567890),
  apns('bundleId', 'missing', undefined),
  apns('bundleId', 'with a header in it', 'a.b.c\r\napns-priority: 10'),
  apns('bundleId', 'with a star', 'a.b.*'),
  apns('bundleId', 'too long', 'a'.repeat(156)),
  apns('environment', 'missing', undefined),
  apns('environment', 'unknown', 'development'),
  apns('privateKey', 'missing', undefined),
  apns('privateKey', 'that is no PEM', 'AuthKey_ABCDE12345.p8'),
  apns('privateKey', 'that is public', spki(p256)),
  apns('privateKey', 'on P-384', pkcs8(p384)),
  apns('privateKey', 'on secp256k1', pkcs8(k1)),
  apns('privateKey', 'on Ed25519', pkcs8(ed25519)),
  apns('privateKey', 'of RSA', pkcs8(rsa)),
  ['apns', 'an unknown field', { ...APNS_KEY, production: true }, 'production'],
  ['apns', 'a key and a certificate', { ...APNS_KEY, certificate: APNS_CERTIFICATE.certificate }, 'keyId'],
  [
    'apns',
    'a certificate that has expired',
    { ...APNS_CERTIFICATE, certificate: certificate(p256, -400, -1) },
    'certificate',
  ],
  [
    'apns',
    'a certificate of the future',
    { ...APNS_CERTIFICATE, certificate: certificate(p256, 1, 300) },
    'certificate',
  ],
  ['apns', 'a certificate that is none', { ...APNS_CERTIFICATE, certificate: 'x' }, 'certificate'],
  [
    'apns',
    'a certificate in an array',
    { ...APNS_CERTIFICATE, certificate: [APNS_CERTIFICATE.certificate] },
    'certificate',
  ],
  ['apns', 'the key of another certificate', { ...APNS_CERTIFICATE, privateKey: pkcs8(otherP256) }, 'privateKey'],
  vapid('subject', 'missing', undefined),
  vapid('subject', 'in clear text', 'http://example.com'),
  vapid('subject', 'at localhost', 'mailto:ops@localhost'),
  vapid('subject', 'at localhost over https', 'https://localhost/'),
  vapid('subject', 'without a scheme', 'ops@example.com'),
  vapid('subject', 'with a line break', 'mailto:ops@example.com\r\nx-evil: 1'),
  vapid('subject', 'with a line break at its end', 'mailto:ops@example.com\n'),
  vapid('subject', 'with a line break that URL parsers skip', 'mailto:ops@exam\r\nple.com'),
  vapid('subject', 'too long', `https://example.com/${'x'.repeat(255)}`),
  vapid('publicKey', 'missing', undefined),
  vapid('publicKey', 'of another pair', otherPair.publicKey),
  vapid('publicKey', 'that is no point', Buffer.alloc(65, 4).toString('base64url')),
  vapid('publicKey', 'compressed', randomBytes(33).toString('base64url')),
  vapid('privateKey', 'missing', undefined),
  vapid('privateKey', 'too short', randomBytes(31).toString('base64url')),
  vapid('privateKey', 'in PEM', pkcs8(p256)),
  ['webpush', 'a private key of zero', { ...VAPID, privateKey: Buffer.alloc(32).toString('base64url') }, 'publicKey'],
  [
    'webpush',
    'a private key beyond the curve',
    { ...VAPID, privateKey: Buffer.alloc(32, 0xff).toString('base64url') },
    'publicKey',
  ],
  ['webpush', 'a pair and "generate"', { ...VAPID, generate: true }, 'publicKey'],
  ['webpush', '"generate": false', { subject: VAPID.subject, generate: false }, 'generate'],
  ['webpush', '"generate": "yes"', { subject: VAPID.subject, generate: 'yes' }, 'generate'],
];

/** What no answer about these credentials may repeat. */
export const CREDENTIAL_SECRETS: string[] = [rsa, shortRsa, p256, otherP256, p384, k1, ed25519]
  .map((key) => pkcs8(key).split('\n')[1] ?? '')
  .concat(pair.privateKey, otherPair.privateKey, encrypted.split('\n')[1] ?? '');

/** The controls: what the cases are made of can be stored. */
export const GOOD_CREDENTIALS: [provider: ProviderName, body: Record<string, unknown>][] = [
  ['fcm', { serviceAccount: ACCOUNT }],
  ['apns', APNS_KEY],
  ['apns', APNS_CERTIFICATE],
  ['webpush', VAPID],
];
