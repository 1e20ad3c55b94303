import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fieldsOf } from '../../src/http/docs-schema.js';
import { decodeCursor, encodeCursor, makePage } from '../../src/http/pagination.js';
import { isDatabaseAway } from '../../src/http/problem.js';
import { RateLimiter } from '../../src/http/rate-limit.js';
import { unstorableParts } from '../../src/http/storable.js';
import { problemsOf } from '../../src/http/validation.js';

describe('a page', () => {
  const rows = [{ id: 1 }, { id: 2 }, { id: 3 }];
  const page = (limit: number) =>
    makePage(
      rows.slice(0, limit + 1),
      limit,
      ({ id }) => [id],
      ({ id }) => id,
    );

  it('ends with a cursor to the next one, and the last one with null', () => {
    const first = page(2);
    expect(first.items).toEqual([1, 2]);
    expect(decodeCursor(first.nextCursor ?? '', z.tuple([z.number()]))).toEqual([2]);
    expect(page(3)).toEqual({ items: [1, 2, 3], nextCursor: null });
  });

  it.each(['', 'x', 'e30', encodeCursor(['text']), encodeCursor([1, 2]), '%%%'])(
    'refuses the foreign cursor %j',
    (cursor) => {
      expect(() => decodeCursor(cursor, z.tuple([z.number()]))).toThrow(/query\.cursor/);
    },
  );
});

describe('a token bucket', () => {
  it('gives a second’s worth at once, then the rate, and says how long to wait', () => {
    let nowMs = 0;
    const limiter = new RateLimiter({ now: () => new Date(nowMs), monotonicMs: () => nowMs }, 10);
    for (let taken = 0; taken < 10; taken += 1) limiter.take('a');
    expect(() => limiter.take('a')).toThrow(expect.objectContaining({ kind: 'limited', retryAfterSeconds: 0.1 }));
    expect(() => limiter.take('b')).not.toThrow();
    nowMs = 100;
    expect(() => limiter.take('a')).not.toThrow();
    expect(() => limiter.take('a')).toThrow();
    nowMs = 60_000;
    for (let taken = 0; taken < 10; taken += 1) limiter.take('a');
    expect(() => limiter.take('a')).toThrow();
  });

  it('with the rate 0 is no limit', () => {
    const limiter = new RateLimiter({ now: () => new Date(0), monotonicMs: () => 0 }, 0);
    for (let taken = 0; taken < 1_000; taken += 1) limiter.take('a');
  });

  it('stays bounded under an attack from many addresses', () => {
    const limiter = new RateLimiter({ now: () => new Date(0), monotonicMs: () => 0 }, 1);
    for (let address = 0; address < 150_000; address += 1) limiter.take(`ip:${address}`);
    expect(Reflect.get(limiter, 'buckets').size).toBeLessThanOrEqual(100_000);
  });
});

describe('what cannot be stored', () => {
  it.each([
    ['a\0b', [{ path: 'query', message: 'contains the character U+0000' }]],
    [{ a: ['ok', '\ud83d'] }, [{ path: 'query.a.1', message: 'contains half a surrogate pair' }]],
    [{ a: Number.POSITIVE_INFINITY }, [{ path: 'query.a', message: 'is too large a number' }]],
    [{ a: { 'b\0': 1 } }, [{ path: 'query.a', message: 'has a field name that contains the character U+0000' }]],
    [{ emoji: '😀', nothing: null, yes: true, n: 1e308 }, []],
  ])('in %j', (value, problems) => {
    expect(unstorableParts(value, 'query')).toEqual(problems);
  });

  it('is found without recursion', () => {
    let deep: unknown = 'x';
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(unstorableParts(deep)[0]?.message).toMatch(/nested more than/);
  });
});

describe('problems', () => {
  it('name unknown fields one by one, below their parent', () => {
    const parsed = z.strictObject({ a: z.strictObject({}) }).safeParse({ a: { x: 1, y: 2 } });
    expect(problemsOf(parsed.error?.issues ?? [], ['query'])).toEqual([
      { path: 'query.a.x', message: 'is not a known field' },
      { path: 'query.a.y', message: 'is not a known field' },
    ]);
  });
});

describe('a lost database', () => {
  it.each([
    [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), true],
    [Object.assign(new Error('x'), { code: '57P01' }), true],
    [Object.assign(new Error('x'), { code: '08006' }), true],
    [new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })]), true],
    [new Error('Connection terminated unexpectedly'), true],
    [Object.assign(new Error('x'), { code: '23505' }), false],
    [new Error('x'), false],
    ['ECONNREFUSED', false],
  ])('is told from a wrong statement: %s', (error, expected) => {
    expect(isDatabaseAway(error)).toBe(expected);
  });
});

describe('the reference', () => {
  it('shows nested fields by their path, with type and limits in words', () => {
    const schema = z.toJSONSchema(
      z.strictObject({
        limit: z.int().min(1).max(9).default(5),
        audience: z.union([
          z.strictObject({ all: z.literal(true) }),
          z.strictObject({ ids: z.array(z.uuid()).max(3) }),
        ]),
      }),
      { io: 'input' },
    );
    expect(fieldsOf(schema).map(({ path, type, isRequired }) => [path, type, isRequired])).toEqual([
      ['limit', 'integer, default 5, ≥ 1, ≤ 9', false],
      ['audience', 'object', true],
      ['audience.all', 'boolean, = true', true],
      ['audience.ids', 'list of uuid, ≤ 3 items', true],
    ]);
  });
});
