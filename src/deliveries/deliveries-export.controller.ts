import type { Readable } from 'node:stream';
import { Controller, Param, Query, StreamableFile } from '@nestjs/common';
import type { z } from 'zod';
import { type Caller, CurrentCaller } from '../applications/caller.js';
import { NDJSON_MEDIA_TYPE } from '../http/fastify.js';
import { Route } from '../http/route.js';
import { idParams } from './deliveries.dto.js';
import { EXPORT_DESCRIPTION, notificationExportQuery, searchExportQuery } from './deliveries-export.dto.js';
import { DeliveriesExport, type ExportFormat } from './deliveries-export.js';

const TAG = 'Deliveries';
const MEDIA_TYPES = { csv: 'text/csv; charset=utf-8; header=present', ndjson: NDJSON_MEDIA_TYPE };
const responses = { 200: { description: EXPORT_DESCRIPTION } };

/** The delivery log as a file. */
@Controller()
export class DeliveriesExportController {
  constructor(private readonly exports: DeliveriesExport) {}

  @Route('GET', '/v1/notifications/:id/deliveries/export', {
    summary: 'Export the deliveries of a notification as CSV or NDJSON',
    tag: TAG,
    access: ['server'],
    params: idParams,
    query: notificationExportQuery,
    responses,
  })
  async ofNotification(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof idParams>,
    @Query() { format, ...filter }: z.infer<typeof notificationExportQuery>,
  ): Promise<StreamableFile> {
    const file = await this.exports.ofNotification(caller.applicationId, id, filter, format);
    return answer(file, format, `notification-${id}`);
  }

  @Route('GET', '/v1/deliveries/export', {
    summary: 'Export what a search finds as CSV or NDJSON',
    tag: TAG,
    access: ['server'],
    query: searchExportQuery,
    responses,
  })
  async search(
    @CurrentCaller() caller: Caller,
    @Query() { format, ...criteria }: z.infer<typeof searchExportQuery>,
  ): Promise<StreamableFile> {
    const file = await this.exports.search(caller.applicationId, criteria, format);
    return answer(file, format, `deliveries-${criteria.status}`);
  }
}

function answer(file: Readable, format: ExportFormat, name: string): StreamableFile {
  return new StreamableFile(file, {
    type: MEDIA_TYPES[format],
    disposition: `attachment; filename="${name}.${format}"`,
  });
}
