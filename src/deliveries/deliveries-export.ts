import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { MAX_PAGE_SIZE } from '../http/pagination.js';
import { DomainError } from '../lib/errors.js';
import { deviceCursor, timeCursor } from './deliveries.dto.js';
import type { DeliveryFilter } from './deliveries.repository.js';
import { DeliveriesService, type DeliveryPage, type SearchCriteria } from './deliveries.service.js';
import { csvHead, csvLine } from './deliveries-csv.js';
import type { Delivery } from './delivery.js';

export const EXPORT_FORMATS = ['csv', 'ndjson'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** One page after the position where the last one ended; undefined: the first. */
type ReadPage = (after: DeliveryPage['next']) => Promise<DeliveryPage>;

/** Exports of this process at once. Each has a page's query under way nearly all the time, on a connection that requests share. */
export const MAX_EXPORTS = 3;
/** Milliseconds for which a client may leave what it was sent unread. */
const MAX_IDLE_MS = 300_000;
const RETRY_AFTER_SECONDS = 30;

/**
 * The log as a file, of any length: page by page, and the next one only when the client has taken the last. No transaction
 * spans the pages, so that an export over a slow line holds up neither vacuum nor the end of a day's partition.
 */
@Injectable()
export class DeliveriesExport {
  private readonly logger = new Logger('deliveries');
  private running = 0;

  constructor(private readonly deliveries: DeliveriesService) {}

  /**
   * The deliveries of a notification, as {@link DeliveriesService.ofNotification} lists them.
   *
   * @throws DomainError as the list, and `too_many_exports`
   */
  ofNotification(
    applicationId: string,
    notificationId: string,
    filter: DeliveryFilter,
    format: ExportFormat,
  ): Promise<Readable> {
    return this.open(format, (after) => {
      const [device] = after ? deviceCursor.parse(after) : [0];
      return this.deliveries.ofNotification(applicationId, notificationId, filter, device, MAX_PAGE_SIZE);
    });
  }

  /**
   * What {@link DeliveriesService.search} finds.
   *
   * @throws DomainError as the search, and `too_many_exports`
   */
  search(applicationId: string, criteria: SearchCriteria, format: ExportFormat): Promise<Readable> {
    return this.open(format, (after) => {
      const position = after && timeCursor.parse(after);
      return this.deliveries.search(applicationId, criteria, position, MAX_PAGE_SIZE);
    });
  }

  /** The first page is read before there is an answer, so that what is wrong with the request can still be said. */
  private async open(format: ExportFormat, read: ReadPage): Promise<Readable> {
    if (this.running >= MAX_EXPORTS) throw tooManyExports();
    this.running += 1;
    try {
      return this.stream(format, await read(undefined), read);
    } catch (error) {
      this.running -= 1;
      throw error;
    }
  }

  private stream(format: ExportFormat, first: DeliveryPage, read: ReadPage): Readable {
    const startedMs = performance.now();
    const progress = { rows: 0 };
    const idle = setTimeout(() => stream.destroy(new Error('the export was not read')), MAX_IDLE_MS);
    idle.unref();
    const isWanted = () => {
      idle.refresh();
      return !stream.destroyed;
    };
    // By bytes, so that one page waits for the client and no further one is read.
    const stream = Readable.from(chunksOf(format, first, read, isWanted, progress), { objectMode: false });
    stream.once('close', () => {
      clearTimeout(idle);
      this.running -= 1;
      const outcome = stream.readableEnded ? 'completed' : 'interrupted';
      const durationMs = Math.round(performance.now() - startedMs);
      this.logger.log({ event: 'deliveries.exported', outcome, rows: progress.rows, durationMs });
    });
    return stream;
  }
}

/** @param isWanted asked between pages: a search may find nothing on many of them, and nobody hears of a client that left until then */
async function* chunksOf(
  format: ExportFormat,
  first: DeliveryPage,
  read: ReadPage,
  isWanted: () => boolean,
  progress: { rows: number },
): AsyncGenerator<string> {
  if (format === 'csv') yield csvHead();
  for (let page = first; ; page = await read(page.next)) {
    if (!isWanted()) return;
    progress.rows += page.items.length;
    if (page.items.length > 0) yield page.items.map(format === 'csv' ? csvLine : ndjsonLine).join('');
    if (page.next === undefined) return;
    // Other requests of this process get their turn, however fast the client and the database are.
    await nextTurn();
  }
}

/** A delivery as the lists show it, without `explanation`: the same sentences, a million times over. */
function ndjsonLine(delivery: Delivery): string {
  const { notificationId, deviceId, userId, provider, status, nextAttemptAt, receipts } = delivery;
  const attempts = delivery.attempts.map(({ number, at, outcome, code, providerMessageId, latencyMs, detail }) => {
    return { number, at, outcome, code, providerMessageId, latencyMs, detail };
  });
  const line = { notificationId, deviceId, userId, provider, status, attempts, nextAttemptAt, receipts };
  return `${JSON.stringify(line)}\n`;
}

function tooManyExports(): DomainError {
  const message = `${MAX_EXPORTS} exports are under way here: wait for one of them to end.`;
  return new DomainError('limited', 'too_many_exports', message, [], RETRY_AFTER_SECONDS);
}
