import { Body, Controller, Headers } from '@nestjs/common';
import type { z } from 'zod';
import { type Caller, CurrentCaller } from '../applications/caller.js';
import { deviceSecretHeaders } from '../devices/devices.dto.js';
import { Route } from '../http/route.js';
import { receiptBody, recordedReceiptSchema } from './deliveries.dto.js';
import { ReceiptsService } from './receipts.service.js';

@Controller()
export class ReceiptsController {
  constructor(private readonly receipts: ReceiptsService) {}

  @Route('POST', '/v1/receipts', {
    summary: 'Report what a device did with a notification',
    tag: 'Receipts',
    access: ['client'],
    headers: deviceSecretHeaders,
    body: receiptBody,
    responses: {
      200: { description: 'Recorded, now or before; repeated ones count once.', schema: recordedReceiptSchema },
    },
  })
  async report(
    @CurrentCaller() caller: Caller,
    @Headers() headers: z.infer<typeof deviceSecretHeaders>,
    @Body() body: z.infer<typeof receiptBody>,
  ): Promise<z.input<typeof receiptBody>> {
    const at = await this.receipts.record(caller.applicationId, body, headers['x-device-secret']);
    return { ...body, at: at.toISOString() };
  }
}
