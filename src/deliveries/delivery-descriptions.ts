import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { RESULT } from '../batches/batch.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { DevicesService } from '../devices/devices.service.js';
import type { WaitingFacts } from '../notifications/notification.js';
import { NotificationsService } from '../notifications/notifications.service.js';
import type { BatchState, DeliveryKey, ListedDelivery } from './deliveries.repository.js';
import { type Attempt, type Delivery, statusOfMark } from './delivery.js';
import { type ClosedGate, explain, explainEntry } from './explanation.js';
import type { Language } from './explanations/texts.js';
import { GatesRepository } from './gates.repository.js';
import { type LogEntry, LogRepository, type ReceiptEntry } from './log.repository.js';

/** A delivery to be described, and what is known of it already. */
export type DeliveryToDescribe = Omit<ListedDelivery, 'position'> & {
  /** Its notification has not been planned so far: it exists in nobody's tables yet. */
  isUnplanned?: boolean;
};

/** Whose deliveries they are, and how they are told. */
export interface Telling {
  applicationId: string;
  language: Language;
  /** Nothing was written about them after it. */
  until: Date;
}

interface Known {
  batch: BatchState | undefined;
  entries: readonly LogEntry[];
  receipts: readonly ReceiptEntry[];
  name: { publicId: string; userId: string | null } | undefined;
}

/** Puts together what log, batches, gates and receipts know of deliveries, and explains it. */
@Injectable()
export class DeliveryDescriptions {
  constructor(
    private readonly log: LogRepository,
    private readonly gates: GatesRepository,
    private readonly devices: DevicesService,
    private readonly notifications: NotificationsService,
    @Inject(DATA_SOURCE) private readonly db: DataSource,
  ) {}

  /** In the same order. */
  async describe(listed: readonly DeliveryToDescribe[], telling: Telling): Promise<Delivery[]> {
    const known = await this.look(listed, telling.until);
    const states = listed.map((item, i) => ({ item, known: known[i], ...stateOf(known[i]) }));
    const pending = states.filter(({ status }) => status === 'pending').map(({ item }) => item.notificationId);
    const [waiting, gates] = await Promise.all([
      this.notifications.waitingFacts([...new Set(pending)]),
      pending.length === 0 ? [] : this.gates.holding(telling.applicationId),
    ]);
    return states.map((state) => describeOne(state, waiting.get(state.item.notificationId), gates, telling.language));
  }

  private async look(listed: readonly DeliveryToDescribe[], until: Date): Promise<Known[]> {
    const [entries, receipts, names] = await Promise.all([
      this.log.entries(listed, until),
      this.log.receipts(listed),
      this.devices.publicIds(this.db, [...new Set(listed.map((key) => key.device))]),
    ]);
    const entriesOf = Map.groupBy(entries, keyOf);
    const waiting = listed.flatMap((key) => {
      const latest = entriesOf.get(keyOf(key))?.at(-1);
      return !key.batch && latest?.statusAfter === 'pending' ? [{ ...key, batchNo: latest.batchNo }] : [];
    });
    const batches = new Map((await this.log.batches(waiting)).map((batch) => [keyOf(batch), batch]));
    const receiptsOf = Map.groupBy(receipts, keyOf);
    return listed.map((item) => ({
      batch: item.batch ?? batches.get(keyOf(item)),
      entries: entriesOf.get(keyOf(item)) ?? [],
      receipts: receiptsOf.get(keyOf(item)) ?? [],
      name: names.get(item.device),
    }));
  }
}

interface State extends Pick<Delivery, 'status' | 'nextAttemptAt'> {
  item: DeliveryToDescribe;
  known: Known | undefined;
}

function describeOne(
  { item, known, status, nextAttemptAt }: State,
  notification: WaitingFacts | undefined,
  gates: readonly ClosedGate[],
  language: Language,
): Delivery {
  const { provider, isUnplanned = false } = item;
  const entries = known?.entries ?? [];
  // Nobody has a row of it, so nothing but its notification can say that it will never be sent.
  const isCalledOff = isUnplanned && notification?.state === 'cancelled';
  const receipts = (known?.receipts ?? []).map(({ type, at }) => ({ type, at }));
  const facts = {
    provider,
    status,
    entries,
    nextAttemptAt,
    receipts: receipts.map(({ type }) => type),
    isInHand: known?.batch?.state === 'leased',
    isUnplanned,
    notification,
    gates,
  };
  return {
    notificationId: item.notificationId,
    deviceId: known?.name?.publicId ?? null,
    userId: known?.name?.userId ?? null,
    provider,
    status: isCalledOff ? 'cancelled' : status,
    attempts: attemptsOf(entries, provider, language),
    nextAttemptAt: isUnplanned && !isCalledOff ? (notification?.sendAt ?? null) : nextAttemptAt,
    receipts,
    explanation: explain(facts, language),
  };
}

function keyOf(key: DeliveryKey): string {
  return `${key.notificationId} ${key.device}`;
}

/** Provider calls are counted when they are read: whoever writes them does not know of those in earlier batches. */
function attemptsOf(entries: readonly LogEntry[], provider: Delivery['provider'], language: Language): Attempt[] {
  let calls = 0;
  return entries.map((entry) => ({
    number: entry.isCall ? ++calls : 0,
    at: entry.at,
    outcome: entry.outcome === '' ? null : entry.outcome,
    code: entry.code,
    providerMessageId: entry.providerMessageId,
    latencyMs: entry.latencyMs,
    detail: entry.detail,
    explanation: explainEntry(entry, provider, language),
  }));
}

/**
 * The batch was read before the log, so an end that the log knows is the newer fact. While a batch is in a worker's hands, or
 * its children are not made yet, what waits in it is due when its latest attempt says.
 */
function stateOf(known: Known | undefined): Pick<Delivery, 'status' | 'nextAttemptAt'> {
  const batch = known?.batch;
  const latest = known?.entries.at(-1);
  const logged = latest?.statusAfter ?? 'pending';
  const status = batch && logged === 'pending' ? statusOfMark(batch.mark) : logged;
  if (status !== 'pending') return { status, nextAttemptAt: null };
  const isInHand = !batch || batch.state === 'leased' || batch.mark === RESULT.moved;
  return { status, nextAttemptAt: isInHand ? (latest?.retryAt ?? null) : batch.notBefore };
}
