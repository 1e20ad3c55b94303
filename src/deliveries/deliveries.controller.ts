import { Controller, Headers, Param, Query } from '@nestjs/common';
import type { z } from 'zod';
import { type Caller, CurrentCaller } from '../applications/caller.js';
import { decodeCursor, encodeCursor, type Page, pageOf } from '../http/pagination.js';
import { Route } from '../http/route.js';
import {
  deliverySchema,
  deviceCursor,
  deviceDeliveriesQuery,
  idParams,
  languageHeaders,
  notificationDeliveriesQuery,
  searchQuery,
  timeCursor,
} from './deliveries.dto.js';
import { DeliveriesService, type DeliveryPage } from './deliveries.service.js';
import type { Delivery } from './delivery.js';
import { languageOf } from './explanations/language.js';

const TAG = 'Deliveries';
const page = (description: string) => ({ 200: { description, schema: pageOf(deliverySchema) } });

/** The delivery log: why did this phone not ring? */
@Controller()
export class DeliveriesController {
  constructor(private readonly deliveries: DeliveriesService) {}

  @Route('GET', '/v1/notifications/:id/deliveries', {
    summary: 'List the deliveries of a notification with their attempts, pending ones included',
    tag: TAG,
    access: ['server'],
    params: idParams,
    query: notificationDeliveriesQuery,
    headers: languageHeaders,
    responses: page('In the order of the devices’ first registration.'),
  })
  async ofNotification(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof idParams>,
    @Query() { cursor, limit, ...filter }: z.infer<typeof notificationDeliveriesQuery>,
    @Headers('accept-language') accepts: string | undefined,
  ): Promise<Page<Delivery>> {
    const [after] = cursor ? decodeCursor(cursor, deviceCursor) : [0];
    return shown(
      await this.deliveries.ofNotification(caller.applicationId, id, filter, after, limit, languageOf(accepts)),
    );
  }

  @Route('GET', '/v1/devices/:id/deliveries', {
    summary: 'List what a device was sent',
    tag: TAG,
    access: ['server'],
    params: idParams,
    query: deviceDeliveriesQuery,
    headers: languageHeaders,
    responses: page('One entry per notification that was attempted, latest attempt first.'),
  })
  async ofDevice(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof idParams>,
    @Query() { cursor, limit }: z.infer<typeof deviceDeliveriesQuery>,
    @Headers('accept-language') accepts: string | undefined,
  ): Promise<Page<Delivery>> {
    const after = cursor ? decodeCursor(cursor, timeCursor) : undefined;
    return shown(await this.deliveries.ofDevice(caller.applicationId, id, after, limit, languageOf(accepts)));
  }

  @Route('GET', '/v1/deliveries', {
    summary: 'Search the deliveries of all notifications',
    tag: TAG,
    access: ['server'],
    query: searchQuery,
    headers: languageHeaders,
    responses: page('Latest attempt first. A page may be short or empty and still have a next one.'),
  })
  async search(
    @CurrentCaller() caller: Caller,
    @Query() { cursor, limit, ...criteria }: z.infer<typeof searchQuery>,
    @Headers('accept-language') accepts: string | undefined,
  ): Promise<Page<Delivery>> {
    const after = cursor ? decodeCursor(cursor, timeCursor) : undefined;
    return shown(await this.deliveries.search(caller.applicationId, criteria, after, limit, languageOf(accepts)));
  }
}

function shown({ items, next }: DeliveryPage): Page<Delivery> {
  return { items, nextCursor: next ? encodeCursor(next) : null };
}
