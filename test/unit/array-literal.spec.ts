import { describe, expect, it } from 'vitest';
import { numbers, texts } from '../../src/database/array-literal.js';

describe('a Postgres array literal', () => {
  it('of numbers, with nothing for null', () => {
    expect(numbers([])).toBe('{}');
    expect(numbers([1, null, 9_007_199_254_740_991])).toBe('{1,NULL,9007199254740991}');
  });

  it.each([
    ['nothing', [], '{}'],
    ['null, which is not the word', [null, 'NULL', ''], '{NULL,"NULL",""}'],
    [
      'what ends a text or an element',
      ['a"b', 'c\\d', 'e,f', '{g}', ' h '],
      String.raw`{"a\"b","c\\d","e,f","{g}"," h "}`,
    ],
  ])('of texts: %s', (_, values, literal) => {
    expect(texts(values)).toBe(literal);
  });
});
