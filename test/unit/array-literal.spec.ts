import { describe, expect, it } from 'vitest';
import { documents, numbers, texts, words } from '../../src/database/array-literal.js';

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

  it('of words, which need no quotes', () => {
    expect(words(['a', null, '2027-01-31T09:30:00.000Z'])).toBe('{a,NULL,2027-01-31T09:30:00.000Z}');
  });

  it('of JSON documents, whatever is in them', () => {
    const awkward = { 'k"\\': '\n\u0001 {,} 한 \ud800' };
    expect(documents([{}, undefined, null])).toBe('{"{}",NULL,"null"}');
    const literal = documents([awkward]);
    const element = literal.slice(2, -2).replaceAll(/\\(.)/g, '$1');
    expect(JSON.parse(element)).toEqual(awkward);
  });
});
