import { Controller, Param } from '@nestjs/common';
import type { z } from 'zod';
import { type Caller, CurrentCaller } from '../applications/caller.js';
import { Route } from '../http/route.js';
import { OnlineUsers } from './online-users.js';
import {
  channelPresenceSchema,
  toChannelPresence,
  toUserPresence,
  userPresenceParams,
  userPresenceSchema,
} from './presence.dto.js';
import { Presence } from './presence.js';
import { channelParams } from './realtime.dto.js';

const tag = 'Realtime';

@Controller()
export class PresenceController {
  constructor(
    private readonly presence: Presence,
    private readonly onlineUsers: OnlineUsers,
  ) {}

  @Route('GET', '/v1/realtime/channels/:channel/presence', {
    summary: 'Who is present in a channel',
    tag,
    access: ['server'],
    params: channelParams,
    responses: { 200: { description: 'As its messages `joined` and `left` tell.', schema: channelPresenceSchema } },
  })
  async ofChannel(
    @CurrentCaller() { applicationId }: Caller,
    @Param() { channel: name }: z.infer<typeof channelParams>,
  ): Promise<z.infer<typeof channelPresenceSchema>> {
    return toChannelPresence(await this.presence.read({ applicationId, name }));
  }

  @Route('GET', '/v1/realtime/users/:userId/presence', {
    summary: 'Whether a user is online',
    tag,
    access: ['server'],
    params: userPresenceParams,
    responses: { 200: { description: 'On whichever node and transport.', schema: userPresenceSchema } },
  })
  async ofUser(
    @CurrentCaller() { applicationId }: Caller,
    @Param() { userId }: z.infer<typeof userPresenceParams>,
  ): Promise<z.infer<typeof userPresenceSchema>> {
    return toUserPresence(await this.onlineUsers.read(applicationId, userId));
  }
}
