/**
 * The ways in which realtime clients follow channels, each as little as it takes. Part of {@link file://./swarm-process.ts}, hence
 * no imports from src or test and only erasable TypeScript.
 */
import { randomBytes } from 'node:crypto';
import { Agent, get, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { io } from 'socket.io-client';
import type { ClientSpec } from './swarm-process.js';

export interface Message {
  id: string;
  channel: string;
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the test published
  data: any;
}

/** What a transport tells its client. */
export interface Listener {
  live(cursor: string): void;
  message(message: Message, cursor: string): void;
  /** It comes back by itself, now. */
  trying(): void;
  /** Nothing more comes. `afterMs`: when to come back, if the service said so. */
  over(why: string, afterMs?: number): void;
}

/** What a transport needs to know of its client. */
export interface Follower {
  baseUrl: string;
  /** Milliseconds over which those who were cut off come back. */
  windowMs: number;
  spec: ClientSpec;
  cursor: string | undefined;
}

/** Sources of the SDK are no erasable TypeScript. */
const { Carillon } = (await import(
  new URL('../../dist/browser/sdk/carillon.js', import.meta.url).href
)) as typeof import('../../browser/sdk/carillon.js');
const ONLY_TRANSPORTS = [undefined, 'sse', 'polling'] as const;

const PONG_MS = 10_000;

const polls = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

/** A WebSocket that speaks just enough of Socket.IO. */
export function openRaw({ baseUrl, spec, cursor }: Follower, listener: Listener): () => void {
  const { hostname, port } = new URL(baseUrl);
  const tcp = connect(Number(port), hostname);
  let why = 'lost';
  let afterMs: number | undefined;
  const send = (packet: string) => tcp.write(textFrame(packet));
  const end = (reason: string) => {
    why = reason;
    tcp.destroy();
  };
  const answers: Record<string, (rest: string) => void> = {
    '0': () => send(`40${JSON.stringify({ token: spec.token, ...(cursor !== undefined && { after: cursor }) })}`),
    '2': () => send('3'),
    '40': () => send(`420${JSON.stringify(['subscribe', { channels: spec.channels }])}`),
    '44': (rest) => end(JSON.parse(rest).data.code),
    '430': (rest) => {
      const [answer] = JSON.parse(rest);
      if (!answer.ok) return end(answer.error.code);
      if (spec.reads === false) {
        tcp.pause();
        // It also hears no ping, and whoever answers none is closed for that.
        const pong = setInterval(() => send('3'), PONG_MS);
        tcp.once('close', () => clearInterval(pong));
      }
      listener.live(answer.cursor);
    },
    '42': (rest) => {
      const [event, data, after] = JSON.parse(rest);
      if (event === 'message') listener.message(data, after);
      else if (event === 'closed') why = data.reason;
      else if (event === 'reconnect') [why, afterMs] = ['reconnect', data.delayMs];
    },
  };
  const take = (packet: string) => {
    const [type = ''] = /^\d+/.exec(packet) ?? [];
    answers[type]?.(packet.slice(type.length));
  };
  const read = readFrames(take, () => tcp.destroy());
  tcp.on('data', read);
  tcp.on('error', () => undefined);
  tcp.on('close', () => listener.over(why, afterMs));
  const key = randomBytes(16).toString('base64');
  tcp.write(
    `GET /realtime/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  return () => tcp.destroy();
}

/** Masked, as clients must, but with zeros. @see RFC 6455 §5.2 */
function textFrame(text: string): Buffer {
  const body = Buffer.from(text);
  const head = body.length < 126 ? [0x81, 0x80 | body.length] : [0x81, 0xfe, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), body]);
}

/** Reads what a WebSocket server sends: the answer to the upgrade, then whole text frames. */
function readFrames(take: (text: string) => void, close: () => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let isUpgraded = false;
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!isUpgraded) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      isUpgraded = true;
      rest = rest.subarray(end + 4);
    }
    while (rest.length >= 2) {
      const short = rest[1] ?? 0;
      const start = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (rest.length < start) return;
      const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
      if (rest.length < start + length) return;
      if (rest[0] === 0x81) take(rest.toString('utf8', start, start + length));
      else if (rest[0] === 0x88) close();
      rest = rest.subarray(start + length);
    }
  };
}

/** The unmodified socket.io-client. */
export function openIo(client: Follower, listener: Listener): () => void {
  const { baseUrl, windowMs, spec } = client;
  const { token, channels, returns = true } = spec;
  const socket = io(baseUrl, {
    path: '/realtime',
    transports: ['websocket'],
    forceNew: true,
    reconnection: returns,
    // Its own jitter is not even; a delay that each client draws once is.
    reconnectionDelay: Math.random() * windowMs,
    reconnectionDelayMax: 2 * windowMs,
    randomizationFactor: 0,
    auth: (give) => give({ token, ...(client.cursor !== undefined && { after: client.cursor }) }),
  });
  let why: string | undefined;
  socket.on('connect', async () => {
    const answer = await socket.emitWithAck('subscribe', { channels }).catch(() => undefined);
    if (answer?.ok) listener.live(answer.cursor);
  });
  socket.on('message', (message, after) => listener.message(message, after));
  socket.on('closed', ({ reason }) => {
    why = reason;
  });
  socket.on('reconnect', ({ delayMs }) => {
    socket.disconnect();
    setTimeout(() => {
      listener.trying();
      socket.connect();
    }, delayMs);
  });
  socket.on('disconnect', (reason) => listener.over(why ?? reason));
  socket.on('connect_error', (error) => 'data' in error && listener.over(Object(error.data).code));
  socket.io.on('reconnect_attempt', () => listener.trying());
  return () => socket.disconnect();
}

/** The browser SDK as pages load it, over the first transport that works, or over one that is the only one it may use. */
export function openSdk(client: Follower, listener: Listener): () => void {
  const { baseUrl, spec, cursor } = client;
  const only = ONLY_TRANSPORTS[spec.id % ONLY_TRANSPORTS.length];
  const carillon = new Carillon({ url: baseUrl, getToken: () => spec.token, ...(only && { transports: [only] }) });
  let wasLive = false;
  carillon.on('status', ({ state }) => {
    if (state === 'open') listener.live(carillon.cursor);
    else if (state === 'connecting' && wasLive) listener.trying();
    else if (wasLive) listener.over(state);
    wasLive ||= state === 'open';
  });
  carillon.on('gap', ({ channel, from, to }) =>
    listener.message({ id: to, channel, event: 'gap', data: { from, to } }, carillon.cursor),
  );
  for (const channel of spec.channels) {
    carillon.subscribe(channel, (message) => listener.message(message, carillon.cursor), { after: cursor });
  }
  return () => carillon.close();
}

/** @param ticket instead of the token */
export function openSse({ baseUrl, spec, cursor }: Follower, listener: Listener, ticket?: string): () => void {
  const query = new URLSearchParams({ channels: spec.channels.join(','), ...(ticket !== undefined && { ticket }) });
  const headers = {
    ...(ticket === undefined && { authorization: `Bearer ${spec.token}` }),
    ...(cursor !== undefined && { 'last-event-id': cursor }),
  };
  let why = 'lost';
  let retryMs: number | undefined;
  let lastId = cursor ?? '';
  let isLive = false;
  let isAnswered = false;
  const block = (text: string) => {
    const fields = new Map(text.split('\n').map((line) => [/^[^:]*/.exec(line)?.[0], line.replace(/^[^:]*: ?/, '')]));
    lastId = fields.get('id') ?? lastId;
    if (fields.has('retry')) retryMs = Number(fields.get('retry'));
    const data = fields.get('data');
    if (data !== undefined) {
      const event = fields.get('event');
      if (event === 'closed') why = JSON.parse(data).reason;
      else if (event === 'reconnect') why = 'reconnect';
      else if (event !== 'expiring') listener.message(JSON.parse(data), lastId);
    } else if (fields.has('id') && !isLive) {
      isLive = true;
      listener.live(lastId);
    }
  };
  const opened = get(`${baseUrl}/v1/realtime/events?${query}`, { agent: false, headers }, (response) => {
    isAnswered = true;
    if (response.statusCode !== 200) return void refusalOf(response).then((code) => listener.over(code));
    let rest = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      const blocks = (rest + text).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const one of blocks) block(one);
      // Not the socket: the response would make it go on.
      if (spec.reads === false && isLive) response.pause();
    });
    response.on('error', () => undefined);
    response.on('close', () => listener.over(why, retryMs));
  });
  opened.on('error', () => !isAnswered && listener.over('lost', retryMs));
  return () => opened.destroy();
}

export function openPoll({ baseUrl, spec, cursor }: Follower, listener: Listener): () => void {
  const channels = spec.channels.join(',');
  let after = cursor;
  let isLive = false;
  let isClosed = false;
  const poll = () => {
    const query = new URLSearchParams({
      channels,
      waitSeconds: isLive ? '25' : '0',
      ...(after !== undefined && { after }),
    });
    const options = { agent: polls, headers: { authorization: `Bearer ${spec.token}` } };
    let isAnswered = false;
    const asked = get(`${baseUrl}/v1/realtime/poll?${query}`, options, async (response) => {
      isAnswered = true;
      if (response.statusCode !== 200 && response.statusCode !== 204) return listener.over(await refusalOf(response));
      const body = await textOf(response);
      if (body === undefined) return listener.over('lost');
      const { messages = [], cursor: next = String(response.headers['x-cursor']) } =
        body === '' ? {} : JSON.parse(body);
      for (const message of messages) listener.message(message, next);
      after = next;
      if (!isLive) listener.live(next);
      isLive = true;
      if (!isClosed) poll();
    });
    asked.on('error', () => !isAnswered && listener.over('lost'));
  };
  poll();
  return () => {
    isClosed = true;
  };
}

/** @returns undefined when it was cut off */
async function textOf(response: IncomingMessage): Promise<string | undefined> {
  try {
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return text;
  } catch {
    return undefined;
  }
}

async function refusalOf(response: IncomingMessage): Promise<string> {
  const text = (await textOf(response)) ?? '';
  return text.startsWith('{') ? JSON.parse(text).code : `http_${response.statusCode}`;
}

/** @returns undefined when it is refused */
export function ticketFor(baseUrl: string, token: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', agent: polls, headers: { authorization: `Bearer ${token}` } };
    const asked = request(`${baseUrl}/v1/realtime/tickets`, options, async (response) => {
      const { ticket } = JSON.parse((await textOf(response)) ?? '{}');
      resolve(ticket);
    });
    asked.on('error', reject);
    asked.end();
  });
}
