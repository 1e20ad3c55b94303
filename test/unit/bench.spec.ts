import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Measurement, sustain } from '../../bench/contender.js';
import { contestRow, ratioRow, ratios } from '../../bench/contest-table.js';
import { writeBetweenMarkers } from '../../bench/report.js';
import { interleave } from '../../bench/rounds.js';
import { figure, spreadOf, spreadText } from '../../bench/spread.js';

const measured = (cpuUs: number, ends = { '200': 10 }): Measurement => ({
  count: 10,
  ms: 1,
  cpuUs,
  perSecond: 10_000,
  ends,
});

describe('benchmark figures', () => {
  it('has the middle of an odd number of values, the mean of the middle two of an even one', () => {
    expect(spreadOf([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9 });
    expect(spreadOf([9, 1, 5, 6]).median).toBe(5.5);
    expect(() => spreadOf([])).toThrow(RangeError);
  });

  it('shows three digits that count', () => {
    expect([3.094, 42.66, 116_432, 0.9784, 1_000].map(figure)).toEqual(['3.09', '42.7', '116,000', '0.978', '1,000']);
    expect(spreadText([2, 1, 3])).toBe('2.00 (1.00–3.00)');
  });

  it('divides round by round', () => {
    expect(ratios([measured(30), measured(40)], [measured(3), measured(2)], ({ cpuUs }) => cpuUs)).toEqual([10, 20]);
  });

  it('says in the row what was not measured and what did not end as it should', () => {
    const missing = new Error('no nghttpd was found: install it');
    expect(contestRow('bare', missing, '200')[1]).toBe('not measured: no nghttpd was found: install it');
    expect(
      ratioRow(
        'bare ÷ ours',
        ratios(missing, [measured(3)], () => 1),
        '≥ 10',
      )[1],
    ).toBe('not measured');
    expect(contestRow('bare', [measured(3, { '200': 8 })], '200')[0]).toBe('bare (2 of 10 did not end with 200)');
  });
});

describe('benchmark rounds', () => {
  it('measures in turn, and not again what failed', async () => {
    const order: string[] = [];
    const results = await interleave(2, {
      a: async () => order.push('a'),
      b: async () => {
        order.push('b');
        throw new Error('broken');
      },
    });
    expect(order).toEqual(['a', 'b', 'a']);
    expect(results).toEqual({ a: [1, 3], b: new Error('broken') });
  });

  it('keeps so many in flight until all have ended', async () => {
    let inFlight = 0;
    let most = 0;
    const ends = await sustain(10, 3, (done) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      setImmediate(() => {
        inFlight -= 1;
        done('ok');
      });
    });
    expect({ ends, most }).toEqual({ ends: { ok: 10 }, most: 3 });
  });
});

describe('benchmark document', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-spec-'));
  const file = join(folder, 'page.md');
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('gets a table in place of the one before, or at its end', () => {
    writeFileSync(file, 'top\n<!-- bench:a -->\nold\n<!-- /bench:a -->\nbottom\n');
    writeBetweenMarkers(file, 'a', 'new');
    writeBetweenMarkers(file, 'b', 'first');
    expect(readFileSync(file, 'utf8')).toBe(
      'top\n<!-- bench:a -->\nnew\n<!-- /bench:a -->\nbottom\n\n<!-- bench:b -->\nfirst\n<!-- /bench:b -->\n',
    );
  });
});
