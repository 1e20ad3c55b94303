import http2, { type ClientHttp2Session } from 'node:http2';
import https from 'node:https';
import { initializeApp } from 'firebase-admin/app';
import { getMessaging, type Messaging } from 'firebase-admin/messaging';
import { type Contest, contend, sustain } from '../contender.js';
import { ACCESS_TOKEN, DEVICES, fcmToken, IN_FLIGHT } from '../requests.js';
import { firebaseMessage, PROJECT_ID } from './message.js';

export interface FirebaseInput {
  /**
   * `send`: as it is, over HTTP/1.1. `sendEach`: as it is, 500 at a time, a new HTTP/2 session for each 500.
   * `warm`: `send()` over the package's own HTTP/2 client, with one session that stays.
   * `bare`: `send()` over `node:http2` on one session that stays, with nothing of the package's client.
   */
  mode: 'send' | 'sendEach' | 'warm' | 'bare';
  url: string;
  ca: string;
}

const BATCH = 500;

contend<FirebaseInput>({
  setUp: async ({ mode, url, ca }) => {
    leadToUs(new URL(url), ca);
    const credential = { getAccessToken: async () => ({ access_token: ACCESS_TOKEN, expires_in: 3600 }) };
    const messaging = getMessaging(initializeApp({ projectId: PROJECT_ID, credential }));
    if (mode === 'sendEach') return sendEach(messaging);
    if (mode === 'send') return sendOneByOne(messaging, () => {});
    const session = http2.connect('https://fcm.googleapis.com');
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    if (mode === 'warm') useOwnHttp2(messaging, session);
    else useBareHttp2(messaging, session);
    return sendOneByOne(messaging, () => session.destroy());
  },
});

/** The package's host is a constant: what it opens to there is led to our server, and nothing else changes. */
function leadToUs({ port }: URL, ca: string): void {
  const there = { host: '127.0.0.1', port: Number(port), servername: 'fcm.googleapis.com', ca };
  const agent = https.globalAgent;
  const createConnection = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => createConnection({ ...options, ...there }, callback);
  const connect = http2.connect;
  http2.connect = ((_authority: string, options: http2.SecureClientSessionOptions = {}) => {
    const session = connect('https://fcm.googleapis.com', { ...options, ...there });
    // It says ":scheme: https:", which servers refuse as malformed.
    const request = session.request.bind(session);
    session.request = (headers = {}, streamOptions) =>
      request(':scheme' in headers ? { ...headers, ':scheme': 'https' } : headers, streamOptions);
    return session;
  }) as typeof connect;
}

function sendOneByOne(messaging: Messaging, tearDown: () => void): Contest {
  let at = 0;
  const send = (done: (end: string) => void) => {
    at += 1;
    messaging.send(firebaseMessage(fcmToken(at % DEVICES))).then(
      () => done('accepted'),
      (error: unknown) => done(String(error)),
    );
  };
  return { run: (count) => sustain(count, IN_FLIGHT, send), tearDown: async () => tearDown() };
}

function sendEach(messaging: Messaging): Contest {
  return {
    run: async (count) => {
      let accepted = 0;
      for (let sent = 0; sent < count; sent += BATCH) {
        const size = Math.min(BATCH, count - sent);
        const messages = Array.from({ length: size }, (_, device) => firebaseMessage(fcmToken(device % DEVICES)));
        accepted += (await messaging.sendEach(messages)).successCount;
      }
      return { accepted };
    },
    tearDown: async () => {},
  };
}

/** The parts of firebase-admin 14.5 that are behind `Messaging.send`. */
interface Internals {
  messagingRequestHandler: {
    invokeRequestHandler(host: string, path: string, data: object): Promise<{ name?: string }>;
    invokeHttp2RequestHandlerForSendResponse(
      host: string,
      path: string,
      data: object,
      handler: { session: ClientHttp2Session },
    ): Promise<{ success: boolean; messageId?: string; error?: Error }>;
  };
}

function useOwnHttp2(messaging: Messaging, session: ClientHttp2Session): void {
  const handler = (messaging as unknown as Internals).messagingRequestHandler;
  handler.invokeRequestHandler = async (host, path, data) => {
    const answer = await handler.invokeHttp2RequestHandlerForSendResponse(host, path, data, { session });
    if (answer.messageId === undefined) throw answer.error ?? new Error('no message id');
    return { name: answer.messageId };
  };
}

function useBareHttp2(messaging: Messaging, session: ClientHttp2Session): void {
  const handler = (messaging as unknown as Internals).messagingRequestHandler;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${ACCESS_TOKEN}` };
  handler.invokeRequestHandler = (_host, path, data) =>
    new Promise((resolve, reject) => {
      const body = Buffer.from(JSON.stringify(data));
      const head = { ':method': 'POST', ':path': path, 'content-length': body.length, ...headers };
      const stream = session.request(head);
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString()) as { name?: string }));
      stream.end(body);
    });
}
