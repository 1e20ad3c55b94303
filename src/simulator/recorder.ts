import { FingerprintCounter } from './fingerprints.js';
import type { ListenerName, ServiceName } from './service.js';

/** Duplicates and violations listed by name at most; beyond it they are only counted. */
const MAX_LISTED = 10_000;
const MAX_INTERNED = 1_000;

export interface RecordedMessage {
  /** 1 for the first since the last reset; set by the recorder. */
  seq: number;
  /** The simulators' clock. */
  atMs: number;
  service: ServiceName;
  listener: ListenerName;
  connectionId: number;
  streamId: number;
  target: string;
  notificationKey: string;
  /** What was answered; status 0: nothing was. */
  status: number;
  reason: string;
  /** True: the provider took it, whether or not the sender was told. */
  accepted: boolean;
  /** Name, value, name, value…, one per line, without `authorization`; absent once dropped to save memory. */
  headers: string | undefined;
  authorization: string | undefined;
  body: string | undefined;
}

export interface Violation {
  atMs: number;
  listener: ListenerName;
  what: string;
  target: string | undefined;
}

export interface Duplicate {
  service: ServiceName;
  target: string;
  notificationKey: string;
  count: number;
}

export interface MessageFilter {
  target?: string | undefined;
  service?: string | undefined;
  /** Simulator time, milliseconds. */
  sinceMs?: number | undefined;
  afterSeq?: number | undefined;
  limit: number;
}

/**
 * Remembers what the simulators were sent: exact counters for ever, the messages themselves in a ring, their
 * headers and bodies as long as the memory budget lasts (oldest first to go).
 */
export class Recorder {
  private ring: RecordedMessage[] = [];
  private seq = 0;
  private detailBytes = 0;
  /** The oldest message that still has its details. */
  private detailTail = 1;
  private readonly verdicts = new Map<string, number>();
  private readonly acceptedTargets = new FingerprintCounter();
  private readonly acceptedKeys = new FingerprintCounter();
  private duplicateCount = 0;
  private readonly duplicates = new Map<string, Duplicate>();
  private violationCounts = new Map<string, number>();
  private violations: Violation[] = [];
  /** Strings that repeat from message to message: provider tokens, notification ids. */
  private readonly interned = new Map<string, string>();
  private waiters: (() => void)[] = [];

  constructor(
    private readonly capacity: number,
    private readonly maxDetailBytes: number,
  ) {}

  record(stored: RecordedMessage): void {
    this.seq += 1;
    stored.seq = this.seq;
    if (this.ring.length < this.capacity) this.ring.push(stored);
    else this.evict(stored);
    this.keepDetails(stored);
    const verdict = `${stored.service}|${stored.status}|${stored.reason}|${stored.accepted ? 1 : 0}`;
    this.verdicts.set(verdict, (this.verdicts.get(verdict) ?? 0) + 1);
    if (stored.accepted) this.countAccepted(stored);
    for (const wake of this.waiters.splice(0)) wake();
  }

  violation(violation: Violation): void {
    this.violationCounts.set(violation.what, (this.violationCounts.get(violation.what) ?? 0) + 1);
    if (this.violations.length < MAX_LISTED) this.violations.push(violation);
  }

  messages(filter: MessageFilter): RecordedMessage[] {
    const found: RecordedMessage[] = [];
    const oldest = Math.max(this.seq - this.ring.length + 1, (filter.afterSeq ?? 0) + 1);
    for (let seq = oldest; seq <= this.seq && found.length < filter.limit; seq += 1) {
      const message = this.at(seq);
      if (!message) continue;
      if (filter.target !== undefined && message.target !== filter.target) continue;
      if (filter.service !== undefined && !isOf(message, filter.service)) continue;
      if (filter.sinceMs !== undefined && message.atMs < filter.sinceMs) continue;
      found.push(message);
    }
    return found;
  }

  counts(): Record<string, unknown> {
    const services: Record<string, { total: number; accepted: number; verdicts: Record<string, number> }> = {};
    let accepted = 0;
    let total = 0;
    for (const [verdict, count] of this.verdicts) {
      const [service = '', status = '', reason = '', isAccepted] = verdict.split('|');
      services[service] ??= { total: 0, accepted: 0, verdicts: {} };
      const entry = services[service];
      entry.total += count;
      if (service !== 'oauth') total += count;
      if (isAccepted === '1') {
        entry.accepted += count;
        accepted += count;
      }
      const name = `${status} ${reason}`.trim();
      entry.verdicts[name] = (entry.verdicts[name] ?? 0) + count;
    }
    return {
      total,
      accepted,
      acceptedTargets: this.acceptedTargets.distinct,
      duplicates: this.duplicateCount,
      evicted: this.seq - this.ring.length,
      newest: this.seq,
      services,
    };
  }

