import { getApp } from 'firebase-admin/app';
import { getMessaging, type TokenMessage } from 'firebase-admin/messaging';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileFcm } from '../../src/providers/fcm/fcm.payload.js';
import { compileWithFirebase, FcmMessageError } from '../../src/providers/fcm/fcm-compiler.js';
import type { Content, Message } from '../../src/providers/provider.js';

/** The handler that firebase-admin gives the finished request to; private, and only looked at here. */
interface Internals {
  messagingRequestHandler: { invokeRequestHandler(host: string, path: string, request: unknown): Promise<unknown> };
}

const message = (): TokenMessage => ({
  token: 'device',
  notification: { title: 'Hello', imageUrl: 'https://example.com/a.png' },
  data: { k: 'v' },
  android: {
    ttl: 3_600_000,
    priority: 'high',
    collapseKey: 'c',
    notification: { tag: 't', channelId: 'news', clickAction: 'OPEN', visibility: 'private', notificationCount: 3 },
  },
  apns: { headers: { 'apns-priority': '10' }, payload: { aps: { contentAvailable: true, mutableContent: true } } },
  webpush: { headers: { TTL: '60' }, fcmOptions: { link: 'https://example.com' } },
});

describe('firebase-admin as a compiler: what a new version of it must still do', () => {
  beforeAll(() => {
    compileWithFirebase(message());
  });

  it('translates in place exactly what its own request handler would send', async () => {
    const messaging = getMessaging(getApp('carillon-compiler'));
    const internals = messaging as unknown as Internals;
    const original = internals.messagingRequestHandler;
    expect(original).toBeDefined();
    const handed: unknown[] = [];
    internals.messagingRequestHandler = {
      invokeRequestHandler: async (_host, _path, request) => {
        handed.push(request);
        return { name: 'projects/p/messages/1' };
      },
    };
    try {
      await messaging.send(message());
    } finally {
      internals.messagingRequestHandler = original;
    }
    expect(handed).toEqual([{ message: compileWithFirebase(message()) }]);
  });

  it('gives names and forms of the REST API', () => {
    expect(compileWithFirebase(message())).toMatchObject({
      notification: { image: 'https://example.com/a.png' },
      android: {
        ttl: '3600s',
        collapse_key: 'c',
        notification: { channel_id: 'news', click_action: 'OPEN', visibility: 'PRIVATE', notification_count: 3 },
      },
      apns: { payload: { aps: { 'content-available': 1, 'mutable-content': 1 } } },
    });
  });

  it('refuses at once what is wrong, in words', () => {
    const wrong = { ...message(), notification: { imageUrl: 'not a url' } };
    expect(() => compileWithFirebase(wrong)).toThrow(FcmMessageError);
    expect(() => compileWithFirebase(wrong)).toThrow(/imageUrl/);
  });

  it('can send nothing: its app has no access token to give', async () => {
    const sending = getMessaging(getApp('carillon-compiler')).send(message());
    await expect(sending).rejects.toThrow();
  });
});

/** Every combination of what callers may set. */
function* messages(): Generator<Message> {
  const choices: { [Name in keyof Content]?: Content[Name][] } = {
    title: ['Hello "you" \u2028 안녕'],
    body: ['line\nline'],
    imageUrl: ['https://example.com/a.png'],
    clickUrl: ['https://example.com/x?y=1', 'app://open'],
    badge: [0, 7],
    sound: ['default'],
    data: [{ k: 'v', 'x y': '' }],
  };
  let contents: Content[] = [{}];
  for (const [name, values] of Object.entries(choices)) {
    contents = contents.flatMap((content) => [content, ...values.map((value) => ({ ...content, [name]: value }))]);
  }
  for (const content of contents) {
    for (const priority of ['high', 'normal'] as const) {
      const common = { notificationId: '01890000-0000-7000-8000-000000000000', content, priority, ttlSeconds: 3600 };
      yield common;
      yield { ...common, collapseKey: 'score-of-game-17' };
    }
  }
}

describe('messages without overrides, which are translated without firebase-admin', () => {
  it('become exactly what firebase-admin makes of them', () => {
    const timing = { ttlSeconds: 60, expiresAt: new Date('2026-11-22T12:00:00Z') };
    const bodyOf = (of: Message) => JSON.parse(compileFcm(of).body('device', timing).toBuffer().toString());
    let compared = 0;
    for (const message of messages()) {
      expect(bodyOf(message)).toEqual(bodyOf({ ...message, overrides: {} }));
      compared += 1;
    }
    expect(compared).toBe(1_152);
  });
});
