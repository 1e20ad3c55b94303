import { randomBytes } from 'node:crypto';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BuiltConsole } from './built-console.js';
import { Route } from './route.js';

const tag = 'Console';
const access = 'public' as const;
const responses = { 200: { description: 'For browsers.' } };

/** Frames, foreign hosts and inline scripts are out; pictures are those that a notification names, shown when asked for. */
function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' https:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The admin console: one page and what it loads. It holds no data; its API calls carry the session's cookie. */
@Controller()
export class ConsoleController {
  private readonly built = new BuiltConsole();

  @Route('GET', '/console', { summary: 'The admin console', tag, access, responses })
  async open(@Res() reply: FastifyReply): Promise<void> {
    await this.page(reply);
  }

  @Route('GET', '/console/*', { summary: 'A page of the console, or a file', tag, access, responses })
  async read(@Req() request: FastifyRequest<{ Params: { '*': string } }>, @Res() reply: FastifyReply): Promise<void> {
    const path = request.params['*'];
    if (path.startsWith('assets/')) await this.built.send(request, reply, path);
    else await this.page(reply);
  }

  /** Every address of the console is the same page, which finds its own way from there. */
  private async page(reply: FastifyReply): Promise<void> {
    const nonce = randomBytes(16).toString('base64');
    const html = await this.built.page(nonce);
    await reply
      .headers({
        'content-security-policy': contentSecurityPolicy(nonce),
        'referrer-policy': 'no-referrer',
        'permissions-policy': 'camera=(), geolocation=(), microphone=()',
        'cross-origin-opener-policy': 'same-origin',
        'cache-control': 'no-store',
      })
      .type('text/html; charset=utf-8')
      .send(html);
  }
}
