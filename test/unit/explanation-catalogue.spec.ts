import { describe, expect, it } from 'vitest';
import { codeText, isKnownCode, textsOf } from '../../src/deliveries/explanations/codes.js';
import { languageOf } from '../../src/deliveries/explanations/language.js';
import {
  ACTIONS,
  type CodeText,
  LANGUAGES,
  type Language,
  SITUATIONS,
} from '../../src/deliveries/explanations/texts.js';
import { PROVIDER_NAMES, type ProviderName } from '../../src/lib/names.js';
import { apnsRows } from '../contract/apns-rows.js';
import { fcmRows } from '../contract/fcm-rows.js';
import { webpushRows } from '../contract/webpush-rows.js';

/** Codes of the tables that stand for "anything else": they get the text about their outcome. */
const UNKNOWN = new Set(['TEAPOT', 'SomethingNew', '418', '200', '202', '204']);

const tableRows = [
  ...fcmRows.map(([name, answer, expected]) => ({ provider: 'fcm' as const, name, answer, expected })),
  ...apnsRows.map(([name, answer, expected]) => ({ provider: 'apns' as const, name, answer, expected })),
  ...webpushRows.map(([name, , answer, expected]) => ({ provider: 'webpush' as const, name, answer, expected })),
].map(({ answer, ...row }) => ({ ...row, code: row.expected.code ?? codeOfAnswer(answer) }));

function codeOfAnswer(answer: object): string {
  const { reason, status, body } = answer as { reason?: string; status: number; body?: string };
  const said = reason ?? (/"reason":"(\w+)"/.exec(body ?? '')?.[1] || String(status));
  return /^(TOPIC|DEVICE)_QUOTA/.test(said) ? 'QUOTA_EXCEEDED' : said;
}

const own = {
  fcm: 'invalid_grant invalid_client token_endpoint_503 token_endpoint_unreachable UNAUTHENTICATED ACCESS_TOKEN_EXPIRED PERMISSION_DENIED',
  apns: 'ExpiredProviderToken UnrelatedKeyIdInToken IdleTimeout Shutdown TooManyProviderTokenUpdates',
  webpush:
    'vapid_key_unknown endpoint_not_allowed endpoint_is_simulated credential_is_simulated vapid_key_unusable subscription_keys_unusable encryption_failed 301 302 307 308',
};
const everywhere =
  'queue_full queue_timeout connection_limit dns address_refused connect connect_timeout tls no_h2 insecure invalid_origin invalid_request refused_stream goaway unsent shutdown timeout reset closed timeout_before_send provider_token_timeout provider_token_unavailable simulator_not_configured 500 502 503 504';

function everyText(language: Language): { where: string; text: string }[] {
  const { situations, actions, codes, ownCodes, outcomes } = textsOf(language);
  const of = (where: string, entry: CodeText & { action?: string }) =>
    [entry.title, entry.meaning, ...entry.nextSteps, ...(entry.action === undefined ? [] : [entry.action])].map(
      (text) => ({ where, text }),
    );
  const tables = { situations, ownCodes, outcomes, ...codes };
  return [
    ...Object.entries(tables).flatMap(([table, entries]) =>
      Object.entries(entries).flatMap(([key, entry]) => of(`${table} ${key}`, entry)),
    ),
    ...Object.entries(actions).map(([key, text]) => ({ where: `actions ${key}`, text })),
  ];
}

