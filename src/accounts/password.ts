import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { DomainError } from '../lib/errors.js';

/** OWASP Password Storage Cheat Sheet, argon2id, read 2026-11: 19 MiB, two passes, one lane. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const PARALLELISM = 1;
const TAG_BYTES = 32;
const SALT_BYTES = 16;

/** Hashes at once in this process: 38 MiB at most. */
const MAX_RUNNING = 2;
/** Hashes that wait for their turn: a second or two of work. */
const MAX_WAITING = 32;

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

const derive = promisify(argon2);

let running = 0;
const waiting: (() => void)[] = [];

/** What a password is compared with where there is none, so that the answer takes its usual time. */
const NOBODYS_HASH = phc(MEMORY_KIB, Buffer.alloc(SALT_BYTES), Buffer.alloc(TAG_BYTES));

/**
 * A password as it is stored: a PHC string with a salt of its own.
 *
 * @throws DomainError `sign_in_busy` when too many are being hashed
 * @see https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const tag = await hashInTurn(password, { nonce: salt, memory: MEMORY_KIB, passes: PASSES, parallelism: PARALLELISM });
  return phc(MEMORY_KIB, salt, tag);
}

/**
 * Whether this is the password that `stored` was made from. Without one it takes as long and is false.
 *
 * @throws DomainError `sign_in_busy` as {@link hashPassword}
 */
export async function isPassword(stored: string | null, password: string): Promise<boolean> {
  const [, memory, passes, parallelism, salt = '', tag = ''] = PHC.exec(stored ?? NOBODYS_HASH) ?? [];
  const expected = Buffer.from(tag, 'base64');
  if (expected.length === 0) throw new Error('a stored password hash cannot be read');
  const given = await hashInTurn(password, {
    nonce: Buffer.from(salt, 'base64'),
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
  });
  return timingSafeEqual(given, expected) && stored !== null;
}

/** @throws DomainError `sign_in_busy` when one more could not be hashed now */
export function assertHashingIsFree(): void {
  if (waiting.length < MAX_WAITING) return;
  throw new DomainError('unavailable', 'sign_in_busy', 'Too many people sign in at this moment.', [], 2);
}

async function hashInTurn(password: string, parameters: Omit<Argon2Parameters, 'message' | 'tagLength'>) {
  assertHashingIsFree();
  if (running >= MAX_RUNNING) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await derive('argon2id', { ...parameters, message: password.normalize('NFKC'), tagLength: TAG_BYTES });
  } finally {
    // The place goes to the next one directly, so that nobody who comes meanwhile takes it.
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

function phc(memoryKib: number, salt: Buffer, tag: Buffer): string {
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${memoryKib},t=${PASSES},p=${PARALLELISM}$${text(salt)}$${text(tag)}`;
}
