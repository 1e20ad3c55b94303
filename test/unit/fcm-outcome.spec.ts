import { describe, expect, it } from 'vitest';
import { fcmOutcome, tokenEndpointOutcome } from '../../src/providers/fcm/fcm.outcome.js';

const NOW = new Date('2026-11-05T10:00:00Z');
const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});
const error = (code: number, message: string, details?: unknown) => answer(code, { error: { code, message, details } });

describe('what no documentation promises', () => {
  it.each<[string, ReturnType<typeof answer>, object]>([
    ['an empty 400', answer(400, ''), { kind: 'message_invalid', code: '400' }],
    ['JSON that is no object', answer(404, '[]'), { kind: 'credential_invalid', code: '404' }],
    ['an error that is a string', answer(403, { error: 'no' }), { kind: 'credential_invalid', code: '403' }],
    ['details that are no list', error(400, 'x', 'no'), { kind: 'message_invalid' }],
    ['details of nothing', error(400, 'x', [null, 1, 'a', {}]), { kind: 'message_invalid' }],
    [
      'field violations of nothing',
      error(400, 'x', [
        { '@type': BAD_REQUEST, fieldViolations: [null, { field: 7 }] },
        { '@type': FCM_ERROR, errorCode: 'INVALID_ARGUMENT' },
      ]),
      { kind: 'message_invalid' },
    ],
    [
      'the token’s field without an FcmError is not the token’s fault yet',
      error(400, 'x', [{ '@type': BAD_REQUEST, fieldViolations: [{ field: 'message.token' }] }]),
      { kind: 'message_invalid' },
    ],
    [
      'the other target’s field',
      error(400, 'x', [
        { '@type': BAD_REQUEST, fieldViolations: [{ field: 'message.fid' }] },
        { '@type': FCM_ERROR, errorCode: 'INVALID_ARGUMENT' },
      ]),
      { kind: 'token_invalid', detail: 'x (message.fid)' },
    ],
    [
      'an FcmError behind others',
      error(404, 'x', [
        { '@type': 'other' },
        { '@type': FCM_ERROR },
        { '@type': FCM_ERROR, errorCode: 'UNREGISTERED' },
      ]),
      { kind: 'token_invalid', code: 'UNREGISTERED' },
    ],
    ['a code that is no word', error(400, 'x', [{ '@type': FCM_ERROR, errorCode: 'a b\n' }]), { code: '400' }],
    ['an empty 503', answer(503, ''), { kind: 'unavailable', code: '503' }],
    ['a 503 page', answer(503, '<html>', { 'retry-after': '30' }), { kind: 'ambiguous', minimumDelayMs: 30_000 }],
    ['a 502 in JSON', error(502, 'x', []), { kind: 'unavailable' }],
    ['an empty 504', answer(504, ''), { kind: 'ambiguous' }],
    [
      'Retry-After as a date to come',
      answer(429, '', { 'retry-after': 'Thu, 05 Nov 2026 10:01:30 GMT' }),
      { kind: 'throttled', retryAfterMs: 90_000, minimumDelayMs: 10_000 },
    ],
  ])('%s', (_name, given, expected) => {
    expect(fcmOutcome(given, NOW)).toMatchObject(expected);
  });

  it('keeps at most 500 bytes of text, without addresses', () => {
    const token = 'cT9x:APA91bF'.padEnd(150, 'Zx9_-');
    const outcome = fcmOutcome(
      error(400, `The token ${token} at https://example.com/a?token=b is bad. ${'é'.repeat(600)}`),
      NOW,
    );
    const detail = outcome.detail ?? '';
    expect(detail).toMatch(/^The token <redacted> at <url> is bad\. é/);
    expect(Buffer.byteLength(detail)).toBeLessThanOrEqual(500);
    expect(detail).not.toContain('\uFFFD');
  });
});

describe('what the token endpoint may say', () => {
  it.each<[string, ReturnType<typeof answer>, object]>([
    ['a page', answer(404, '<html>'), { kind: 'credential_invalid', code: 'token_endpoint_404' }],
    ['a 200 without a token', answer(200, '{}'), { kind: 'unavailable', code: 'token_endpoint_200' }],
    ['a redirect', answer(302, ''), { kind: 'credential_invalid' }],
    [
      'why',
      answer(400, { error: 'invalid_grant', error_description: 'Token must be short-lived' }),
      { kind: 'credential_invalid', code: 'invalid_grant', detail: 'Token must be short-lived' },
    ],
  ])('%s', (_name, given, expected) => {
    expect(tokenEndpointOutcome(given, NOW)).toMatchObject(expected);
  });
});
