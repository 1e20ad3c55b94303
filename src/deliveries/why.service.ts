import { Injectable } from '@nestjs/common';
import type { Device } from '../devices/device.js';
import { DevicesService } from '../devices/devices.service.js';
import { uuidV7Floor, uuidV7Time } from '../lib/ids.js';
import { DeliveriesRepository, type DeliveryKey } from './deliveries.repository.js';
import type { Delivery } from './delivery.js';
import { DeliveryDescriptions, type DeliveryToDescribe } from './delivery-descriptions.js';
import type { Language } from './explanations/texts.js';
import { CLOCK_SKEW_MS } from './log.repository.js';
import { SingleRepository } from './single.repository.js';
import { type Trace, WhyRepository } from './why.repository.js';

/** Whose deliveries, and around when. */
export interface WhyQuestion {
  whose: { userId: string } | { deviceId: string };
  /** When it should have rung; absent: until now. */
  at?: Date | undefined;
  /** Seconds before `at`, and after it; default: an hour, or without `at` a day. */
  windowSeconds?: number | undefined;
}

export interface WhyAnswer {
  from: Date;
  to: Date;
  /** Newest first. */
  items: Delivery[];
  /** All that were looked at. */
  devices: Device[];
  /** There is more than is shown. */
  isTruncated: boolean;
}

const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3_600;
/** Devices of one user that are looked at. */
const MAX_DEVICES = 50;
const MAX_ITEMS = 200;
/** Log entries that one scan reads, over all devices; each device gets its share, but never fewer than the least. */
const MAX_ENTRIES = 4_000;
const LEAST_ENTRIES = 100;

/** A delivery that answers the question, and the time it is sorted by. */
interface Candidate {
  item: DeliveryToDescribe;
  at: Date;
}

/** Answers "why did this phone not ring?": everything that was on its way to some devices at a time, in any status. */
@Injectable()
export class WhyService {
  constructor(
    private readonly traces: WhyRepository,
    private readonly single: SingleRepository,
    private readonly lists: DeliveriesRepository,
    private readonly descriptions: DeliveryDescriptions,
    private readonly devices: DevicesService,
  ) {}

  /**
   * What was attempted in the span; what was accepted before its end and attempted later; what waits now, in a batch or for
   * its audience to be fixed.
   *
   * @throws DomainError `device_not_found`; a user without devices is no error
   */
  async ask(applicationId: string, question: WhyQuestion, language: Language): Promise<WhyAnswer> {
    const now = await this.lists.now();
    const found = await this.devicesOf(applicationId, question.whose);
    const devices = found.slice(0, MAX_DEVICES);
    const { from, to } = spanOf(question, now);
    if (devices.length === 0) return { from, to, items: [], devices, isTruncated: false };

    const until = new Date(now.getTime() + CLOCK_SKEW_MS);
    const { candidates, isCutShort } = await this.candidates(applicationId, devices, { from, to, until });
    const shown = candidates.slice(0, MAX_ITEMS).map(({ item }) => item);
    const items = await this.descriptions.describe(shown, { applicationId, language, until });
    const isTruncated = isCutShort || candidates.length > MAX_ITEMS || found.length > MAX_DEVICES;
    return { from, to, items, devices, isTruncated };
  }

  private async devicesOf(applicationId: string, whose: WhyQuestion['whose']): Promise<Device[]> {
    if ('deviceId' in whose) return [await this.devices.get(applicationId, whose.deviceId)];
    return this.devices.list(applicationId, { userId: whose.userId }, 0, MAX_DEVICES + 1);
  }

  private async candidates(
    applicationId: string,
    devices: readonly Device[],
    { from, to, until }: { from: Date; to: Date; until: Date },
  ): Promise<{ candidates: Candidate[]; isCutShort: boolean }> {
    const ids = devices.map(({ id }) => id);
    const perDevice = Math.max(LEAST_ENTRIES, Math.floor(MAX_ENTRIES / ids.length));
    // Attempts carry the clocks of the workers that made them, which may be ahead.
    const latest = new Date(Math.min(to.getTime() + CLOCK_SKEW_MS, until.getTime()));
    const before = uuidV7Floor(new Date(to.getTime() + 1));
    const [within, after, waiting, unplanned] = await Promise.all([
      this.traces.within(applicationId, ids, from, latest, perDevice),
      this.traces.after(applicationId, ids, { after: latest, until, before }, perDevice),
      this.traces.waiting(applicationId, ids, before),
      this.single.unplannedFor(applicationId, devices, { from, acceptedUntil: to }),
    ]);
    const providers = new Map(devices.map(({ id, provider }) => [id, provider]));
    const found = new Map<string, Candidate>();
    const add = (item: DeliveryToDescribe, at: Date) => {
      const known = found.get(keyOf(item));
      found.set(keyOf(item), { item: { ...known?.item, ...item }, at: known && known.at > at ? known.at : at });
    };
    for (const { at, ...item } of [...within, ...after]) add(item, at);
    for (const item of waiting) add(item, uuidV7Time(item.notificationId));
    for (const { sendAt, ...key } of unplanned) {
      const provider = providers.get(key.device);
      if (provider && !found.has(keyOf(key))) add({ ...key, provider, isUnplanned: true }, sendAt);
    }
    return {
      candidates: [...found.values()].toSorted((one, other) => other.at.getTime() - one.at.getTime()),
      isCutShort: isFull(within, perDevice),
    };
  }
}

function spanOf({ at, windowSeconds }: WhyQuestion, now: Date): { from: Date; to: Date } {
  const windowMs = (windowSeconds ?? (at ? HOUR_SECONDS : DAY_SECONDS)) * 1_000;
  if (!at) return { from: new Date(now.getTime() - windowMs), to: now };
  return { from: new Date(at.getTime() - windowMs), to: new Date(at.getTime() + windowMs) };
}

function isFull(traces: readonly Trace[], perDevice: number): boolean {
  return [...Map.groupBy(traces, ({ device }) => device).values()].some((own) => own.length >= perDevice);
}

function keyOf(key: DeliveryKey): string {
  return `${key.notificationId} ${key.device}`;
}
