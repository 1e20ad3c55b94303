import type { FastifyRequest } from 'fastify';
import { DomainError } from '../lib/errors.js';

const LOOPBACK_ADDRESS = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/;
const LOOPBACK_HOST = /^(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?$/;
const PROXY_HEADERS = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

/**
 * Lets through only what a page of this service does, in a browser on this machine: the demo gives tokens to whoever asks.
 * The name of the host is looked at because a name of somebody else's may be made to lead here.
 *
 * @throws DomainError `demo_refused`
 */
export function assertOwnMachine({ socket, headers }: Pick<FastifyRequest, 'socket' | 'headers'>): void {
  const { host = '', origin } = headers;
  const isFromHere = LOOPBACK_ADDRESS.test(socket.remoteAddress ?? '') && LOOPBACK_HOST.test(host);
  const isProxied = PROXY_HEADERS.some((name) => headers[name] !== undefined);
  const isOwnPage = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
  if (isFromHere && !isProxied && isOwnPage) return;
  throw new DomainError('forbidden', 'demo_refused', 'The demo serves only the machine that it runs on.');
}
