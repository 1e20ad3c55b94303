import { getApp } from 'firebase-admin/app';
import { getMessaging, type TokenMessage } from 'firebase-admin/messaging';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileWithFirebase, FcmMessageError } from '../../src/providers/fcm/fcm-compiler.js';

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
