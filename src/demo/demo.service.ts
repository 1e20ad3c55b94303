import { Injectable } from '@nestjs/common';
import { AcceptService } from '../notifications/accept.service.js';
import { formatId } from '../realtime/position.js';
import { RealtimeTokensService } from '../realtime/realtime-tokens.service.js';
import { RealtimeStream } from '../realtime/stream.js';
import { DemoApplication } from './demo-application.js';
import { TICKER_CHANNEL } from './ticker.js';

const CHAT_CHANNEL = 'demo-chat';
/** Short, so that whoever leaves the page open sees a token being replaced. */
const TOKEN_SECONDS = 600;

/** What a product's own backend would do for its users' pages. */
@Injectable()
export class DemoService {
  constructor(
    private readonly application: DemoApplication,
    private readonly tokens: RealtimeTokensService,
    private readonly stream: RealtimeStream,
    private readonly acceptance: AcceptService,
  ) {}

  async session(userId: string) {
    const { id: applicationId, clientKey } = await this.application.read();
    const allowed = { channels: [CHAT_CHANNEL, TICKER_CHANNEL], publish: [CHAT_CHANNEL], presence: [] };
    const { token, grant } = await this.tokens.issue(applicationId, { userId, ...allowed, ttlSeconds: TOKEN_SECONDS });
    return { token, expiresAt: grant.expiresAt.toISOString(), applicationId, clientKey };
  }

  /** @returns the message's id */
  async say({ userId, text }: { userId: string; text: string }): Promise<string> {
    const { id: applicationId } = await this.application.read();
    const data = JSON.stringify({ from: userId, text });
    return formatId(await this.stream.publish({ applicationId, name: CHAT_CHANNEL }, { event: 'line', data }));
  }

  /** @returns the notification's id */
  async notify(userId: string, clickUrl: string): Promise<string> {
    const { id: applicationId } = await this.application.read();
    const content = { title: `Hello ${userId}`, body: 'Sent from the demo page', clickUrl };
    const { accepted } = await this.acceptance.accept(
      applicationId,
      { audience: { userIds: [userId] }, content },
      undefined,
    );
    return accepted.id;
  }
}
