import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { scrub } from '../../src/http/scrub.js';
import { channelListSchema, eventSchema, grantSchema, isPresentIn, mayFollow } from '../../src/realtime/channel.js';
import { isRevokedBy } from '../../src/realtime/grant.js';
import { continueAfter, type LogPage } from '../../src/realtime/message.js';
import { BEGINNING, formatCursor, parseCursor, parseId, positionIn, tagOf } from '../../src/realtime/position.js';
import { TokenCodec } from '../../src/realtime/token-codec.js';

const E1 = 'aaaaaaaaaaaa';
const E2 = 'bbbbbbbbbbbb';
const NOW = new Date('2026-11-22T12:00:00Z');

describe('a channel', () => {
  it.each([
    [['chat-1'], 'chat-1', true],
    [['chat-1'], 'chat-12', false],
    [['chat-*'], 'chat-12', true],
    [['chat-*'], 'chat', false],
    [['*'], 'anything', true],
    [[], 'chat-1', false],
    [[], 'user:u-1', true],
    [['*'], 'user:u-2', false],
    [['user:*'], 'user:u-2', false],
    [['user:u-2'], 'user:u-2', false],
    [['u*'], 'user:u-1', true],
  ])('with the grants %j is %s: %s', (grants, channel, isAllowed) => {
    expect(mayFollow(grants, 'u-1', channel)).toBe(isAllowed);
  });

  it.each([
    [['chat-*'], 'chat-1', true],
    [['chat-1'], 'chat-2', false],
    [[], 'chat-1', false],
    [['*'], 'user:u-1', false],
  ])('with presence in %j is %s: %s', (presence, channel, isPresent) => {
    expect(isPresentIn(presence, channel)).toBe(isPresent);
  });

  it.each(['', 'a,', ',', 'a b', 'a,b/c', 'é', 'x'.repeat(129), Array.from({ length: 51 }, (_, i) => i).join(',')])(
    'list "%s" is refused',
    (text) => expect(channelListSchema.safeParse(text).success).toBe(false),
  );

  it('list names each channel once', () => {
    expect(channelListSchema.parse('a,b,a')).toEqual(['a', 'b']);
  });

  it('event does not pose as the stream’s own', () => {
    for (const event of ['gap', 'closed', 'expiring', 'reconnect', 'joined', 'left', 'open', 'error', 'a\nb', ''])
      expect(eventSchema.safeParse(event).success).toBe(false);
    expect(eventSchema.safeParse('message').success).toBe(true);
  });

  it('grant has its star at the end alone', () => {
    for (const grant of ['a*b', '**', 'a b', '']) expect(grantSchema.safeParse(grant).success).toBe(false);
  });
});

describe('a cursor', () => {
  it('keeps the position of each channel by itself', () => {
    const text = formatCursor([
      [tagOf('chat-1'), { epoch: E1, seq: 7 }],
      [tagOf('chat-2'), BEGINNING],
    ]);
    const cursor = parseCursor(text);
    expect(text).toMatch(/^[\w-]{8}\.aaaaaaaaaaaa-7~[\w-]{8}\.0-0$/);
    if (cursor === undefined) throw new Error('unreadable');
    expect(positionIn(cursor, 'chat-1')).toEqual({ epoch: E1, seq: 7 });
    expect(positionIn(cursor, 'chat-2')).toEqual(BEGINNING);
    expect(positionIn(cursor, 'chat-3')).toBeUndefined();
    expect(positionIn('start', 'chat-3')).toEqual(BEGINNING);
  });

  it.each(['x', '~', `${E1}-1`, `abcdefgh.${E1}`, `abcdefgh.${E1}--1`, `abcdefgh.${E1}-1~`, 'a'.repeat(10_000)])(
    '%s is refused',
    (text) => expect(parseCursor(text)).toBeUndefined(),
  );

  it('is not mistaken in ids', () => {
    expect(parseId(`${E1}-12`)).toEqual({ epoch: E1, seq: 12 });
    for (const id of ['', '1-1', `${E1}-x`, `${E1}-1.5`, `${E1}-9999999999999999`]) expect(parseId(id)).toBeUndefined();
  });
});

