import { type ClaimedBatch, RESULT } from '../batches/batch.js';
import type { DispatchTarget } from '../devices/device.js';
import type { Notification } from '../notifications/notification.js';
import type { Sender, Target } from '../providers/provider.js';

/** From so many claims without progress on, something in the batch may be killing workers. */
const SUSPECT_CLAIMS = 3;
/** Deliveries that are marked as intents in one commit. */
const MAX_INTENTS = 100;

/** One batch in this worker's hands: what was sent, what is known, what is left. Pure bookkeeping. */
export class BatchRun {
  /** One character per delivery. */
  private readonly result: string[];
  /** Positions that may be sent as soon as their intent is committed, or at once where no intent is needed. */
  private readonly waiting: number[];
  private readonly ready: number[] = [];
  readonly targets: (DispatchTarget | undefined)[];
  readonly sentAtMs: number[] = [];
  sender: Sender | undefined;
  /** The lease is lost: nothing of it may be sent or written any more. */
  isFenced = false;
  /** Differs from what Postgres holds. */
  isDirty = false;
  /** Ended with its last checkpoint. */
  isDone = false;
  /** Set when what is unsent must wait: milliseconds until it is due again. */
  holdMs: number | undefined;

  constructor(
    readonly claimed: ClaimedBatch,
    readonly notification: Notification,
    targets: ReadonlyMap<number, DispatchTarget>,
  ) {
    this.result = [...claimed.result];
    this.targets = claimed.deviceIds.map((id) => targets.get(id));
    this.waiting = this.positionsOf(RESULT.pending, RESULT.intent, RESULT.intentAfterCrash);
  }

  get isSuspect(): boolean {
    return this.claimed.claims >= SUSPECT_CLAIMS;
  }

  /** Each send must be known in Postgres before it happens. */
  get needsIntent(): boolean {
    return this.isSuspect || this.notification.semantics === 'at_most_once';
  }

  get hasUnsent(): boolean {
    return this.waiting.length + this.ready.length > 0;
  }

  /** Deliveries whose worker died between the intent and the answer. */
  openIntents(): number[] {
    const atMostOnce = this.notification.semantics === 'at_most_once';
    return atMostOnce
      ? this.positionsOf(RESULT.intent, RESULT.intentAfterCrash)
      : this.positionsOf(RESULT.intentAfterCrash);
  }

  /** The next delivery that may go out now. */
  next(): number | undefined {
    if (!this.needsIntent) return this.waiting.shift();
    return this.ready.shift();
  }

  /** Marks the next deliveries as intents; they become ready with {@link intentsCommitted}. */
  markIntents(): number[] {
    if (this.ready.length > 0 || this.waiting.length === 0) return [];
    const marked = this.waiting.splice(0, this.isSuspect ? 1 : MAX_INTENTS);
    for (const position of marked) {
      const crashedBefore = this.isSuspect && this.result[position] === RESULT.intent;
      this.set(position, crashedBefore ? RESULT.intentAfterCrash : RESULT.intent);
    }
    return marked;
  }

  intentsCommitted(positions: readonly number[]): void {
    this.ready.push(...positions);
  }

  set(position: number, character: string): void {
    this.result[position] = character;
    this.isDirty = true;
  }

  /** Ends a delivery that has not been sent. */
  drop(position: number): void {
    remove(this.waiting, position);
    remove(this.ready, position);
  }

  /** Stops sending; what is unsent stays pending and is due after `forMs`. */
  hold(forMs: number): void {
    for (const position of this.ready.splice(0)) this.set(position, RESULT.pending);
    this.waiting.length = 0;
    this.holdMs = Math.min(forMs, this.holdMs ?? Number.POSITIVE_INFINITY);
  }

  get resultText(): string {
    return this.result.join('');
  }

  has(...characters: string[]): boolean {
    return this.result.some((character) => characters.includes(character));
  }

  get hasPending(): boolean {
    return this.has(RESULT.pending, RESULT.intent, RESULT.intentAfterCrash);
  }

  targetOf(position: number): Target | undefined {
    const device = this.targets[position];
    if (!device) return undefined;
    return {
      deviceId: device.publicId,
      token: device.token,
      ...(device.environment && { environment: device.environment }),
      ...(device.vapidPublicKey && { vapidPublicKey: device.vapidPublicKey }),
    };
  }

  /** Why this delivery must not be sent although the batch may; undefined when it may. */
  suppressionOf(position: number): string | undefined {
    const device = this.targets[position];
    if (!device) return 'device_deleted';
    if (device.status !== 'active') return 'device_inactive';
    const { audience } = this.notification;
    if ('userIds' in audience && !audience.userIds.includes(device.userId ?? '')) return 'user_changed';
    return undefined;
  }

  private positionsOf(...characters: string[]): number[] {
    const positions: number[] = [];
    for (let i = 0; i < this.result.length; i += 1) {
      if (characters.includes(this.result[i] ?? '')) positions.push(i);
    }
    return positions;
  }
}

function remove(list: number[], value: number): void {
  const at = list.indexOf(value);
  if (at >= 0) list.splice(at, 1);
}
