import { describe, expect, it } from 'vitest';
import { apnsProblems, compileApns } from '../../src/providers/apns/apns.payload.js';
import { compileFcm, FCM_MAX_PAYLOAD_BYTES, fcmProblems } from '../../src/providers/fcm/fcm.payload.js';
import { fitsEasily } from '../../src/providers/fits-easily.js';
import type { Content, Message } from '../../src/providers/provider.js';
import { compileWebPush } from '../../src/providers/webpush/webpush.payload.js';

const APNS_MAX_BYTES = 4096;
const ALPHABETS = ['a', '"\\\n', '\u0001', '한글', '👋🏽', 'aé"\u0007中'];

function message(content: Content, collapseKey?: string): Message {
  return {
    notificationId: '0195512f-8c00-7000-8000-000000000001',
    content,
    priority: 'high',
    ttlSeconds: 60,
    ...(collapseKey !== undefined && { collapseKey }),
  };
}

/** Texts of one alphabet in every field, `units` long in all; the same at every run. */
function filled(alphabet: string, units: number, fields: number): Content {
  const text = (length: number) => alphabet.repeat(length).slice(0, length).toWellFormed();
  const share = Math.floor(units / fields);
  return {
    title: text(share),
    ...(fields > 1 && { body: text(share) }),
    ...(fields > 2 && { data: { [text(20)]: text(Math.max(0, share - 20)), k: '' } }),
    ...(fields > 3 && { clickUrl: `https://example.org/${'x'.repeat(share)}` }),
    ...(fields > 4 && { sound: 's', badge: 99_999 }),
  };
}

const around = Array.from({ length: 20 }, (_, i) => 100 + i * 230);
const contents = ALPHABETS.flatMap((alphabet) =>
  [1, 3, 5].flatMap((fields) => around.map((units) => filled(alphabet, units, fields))),
);

describe('a message that is taken without being compiled', () => {
  it('is never larger than its provider allows, whatever it is written in', () => {
    const easy = contents.map((content) => message(content, '한'.repeat(21))).filter((one) => fitsEasily(one, 4096));
    expect(easy.length).toBeGreaterThan(contents.length / 10);
    for (const one of easy) {
      expect(compileFcm(one).payloadBytes()).toBeLessThanOrEqual(FCM_MAX_PAYLOAD_BYTES);
      expect(compileApns(one, 'bundle.id').payload.length).toBeLessThanOrEqual(APNS_MAX_BYTES);
      expect(compileWebPush(one).plaintext.length).toBeLessThanOrEqual(4096);
    }
  });

  it('leaves every verdict as compiling would give it', () => {
    for (const one of contents.map((content) => message(content))) {
      expect(fcmProblems(one).length > 0).toBe(compileFcm(one).payloadBytes() > FCM_MAX_PAYLOAD_BYTES);
      expect(apnsProblems(one).length > 0).toBe(compileApns(one, 'bundle.id').payload.length > APNS_MAX_BYTES);
    }
  });

  it('has no overrides: those are looked at every time', () => {
    expect(fitsEasily(message({ title: 'a' }), 4096)).toBe(true);
    expect(fitsEasily({ ...message({ title: 'a' }), overrides: {} }, 4096)).toBe(false);
  });
});

describe('an image', () => {
  const withImage = (imageUrl: string) => message({ title: 'a', imageUrl });

  it('that firebase-admin refuses is refused every time, also after good ones', () => {
    // Good enough for the API's own rule, which asks only for an absolute http or https URL.
    const refused = 'http://exa_mple.org/a b';
    for (let i = 0; i < 3; i += 1) {
      expect(fcmProblems(withImage('https://example.org/a.png'))).toEqual([]);
      expect(fcmProblems(withImage(refused))).toEqual([
        { path: 'content.imageUrl', message: expect.stringContaining('valid URL') },
      ]);
    }
  });

  it('that is known does not excuse a message that is too large', () => {
    expect(fcmProblems(withImage('https://example.org/b.png'))).toEqual([]);
    const large = { ...withImage('https://example.org/b.png').content, body: 'x'.repeat(4_096) };
    expect(fcmProblems(message(large))).toEqual([{ path: 'content', message: expect.stringMatching(/\d+ bytes/) }]);
  });
});
