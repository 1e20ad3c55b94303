import { Body, Controller, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Route } from '../http/route.js';
import { StaticFiles } from '../http/static-files.js';
import { realtimeUserIdSchema } from '../realtime/channel.js';
import { DemoService } from './demo.service.js';
import { assertOwnMachine } from './own-machine.js';

const tag = 'Demo';
const access = 'public' as const;
/** The page may load and reach nothing but this service; older browsers do not count WebSocket as `'self'`. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "worker-src 'self'",
  "connect-src 'self' ws://127.0.0.1:* ws://localhost:* wss://127.0.0.1:* wss://localhost:*",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const fileParams = z.strictObject({ file: z.string() });
const sessionBody = z.strictObject({ userId: realtimeUserIdSchema });
const lineBody = z.strictObject({ userId: realtimeUserIdSchema, text: z.string().trim().min(1).max(500) });
const sessionSchema = z.object({
  token: z.string(),
  expiresAt: z.iso.datetime(),
  applicationId: z.uuid(),
  clientKey: z.string(),
});
const page = { tag, access, responses: { 200: { description: 'For browsers.' } } };

/** The live demo: only what `npm start` runs has it, and only for a browser on the same machine. */
@Controller()
export class DemoController {
  private readonly files = new StaticFiles('demo/', ['index.html', 'demo.css', 'demo.js', 'view.js']);

  constructor(private readonly demo: DemoService) {}

  @Route('GET', '/demo', { ...page, summary: 'The live demo' })
  async show(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    reply.headers({ 'content-security-policy': CONTENT_SECURITY_POLICY, 'referrer-policy': 'no-referrer' });
    await this.files.send(request, reply, 'index.html');
  }

  @Route('GET', '/demo/:file', { ...page, summary: 'What the demo page loads', params: fileParams })
  async file(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Param() { file }: z.infer<typeof fileParams>,
  ): Promise<void> {
    await this.files.send(request, reply, file);
  }

  @Route('POST', '/demo/session', {
    summary: "A realtime token for one of the demo's users",
    tag,
    access,
    body: sessionBody,
    responses: { 201: { description: 'What the page needs; no server key.', schema: sessionSchema } },
  })
  session(
    @Req() request: FastifyRequest,
    @Body() { userId }: z.infer<typeof sessionBody>,
  ): Promise<z.infer<typeof sessionSchema>> {
    assertOwnMachine(request);
    return this.demo.session(userId);
  }

  @Route('POST', '/demo/lines', {
    summary: 'Say something in the chat, for pages that are not connected over WebSocket',
    tag,
    access,
    body: lineBody,
    responses: { 201: { description: 'Published.', schema: z.object({ id: z.string() }) } },
  })
  async say(@Req() request: FastifyRequest, @Body() line: z.infer<typeof lineBody>): Promise<{ id: string }> {
    assertOwnMachine(request);
    return { id: await this.demo.say(line) };
  }

  @Route('POST', '/demo/notifications', {
    summary: "Send a notification to one of the demo's users",
    tag,
    access,
    body: sessionBody,
    responses: { 202: { description: 'Accepted.', schema: z.object({ id: z.uuid() }) } },
  })
  async notify(
    @Req() request: FastifyRequest,
    @Body() { userId }: z.infer<typeof sessionBody>,
  ): Promise<{ id: string }> {
    assertOwnMachine(request);
    return { id: await this.demo.notify(userId, `${request.protocol}://${request.headers.host}/demo?user=${userId}`) };
  }
}
