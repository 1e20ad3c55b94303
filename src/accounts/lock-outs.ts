import { hash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { DomainError } from '../lib/errors.js';
import { LockOutsRepository } from './lock-outs.repository.js';

/** Failed attempts from which on each locks. A person mistypes; a program tries many emails, or many addresses. */
const MOST = { pair: 5, address: 20, email: 50 } as const;
/** Seconds. Failures that lie further back than the window no longer count. */
const SECONDS = { window: 3_600, first: 30, longest: 900 };

/** One attempt to sign in that was let through. */
export interface CountedAttempt {
  /** If it fails, it has locked this email or address. */
  isLocking: boolean;
  /** It went well. */
  succeed(tx: Database): Promise<void>;
}

type Subjects = Record<keyof typeof MOST, string>;

/**
 * Slows down those who guess passwords. Nobody is locked out for ever: a lock ends by itself after 15 minutes at most, one
 * address locks an email only for itself, where people have signed in before they are not locked by what others do
 * elsewhere, and sign-in links work all the time.
 */
@Injectable()
export class LockOuts {
  constructor(
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly repository: LockOutsRepository,
  ) {}

  /** Counts an attempt. @throws DomainError `locked_out`, with the seconds until the next one may be made */
  async attempt(email: string, ip: string): Promise<CountedAttempt> {
    const subjects = subjectsOf(email, ip);
    const known = await this.repository.find(this.dataSource, Object.values(subjects));
    const isKnown = known.some(({ subject, isKnown: isOfOld }) => isOfOld && subject === subjects.pair);
    const counted = isKnown ? (['pair'] as const) : (['pair', 'address', 'email'] as const);
    const waits = known.filter(({ subject }) => counted.some((kind) => subjects[kind] === subject));
    const waitSeconds = Math.max(0, ...waits.map(({ lockedSeconds }) => lockedSeconds));
    if (waitSeconds > 0) throw lockedOut(waitSeconds);
    let isLocking = false;
    for (const kind of counted) {
      const locks = await this.repository.count(this.dataSource, subjects[kind], MOST[kind], SECONDS);
      // Somebody else's attempt, at the same moment, was one too many.
      if (locks === undefined) throw lockedOut(SECONDS.first);
      isLocking ||= locks;
    }
    await this.repository.clear(this.dataSource);
    return { isLocking, succeed: (tx) => this.repository.succeed(tx, subjects, !isKnown) };
  }
}

function lockedOut(waitSeconds: number): DomainError {
  const message = 'There were too many failed attempts to sign in: wait, or ask an owner for a sign-in link.';
  return new DomainError('limited', 'locked_out', message, [], waitSeconds);
}

function subjectsOf(email: string, ip: string): Subjects {
  const address = addressGroup(ip);
  const name = (kind: string, what: string) => hash('sha256', `${kind} ${what}`);
  return {
    pair: name('pair', `${address} ${email}`),
    address: name('address', address),
    email: name('email', email),
  };
}

/** Whoever has one IPv6 address has all of its /64. */
export function addressGroup(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined || !isIPv6(ip)) return mapped ?? ip;
  const [head = '', tail] = (ip.split('%', 1)[0] ?? '').toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(Math.max(0, zeros)).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
