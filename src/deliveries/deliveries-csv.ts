import type { Attempt, Delivery, ReceiptType } from './delivery.js';

/** What stands in each column of an export as CSV, in their order. Further columns are only ever added at the end. */
export const CSV_COLUMNS = [
  'notificationId',
  'deviceId',
  'userId',
  'provider',
  'status',
  'calls',
  'lastAttemptAt',
  'outcome',
  'code',
  'detail',
  'latencyMs',
  'providerMessageId',
  'nextAttemptAt',
  'deliveredAt',
  'displayedAt',
  'openedAt',
  'dismissedAt',
] as const;

type Cell = string | number | Date | null | undefined;

/** The first line, with its end. */
export function csvHead(): string {
  return lineOf(CSV_COLUMNS);
}

/** One line per delivery: what its latest log entry says, how many calls there were, and when the device reported what. */
export function csvLine(delivery: Delivery): string {
  const latest: Attempt | undefined = delivery.attempts.at(-1);
  const reported = (type: ReceiptType) => delivery.receipts.find((receipt) => receipt.type === type)?.at;
  const columns: Record<(typeof CSV_COLUMNS)[number], Cell> = {
    notificationId: delivery.notificationId,
    deviceId: delivery.deviceId,
    userId: delivery.userId,
    provider: delivery.provider,
    status: delivery.status,
    calls: delivery.attempts.filter(({ number }) => number > 0).length,
    lastAttemptAt: latest?.at,
    outcome: latest?.outcome,
    code: latest?.code,
    detail: latest?.detail,
    latencyMs: latest?.latencyMs,
    providerMessageId: latest?.providerMessageId,
    nextAttemptAt: delivery.nextAttemptAt,
    deliveredAt: reported('delivered'),
    displayedAt: reported('displayed'),
    openedAt: reported('opened'),
    dismissedAt: reported('dismissed'),
  };
  return lineOf(CSV_COLUMNS.map((column) => columns[column]));
}

/** @see https://www.rfc-editor.org/rfc/rfc4180 */
function lineOf(cells: readonly Cell[]): string {
  return `${cells.map(cellOf).join(',')}\r\n`;
}

/**
 * One cell. A text that a spreadsheet would take for a formula gets an apostrophe before it: user ids and what providers
 * answer come from outside, and may want to run in the program of whoever opens the file.
 *
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
function cellOf(value: Cell): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  if (value instanceof Date) return value.toISOString();
  const text = /^[=+\-@\t\r\n＝＋－＠]/.test(value) ? `'${value}` : value;
  return /[",\r\n\t']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
