import { Controller, Headers, Param, Query } from '@nestjs/common';
import type { z } from 'zod';
import { type Caller, CurrentCaller } from '../applications/caller.js';
import { presentDevice } from '../devices/device.js';
import { Route } from '../http/route.js';
import { OperationsService } from '../notifications/operations.service.js';
import { idParams, languageHeaders } from './deliveries.dto.js';
import { DeliveryDetailsService } from './delivery-details.service.js';
import { deliveryDetailsSchema, deliveryParams, failuresSchema, whyQuery, whySchema } from './explained.dto.js';
import { explainDevice, explainFailure } from './explanation.js';
import { languageOf } from './explanations/language.js';
import { WhyService } from './why.service.js';

const TAG = 'Deliveries';
const common = { tag: TAG, access: ['server'], headers: languageHeaders } as const;

/** One delivery, explained, and the search for an explanation. */
@Controller()
export class ExplainedController {
  constructor(
    private readonly details: DeliveryDetailsService,
    private readonly whys: WhyService,
    private readonly operations: OperationsService,
  ) {}

  @Route('GET', '/v1/notifications/:id/failures', {
    ...common,
    summary: 'Count what ended otherwise than accepted, by code, and say what the codes mean',
    params: idParams,
    responses: { 200: { description: 'Counted at this moment', schema: failuresSchema } },
  })
  async failures(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof idParams>,
    @Headers('accept-language') accepts: string | undefined,
  ) {
    const language = languageOf(accepts);
    const counts = await this.operations.failures(caller.applicationId, id);
    return { items: counts.map((count) => ({ ...count, explanation: explainFailure(count, language) })) };
  }

  @Route('GET', '/v1/notifications/:id/deliveries/:deviceId', {
    ...common,
    summary: 'Read one delivery with its request, compiled again, and its explanation',
    params: deliveryParams,
    responses: { 200: { description: 'The delivery as it is now', schema: deliveryDetailsSchema } },
  })
  async read(
    @CurrentCaller() caller: Caller,
    @Param() { id, deviceId }: z.infer<typeof deliveryParams>,
    @Headers('accept-language') accepts: string | undefined,
  ) {
    const found = await this.details.read(caller.applicationId, id, deviceId, languageOf(accepts));
    const { state, content, createdAt, sendAt, expiresAt } = found.notification;
    return {
      ...found.delivery,
      request: found.request && { recompiled: true as const, ...found.request },
      notification: { status: state, content, createdAt, sendAt, expiresAt },
      device: presentDevice(found.device),
    };
  }

  @Route('GET', '/v1/deliveries/why', {
    ...common,
    summary: 'Find out why a device did or did not ring',
    query: whyQuery,
    responses: { 200: { description: 'Everything that was on its way around that time', schema: whySchema } },
  })
  async why(
    @CurrentCaller() caller: Caller,
    @Query() { userId, deviceId, at, windowSeconds }: z.infer<typeof whyQuery>,
    @Headers('accept-language') accepts: string | undefined,
  ) {
    const language = languageOf(accepts);
    const whose = deviceId === undefined ? { userId: userId ?? '' } : { deviceId };
    const answer = await this.whys.ask(caller.applicationId, { whose, at, windowSeconds }, language);
    const devices = answer.devices.map((device) => {
      return { ...presentDevice(device), explanation: explainDevice(device, language) };
    });
    return { ...answer, devices };
  }
}
