import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/**
 * Ends a connection with whatever is still on its way. After an ordinary close the kernel would go on offering it, megabytes
 * that nobody owns any more, for as long as the client's side answers without reading. Node can reset plain connections alone,
 * and none that is being closed already.
 */
export function cutOff(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket instanceof TLSSocket || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