  listDuplicates(): { total: number; duplicates: Duplicate[] } {
    return { total: this.duplicateCount, duplicates: [...this.duplicates.values()] };
  }

  listViolations(): { total: number; byKind: Record<string, number>; violations: Violation[] } {
    const byKind = Object.fromEntries(this.violationCounts);
    const total = [...this.violationCounts.values()].reduce((sum, count) => sum + count, 0);
    return { total, byKind, violations: this.violations };
  }

  /** Resolves at the next recorded message, or after `timeoutMs`. */
  nextMessage(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  reset(): void {
    this.ring = [];
    this.seq = 0;
    this.detailBytes = 0;
    this.detailTail = 1;
    this.verdicts.clear();
    this.acceptedTargets.clear();
    this.acceptedKeys.clear();
    this.duplicateCount = 0;
    this.duplicates.clear();
    this.violationCounts.clear();
    this.violations = [];
    this.interned.clear();
  }

  private at(seq: number): RecordedMessage | undefined {
    return this.ring[(seq - 1) % this.capacity];
  }

  private evict(next: RecordedMessage): void {
    const slot = (next.seq - 1) % this.capacity;
    const old = this.ring[slot];
    if (old) this.dropDetails(old);
    this.detailTail = Math.max(this.detailTail, next.seq - this.capacity + 1);
    this.ring[slot] = next;
  }

  private keepDetails(message: RecordedMessage): void {
    message.notificationKey = this.shared(message.notificationKey);
    if (message.authorization !== undefined) message.authorization = this.shared(message.authorization);
    this.detailBytes += detailSize(message);
    while (this.detailBytes > this.maxDetailBytes && this.detailTail < message.seq) {
      const oldest = this.at(this.detailTail);
      if (oldest) this.dropDetails(oldest);
      this.detailTail += 1;
    }
  }

  private dropDetails(message: RecordedMessage): void {
    this.detailBytes -= detailSize(message);
    message.headers = undefined;
    message.authorization = undefined;
    message.body = undefined;
  }

  /** One copy of each repeated string; a copy, because a part of a body would keep the whole body alive. */
  private shared(text: string): string {
    const known = this.interned.get(text);
    if (known !== undefined) return known;
    if (this.interned.size >= MAX_INTERNED) this.interned.clear();
    const copy = Buffer.from(text).toString();
    this.interned.set(copy, copy);
    return copy;
  }

  private countAccepted(message: RecordedMessage): void {
    this.acceptedTargets.add(`${message.service} ${message.target}`);
    const key = `${message.service} ${message.target} ${message.notificationKey}`;
    const count = this.acceptedKeys.add(key);
    if (count < 2) return;
    if (count === 2) this.duplicateCount += 1;
    const known = this.duplicates.get(key);
    if (known) known.count = count;
    else if (this.duplicates.size < MAX_LISTED) {
      const { service, target, notificationKey } = message;
      this.duplicates.set(key, { service, target, notificationKey, count });
    }
  }
}

/** The token endpoint shares FCM's listener, and is meant only when it is named. */
function isOf({ service, listener }: RecordedMessage, name: string): boolean {
  return service === name || (service !== 'oauth' && listener === name);
}

/** Rough bytes of headers and body; authorization is shared and not counted. */
function detailSize(message: RecordedMessage): number {
  return (message.headers?.length ?? 0) + (message.body?.length ?? 0);
}

/** One flat string instead of an object: a fifth of the memory, and nothing of the connection's buffers stays alive. */
export function packHeaders(rawHeaders: readonly string[]): string {
  const kept: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.charCodeAt(0) === 0x3a || name.toLowerCase() === 'authorization') continue;
    kept.push(name, rawHeaders[index + 1] ?? '');
  }
  return kept.join('\n');
}

/** Lower-case names; the values of a repeated header are joined as HTTP allows. */
export function unpackHeaders({ headers, authorization }: RecordedMessage): Record<string, string> | undefined {
  if (headers === undefined) return undefined;
  const unpacked: Record<string, string> = authorization === undefined ? {} : { authorization };
  const lines = headers === '' ? [] : headers.split('\n');
  for (let index = 0; index < lines.length; index += 2) {
    const name = (lines[index] ?? '').toLowerCase();
    const before = unpacked[name];
    unpacked[name] = before === undefined ? (lines[index + 1] ?? '') : `${before}, ${lines[index + 1] ?? ''}`;
  }
  return unpacked;
}
