import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { bodyOf, serveBare } from './bare.js';

/** A Socket.IO server as its documentation begins: everybody is in one room, and what is posted is emitted to it. */
const server = createServer(async (request, response) => {
  const message: unknown = JSON.parse(await bodyOf(request));
  io.to('prices').emit('message', message);
  response.writeHead(201, { 'content-length': 2 }).end('{}');
});
const io = new Server(server, { transports: ['websocket'], serveClient: false });
io.on('connection', (socket) => {
  void socket.join('prices');
});
serveBare(server);
