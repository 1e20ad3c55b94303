import { type ClaimedBatch, RESULT } from '../batches/batch.js';
import type { DispatchTarget } from '../devices/device.js';
import { ACKNOWLEDGED_LIVE } from '../notifications/live.js';
import type { Notification } from '../notifications/notification.js';
import type { Sender, SendTiming } from '../providers/provider.js';
import { StopTally } from './stop-rule.js';

/** From so many claims without progress on, something in the batch may be killing workers. */
const SUSPECT_CLAIMS = 3;
/** Deliveries that are marked as intents in one commit. */
const MAX_INTENTS = 100;

const PENDING = new Set([RESULT.pending, RESULT.intent, RESULT.intentAfterCrash].map(codeOf));
const MOVED = codeOf(RESULT.moved);

/** One batch in this worker's hands: what was sent, what is known, what is left. Pure bookkeeping. */
export class BatchRun {
  /** One character per delivery. */
  private readonly result: Buffer;
  private pending = 0;
  private moved = 0;
  /** Positions that may be sent as soon as their intent is committed, or at once where no intent is needed; before `nextWaiting` taken. */
  private waiting: number[];
  private nextWaiting = 0;
  private readonly ready: number[] = [];
  readonly targets: (DispatchTarget | undefined)[];
  readonly sentAtMs: number[] = [];
  /** To whom alone it may go; undefined where the audience is not made of users. */
  private readonly userIds: ReadonlySet<string> | undefined;
  sender: Sender | undefined;
  /** The latest one: it changes once a second. */
  timing: SendTiming | undefined;
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
    readonly stopTally: StopTally = new StopTally(),
    private readonly acknowledged?: ReadonlySet<string>,
  ) {
    this.result = Buffer.from(claimed.result, 'latin1');
    for (const code of this.result) this.count(code, 1);
    this.targets = claimed.deviceIds.map((id) => targets.get(id));
    this.waiting = this.positionsOf(RESULT.pending, RESULT.intent, RESULT.intentAfterCrash);
    const { audience } = notification;
    this.userIds = 'userIds' in audience ? new Set(audience.userIds) : undefined;
  }

  get isSuspect(): boolean {
    return this.claimed.claims >= SUSPECT_CLAIMS;
  }

  /** Each send must be known in Postgres before it happens. */
  get needsIntent(): boolean {
    return this.isSuspect || this.notification.semantics === 'at_most_once';
  }

  get hasUnsent(): boolean {
    return this.nextWaiting < this.waiting.length || this.ready.length > 0;
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
    if (this.needsIntent) return this.ready.shift();
    const position = this.waiting[this.nextWaiting];
    if (position !== undefined) this.nextWaiting += 1;
    return position;
  }

  /** Marks the next deliveries as intents; they become ready with {@link intentsCommitted}. */
  markIntents(): number[] {
    if (this.ready.length > 0 || this.nextWaiting === this.waiting.length) return [];
    const marked = this.waiting.slice(this.nextWaiting, this.nextWaiting + (this.isSuspect ? 1 : MAX_INTENTS));
    this.nextWaiting += marked.length;
    for (const position of marked) {
      const crashedBefore = this.isSuspect && this.result[position] === codeOf(RESULT.intent);
      this.set(position, crashedBefore ? RESULT.intentAfterCrash : RESULT.intent);
    }
    return marked;
  }

  intentsCommitted(positions: readonly number[]): void {
    this.ready.push(...positions);
  }

  set(position: number, character: string): void {
    this.count(this.result[position] ?? 0, -1);
    this.result[position] = codeOf(character);
    this.count(this.result[position] ?? 0, 1);
    this.isDirty = true;
  }

  /** Ends a delivery that has not been sent. */
  drop(position: number): void {
    this.waiting = this.waiting.slice(this.nextWaiting).filter((other) => other !== position);
    this.nextWaiting = 0;
    const at = this.ready.indexOf(position);
    if (at >= 0) this.ready.splice(at, 1);
  }

  /** Stops sending; what is unsent stays pending and is due after `forMs`. */
  hold(forMs: number): void {
    for (const position of this.ready.splice(0)) this.set(position, RESULT.pending);
    this.nextWaiting = this.waiting.length;
    this.holdMs = Math.min(forMs, this.holdMs ?? Number.POSITIVE_INFINITY);
  }

  get resultText(): string {
    return this.result.toString('latin1');
  }

  get hasPending(): boolean {
    return this.pending > 0;
  }

  /** Something waits for a retry in a child batch. */
  get hasMoved(): boolean {
    return this.moved > 0;
  }

  /** Why this delivery must not be sent although the batch may; undefined when it may. */
  suppressionOf(position: number): string | undefined {
    const device = this.targets[position];
    if (!device) return 'device_deleted';
    if (device.status !== 'active') return 'device_inactive';
    if (this.userIds !== undefined && !this.userIds.has(device.userId ?? '')) return 'user_changed';
    if (this.acknowledged?.has(device.userId ?? '')) return ACKNOWLEDGED_LIVE;
    return undefined;
  }

  private count(code: number, by: 1 | -1): void {
    if (PENDING.has(code)) this.pending += by;
    else if (code === MOVED) this.moved += by;
  }

  private positionsOf(...characters: string[]): number[] {
    const codes = characters.map(codeOf);
    const positions: number[] = [];
    for (let i = 0; i < this.result.length; i += 1) {
      if (codes.includes(this.result[i] ?? 0)) positions.push(i);
    }
    return positions;
  }
}

function codeOf(character: string): number {
  return character.charCodeAt(0);
}
