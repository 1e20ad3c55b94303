import type { Readable } from 'node:stream';
import { Body, Controller, Headers, Param, Query, Res, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { type Caller, CurrentCaller } from '../applications/caller.js';
import { NDJSON_MEDIA_TYPE } from '../http/fastify.js';
import { decodeCursor, makePage, pageOf } from '../http/pagination.js';
import { Route } from '../http/route.js';
import { BulkRegistration } from './bulk-registration.js';
import { presentDevice } from './device.js';
import { DeviceDirectory } from './device-directory.js';
import {
  deviceParams,
  deviceSchema,
  deviceSecretHeaders,
  historyCursor,
  historyEntrySchema,
  historyQuery,
  listDevicesQuery,
  listUsersQuery,
  registerBody,
  registeredDeviceSchema,
  updateBody,
  userCursor,
  userParams,
  userSchema,
} from './devices.dto.js';
import { DevicesService } from './devices.service.js';
import { RegistrationService } from './registration.service.js';

const TAG = 'Devices';
const cursorSchema = z.tuple([z.int().nonnegative()]);
type SecretHeaders = z.infer<typeof deviceSecretHeaders>;

@Controller()
export class DevicesController {
  constructor(
    private readonly devices: DevicesService,
    private readonly registration: RegistrationService,
    private readonly bulk: BulkRegistration,
    private readonly directory: DeviceDirectory,
  ) {}

  @Route('POST', '/v1/devices', {
    summary: 'Register a device, or refresh a known one',
    tag: TAG,
    access: ['client', 'server'],
    audit: 'device.register',
    headers: deviceSecretHeaders,
    body: registerBody,
    responses: {
      200: { description: 'Known (server key), or either (client key).', schema: registeredDeviceSchema },
      201: { description: 'New; server key only.', schema: registeredDeviceSchema },
    },
  })
  async register(
    @CurrentCaller() caller: Caller,
    @Headers() headers: SecretHeaders,
    @Body() body: z.infer<typeof registerBody>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { device, isNew, deviceSecret } = await this.registration.register(caller, body, headers['x-device-secret']);
    if (isNew && caller.role !== 'client') reply.status(201);
    return { ...presentDevice(device), ...(deviceSecret === undefined ? {} : { deviceSecret }) };
  }

  @Route('POST', '/v1/devices/bulk', {
    summary: 'Register up to 10,000 devices, one JSON object per line',
    tag: TAG,
    access: ['server'],
    audit: 'device.register_many',
    bodyMediaType: NDJSON_MEDIA_TYPE,
    responses: { 200: { description: 'One result per line, as NDJSON, in the order of the lines.' } },
  })
  registerMany(@CurrentCaller() caller: Caller, @Body() body: Readable | undefined): StreamableFile {
    return new StreamableFile(this.bulk.run(caller.applicationId, body), { type: NDJSON_MEDIA_TYPE });
  }

  @Route('GET', '/v1/devices', {
    summary: 'List devices',
    tag: TAG,
    access: ['server'],
    query: listDevicesQuery,
    responses: { 200: { description: 'In the order of first registration.', schema: pageOf(deviceSchema) } },
  })
  async list(@CurrentCaller() caller: Caller, @Query() query: z.infer<typeof listDevicesQuery>) {
    const { cursor, limit, ...filter } = query;
    const [afterId] = cursor ? decodeCursor(cursor, cursorSchema) : [0];
    const devices = await this.devices.list(caller.applicationId, filter, afterId, limit + 1);
    return makePage(devices, limit, ({ id }) => [id], presentDevice);
  }

  @Route('GET', '/v1/devices/:id', {
    summary: 'Read a device',
    tag: TAG,
    access: ['server'],
    params: deviceParams,
    responses: { 200: { description: 'The device, without its token.', schema: deviceSchema } },
  })
  async read(@CurrentCaller() caller: Caller, @Param() { id }: z.infer<typeof deviceParams>) {
    return presentDevice(await this.devices.get(caller.applicationId, id));
  }

  @Route('GET', '/v1/devices/:id/history', {
    summary: 'List what happened to a device, also to one that was removed',
    tag: TAG,
    access: ['server'],
    params: deviceParams,
    query: historyQuery,
    responses: { 200: { description: 'Newest first; kept as long as attempts.', schema: pageOf(historyEntrySchema) } },
  })
  async history(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof deviceParams>,
    @Query() { cursor, limit }: z.infer<typeof historyQuery>,
  ) {
    const [before] = cursor ? decodeCursor(cursor, historyCursor) : [Number.MAX_SAFE_INTEGER];
    const entries = await this.directory.history(caller.applicationId, id, before, limit + 1);
    return makePage(
      entries,
      limit,
      (entry) => [entry.id],
      ({ at, event, detail }) => ({ at: at.toISOString(), event, detail }),
    );
  }

  @Route('PATCH', '/v1/devices/:id', {
    summary: 'Change a device, or give it the token that the provider rotated to',
    tag: TAG,
    access: ['client', 'server'],
    audit: 'device.update',
    params: deviceParams,
    headers: deviceSecretHeaders,
    body: updateBody,
    responses: { 200: { description: 'As it is now.', schema: deviceSchema } },
  })
  async update(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof deviceParams>,
    @Headers() headers: SecretHeaders,
    @Body() body: z.infer<typeof updateBody>,
  ) {
    return presentDevice(await this.devices.update(caller, id, body, headers['x-device-secret']));
  }

  @Route('DELETE', '/v1/devices/:id', {
    summary: 'Remove a device',
    tag: TAG,
    access: ['client', 'server'],
    audit: 'device.delete',
    params: deviceParams,
    headers: deviceSecretHeaders,
    responses: { 204: { description: 'Removed.' } },
  })
  remove(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof deviceParams>,
    @Headers() headers: SecretHeaders,
  ): Promise<void> {
    return this.devices.remove(caller, id, headers['x-device-secret']);
  }

  @Route('GET', '/v1/users', {
    summary: 'List the users that have devices',
    tag: TAG,
    access: ['server'],
    query: listUsersQuery,
    responses: { 200: { description: 'In the order of their ids’ bytes.', schema: pageOf(userSchema) } },
  })
  async listUsers(@CurrentCaller() caller: Caller, @Query() query: z.infer<typeof listUsersQuery>) {
    const [after] = query.cursor ? decodeCursor(query.cursor, userCursor) : [''];
    const users = await this.directory.users(caller.applicationId, query.prefix ?? '', after, query.limit + 1);
    return makePage(
      users,
      query.limit,
      ({ userId }) => [userId],
      (user) => ({ ...user, lastRegisteredAt: user.lastRegisteredAt.toISOString() }),
    );
  }

  @Route('DELETE', '/v1/users/:userId', {
    summary: 'Forget a person: remove all their devices',
    tag: TAG,
    access: ['server'],
    audit: 'user.forget',
    params: userParams,
    responses: { 204: { description: 'No device of that user is left.' } },
  })
  forgetUser(@CurrentCaller() caller: Caller, @Param() { userId }: z.infer<typeof userParams>): Promise<void> {
    return this.devices.forgetUser(caller.applicationId, userId);
  }
}