describe('the catalogue of explanations', () => {
  it.each(LANGUAGES)('%s: has a text of its own for every code in the providers’ tables', (language) => {
    const missing = tableRows
      .filter(({ code, expected }) => !UNKNOWN.has(code) && expected.kind !== 'accepted')
      .filter(({ provider, code, expected }) => !isKnownCode({ provider, code, outcome: expected.kind }, language))
      .map(({ provider, name, code }) => `${provider} ${name}: ${code}`);
    expect(missing).toEqual([]);
  });

  it.each(LANGUAGES)('%s: has one for every code of our own', (language) => {
    const missing = PROVIDER_NAMES.flatMap((provider) =>
      [...own[provider].split(' '), ...everywhere.split(' ')]
        .filter((code) => !isKnownCode({ provider, code }, language))
        .map((code) => `${provider} ${code}`),
    );
    expect(missing).toEqual([]);
  });

  it.each(LANGUAGES)('%s: has one for every outcome, situation and action', (language) => {
    const texts = textsOf(language);
    const kinds = [...new Set(tableRows.map(({ expected }) => expected.kind)), 'not_processed', 'gated'];
    expect(kinds.filter((kind) => !(kind in texts.outcomes))).toEqual([]);
    expect(Object.keys(texts.situations).toSorted()).toEqual(SITUATIONS.toSorted());
    expect(Object.keys(texts.actions).toSorted()).toEqual(ACTIONS.toSorted());
  });

  it('tells an unknown code by its outcome, and never mistakes it for something else', () => {
    for (const code of ['SomethingNew', 'constructor', 'toString', '__proto__', 'token_endpoint']) {
      const { title } = codeText({ provider: 'apns', code, outcome: 'message_invalid' }, 'en');
      expect(title).toBe(`APNs refused the message (${code})`);
    }
    expect(isKnownCode({ provider: 'apns', code: 'constructor' }, 'en')).toBe(false);
  });

  it('does not fill in what a code pretends to be', () => {
    expect(codeText({ provider: 'fcm', code: '{provider}', outcome: 'throttled' }, 'en').title).toBe(
      'FCM limits the sending rate ({provider})',
    );
  });

  it('tells the two meanings of one code apart', () => {
    const title = (provider: ProviderName, code: string, outcome: string, detail?: string) =>
      codeText({ provider, code, outcome, detail }, 'en').title;
    expect(title('fcm', 'INVALID_ARGUMENT', 'token_invalid')).toBe('The device token is not a valid FCM token');
    expect(title('fcm', 'INVALID_ARGUMENT', 'message_invalid')).toBe('FCM refused the content of the message');
    expect(title('fcm', 'INVALID_ARGUMENT', 'message_invalid', 'Android message is too big')).toBe(
      'The message is too large for FCM',
    );
    expect(title('webpush', '403', 'token_refused')).toBe('The subscription was made with another VAPID key');
    expect(title('webpush', '403', 'credential_invalid')).toBe('The push service did not accept the VAPID credential');
  });

  it('ends titles without a full stop and sentences with one, and leaves no placeholder that nobody fills', () => {
    const known = /\{(provider|Provider|provider[이을로]|code|until|reason|meaning|sendAt|expiresAt)\}/g;
    for (const language of LANGUAGES) {
      const texts = everyText(language);
      const unfilled = texts.filter(({ text }) => /\{\w/.test(text.replaceAll(known, '')));
      expect(unfilled).toEqual([]);
      const { situations, codes, ownCodes, outcomes } = textsOf(language);
      const entries = [situations, ownCodes, outcomes, ...Object.values(codes)].flatMap((table): CodeText[] =>
        Object.values(table),
      );
      expect(entries.filter(({ title }) => title.endsWith('.')).map(({ title }) => title)).toEqual([]);
      const unended = entries
        .flatMap(({ meaning, nextSteps }) => [meaning, ...nextSteps])
        .filter((text) => !/[.?]$/.test(text) && text !== '{meaning}');
      expect(unended).toEqual([]);
    }
  });

  it('speaks polite Korean throughout', () => {
    const impolite = everyText('ko').filter(
      ({ text }) => !/(니다|십시오|\{meaning\}|\{reason\})(\([^)]*\))?\.?$/.test(text),
    );
    expect(impolite).toEqual([]);
    expect(everyText('ko').filter(({ text }) => !/[가-힣]/.test(text.replace('{meaning}', '가')))).toEqual([]);
  });

  it('gives names the particles that they need', () => {
    const title = (provider: ProviderName) => codeText({ provider, code: 'timeout', outcome: 'ambiguous' }, 'ko').title;
    expect(PROVIDER_NAMES.map(title)).toEqual([
      'FCM이 제때 답하지 않았습니다',
      'APNs가 제때 답하지 않았습니다',
      '푸시 서비스가 제때 답하지 않았습니다',
    ]);
  });
});

describe('the language of explanations', () => {
  it.each([
    [undefined, 'en'],
    ['', 'en'],
    ['ko', 'ko'],
    ['ko-KR,ko;q=0.9,en-US;q=0.8', 'ko'],
    ['en-GB, ko;q=0.5', 'en'],
    ['de, ko;q=0.3, en;q=0.2', 'ko'],
    ['ko;q=0', 'en'],
    ['kok', 'en'],
    ['ko;q=high', 'en'],
    [';;,,;q=', 'en'],
  ])('%j is %s', (header, expected) => {
    expect(languageOf(header)).toBe(expected);
  });
});
