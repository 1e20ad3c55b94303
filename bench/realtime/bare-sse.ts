import { createServer, type ServerResponse } from 'node:http';
import { bodyOf, serveBare } from './bare.js';

const readers = new Set<ServerResponse>();

/** Server-sent events with nothing around them: what is posted is written to everybody. */
const server = createServer(async (request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': ok\n\n');
    readers.add(response);
    response.once('close', () => readers.delete(response));
    return;
  }
  const event = `event: message\ndata: ${JSON.stringify(JSON.parse(await bodyOf(request)))}\n\n`;
  for (const reader of readers) reader.write(event);
  response.writeHead(201, { 'content-length': 2 }).end('{}');
});
serveBare(server);