describe('the messages after a position', () => {
  const page = (epoch: string, lastSeq: number, seqs: number[], hasMore = false): LogPage => ({
    epoch,
    lastSeq,
    entries: seqs.map((seq) => ({ seq, event: 'e', data: `{"n":${seq}}`, at: NOW })),
    hasMore,
  });
  const gap = (from: string | null, to: string) => ({ event: 'gap', data: { from, to }, id: to });
  const line = (id: string) => ({ event: 'e', id });

  it.each([
    ['follow it', { epoch: E1, seq: 1 }, page(E1, 3, [2, 3]), [line(`${E1}-2`), line(`${E1}-3`)]],
    ['are none at the end', { epoch: E1, seq: 3 }, page(E1, 3, []), []],
    [
      'begin with a gap',
      { epoch: E1, seq: 1 },
      page(E1, 5, [4, 5]),
      [gap(`${E1}-1`, `${E1}-3`), line(`${E1}-4`), line(`${E1}-5`)],
    ],
    [
      'have a gap within',
      { epoch: E1, seq: 0 },
      page(E1, 3, [1, 3]),
      [line(`${E1}-1`), gap(`${E1}-1`, `${E1}-2`), line(`${E1}-3`)],
    ],
    ['are all trimmed', { epoch: E1, seq: 1 }, page(E1, 5, []), [gap(`${E1}-1`, `${E1}-5`)]],
    ['may go on', { epoch: E1, seq: 0 }, page(E1, 5, [1], true), [line(`${E1}-1`)]],
    [
      'are of a new epoch',
      { epoch: E1, seq: 9 },
      page(E2, 2, [1, 2]),
      [gap(`${E1}-9`, `${E2}-0`), line(`${E2}-1`), line(`${E2}-2`)],
    ],
    ['were there before', { epoch: E1, seq: 9 }, page(E1, 3, []), [gap(`${E1}-9`, `${E1}-3`)]],
    ['are whatever is left', BEGINNING, page(E1, 3, [2, 3]), [line(`${E1}-2`), line(`${E1}-3`)]],
    ['are none in an empty log', BEGINNING, page(E1, 0, []), []],
  ])('%s', (_, after, log, expected) => {
    const { messages, position } = continueAfter('c', after, log, NOW);
    expect(messages.map(({ json }) => JSON.parse(json))).toEqual(
      expected.map((one) => expect.objectContaining({ ...one, channel: 'c', at: NOW.toISOString() })),
    );
    if (!log.hasMore) expect(position).toEqual({ epoch: log.epoch, seq: log.lastSeq });
  });
});

describe('a realtime token', () => {
  const codec = new TokenCodec(Buffer.alloc(32, 1));
  const allowed = {
    applicationId: '0b9f7a52-9d0e-4b5c-8a3e-6a2f5d9f0c11',
    userId: 'u-1',
    channels: ['chat-*'],
    publish: [],
    presence: ['chat-*'],
    generation: 3,
  };
  const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);

  it('says what it was issued for until it expires', async () => {
    const { token, grant } = await codec.issue(allowed, NOW, 60);
    expect(grant).toMatchObject({ ...allowed, expiresAt: later(60) });
    expect(await codec.read(token, ['token'], later(59))).toEqual({ kind: 'valid', grant });
    expect(await codec.read(token, ['token'], later(60))).toEqual({ kind: 'expired' });
    expect(await codec.read(token, ['token'])).toEqual({ kind: 'valid', grant });
  });

  it('and its ticket do not pass for each other', async () => {
    const { token, grant } = await codec.issue(allowed, NOW, 3_600);
    const { ticket, expiresAt } = await codec.ticketFor(grant, NOW);
    expect(expiresAt).toEqual(later(600));
    expect(await codec.read(ticket, ['ticket'], NOW)).toEqual({ kind: 'valid', grant });
    expect(await codec.read(ticket, ['token'], NOW)).toEqual({ kind: 'invalid' });
    expect(await codec.read(token, ['ticket'], NOW)).toEqual({ kind: 'invalid' });
    expect((await codec.ticketFor(grant, later(3_500))).expiresAt).toEqual(later(3_600));
  });

  it('of another key, without a signature or with another content is none', async () => {
    const { token } = await codec.issue(allowed, NOW, 60);
    const [header = '', payload = '', signature = ''] = token.split('.');
    const other = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub: 'u-2' }),
    );
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const bare = await new SignJWT({ sub: 'u-1' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('carillon')
      .setAudience('realtime')
      .setExpirationTime(later(60))
      .sign(Buffer.alloc(32, 1));
    const forged = [
      `${header}.${other.toString('base64url')}.${signature}`,
      `${none}.${payload}.`,
      (await new TokenCodec(Buffer.alloc(32, 2)).issue(allowed, NOW, 60)).token,
      bare,
      'x.y.z',
      '',
    ];
    for (const text of forged) expect(await codec.read(text, ['token'], NOW)).toEqual({ kind: 'invalid' });
  });

  it('is revoked by its id, or by a later revocation of its user', async () => {
    const { grant } = await codec.issue(allowed, NOW, 60);
    const { applicationId } = allowed;
    const revoked = (kind: 'user' | 'token', subject: string, generation = 4, application = applicationId) =>
      isRevokedBy(grant, { applicationId: application, kind, subject, generation });
    expect(revoked('token', grant.tokenId)).toBe(true);
    expect(revoked('user', 'u-1')).toBe(true);
    expect(revoked('user', 'u-1', 3)).toBe(false);
    expect(revoked('user', 'u-2')).toBe(false);
    expect(revoked('token', 'u-1')).toBe(false);
    expect(revoked('user', 'u-1', 4, '0b9f7a52-9d0e-4b5c-8a3e-6a2f5d9f0c12')).toBe(false);
  });
});

it('a ticket in a URL never reaches a log', () => {
  const url = 'GET /v1/realtime/events?channels=a&ticket=ey.J.x&after=1 failed';
  const shown = JSON.stringify(scrub({ url, nested: [{ message: url }], err: new Error(url), ticket: 'ey.J.x' }));
  expect(shown).not.toContain('ey.J.x');
  expect(shown).toContain('ticket=[hidden]&after=1');
});
