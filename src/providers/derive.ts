import { hash } from 'node:crypto';

const UUID_BYTES = 16;
const TEXT_UUID_BYTES = 36;

/**
 * Makes UUIDs version 5 of two ids: the same delivery gets the same id at every repeat, in every process.
 *
 * @param namespace a UUID, the notification's
 * @returns a function of the name: a UUID too, the device's
 * @see https://www.rfc-editor.org/rfc/rfc9562#section-5.5
 */
export function stableUuids(namespace: string): (name: string) => string {
  const input = Buffer.alloc(UUID_BYTES + TEXT_UUID_BYTES);
  input.write(namespace.replaceAll('-', ''), 'hex');
  return (name) => {
    input.write(name, UUID_BYTES, TEXT_UUID_BYTES, 'latin1');
    const hex = hash(
      'sha1',
      name.length === TEXT_UUID_BYTES ? input : input.subarray(0, UUID_BYTES + name.length),
      'hex',
    );
    const variant = (0x8 | (Number.parseInt(hex.charAt(16), 16) & 0x3)).toString(16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  };
}

/** The first `chars` characters (at most 43) of the URL-safe SHA-256 of a text: short, equal for equal texts. */
export function shortDigest(text: string, chars: number): string {
  return hash('sha256', text, 'base64url').slice(0, chars);
}

/** Tells two secrets apart without revealing either: SHA-256 over the parts, 16 hex digits. */
export function fingerprintOf(...parts: readonly string[]): string {
  return hash('sha256', parts.join('\n'), 'hex').slice(0, 16);
}

/**
 * A collapse key as `apns-collapse-id`: itself when it fits a header, else its digest, which collapses just the same.
 *
 * @see https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns 64 bytes (read 2026-11)
 */
export function collapseIdOf(collapseKey: string): string {
  return /^[\x21-\x7e]{1,64}$/.test(collapseKey) ? collapseKey : shortDigest(collapseKey, 43);
}
