import { z } from 'zod';
import { notificationDeliveriesQuery, searchQuery } from './deliveries.dto.js';
import { CSV_COLUMNS } from './deliveries-csv.js';
import { EXPORT_FORMATS } from './deliveries-export.js';

const page = { cursor: true, limit: true } as const;
const format = { format: z.enum(EXPORT_FORMATS).default('csv') };

export const notificationExportQuery = notificationDeliveriesQuery.omit(page).extend(format);
export const searchExportQuery = searchQuery.omit(page).extend(format);

/** What an export holds, for the API's own documentation. */
export const EXPORT_DESCRIPTION = `A file, streamed. CSV (RFC 4180, UTF-8): one line per delivery with the columns ${CSV_COLUMNS.join(', ')}; outcome, code, detail, latencyMs and providerMessageId are of the latest attempt. A text that begins as a formula does (=, +, -, @, tab, line end) has an apostrophe before it. NDJSON: one delivery per line as the lists have it, unchanged, without explanations. An answer that breaks off is not whole.`;
