import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../src/transport/wire/byte-writer.js';
import { HpackDecoder } from '../../src/transport/wire/hpack-decoder.js';
import { HpackEncoder } from '../../src/transport/wire/hpack-encoder.js';
import { huffmanBytes, huffmanDecode, huffmanEncode } from '../../src/transport/wire/huffman.js';

function decode(decoder: HpackDecoder, block: Buffer): string[] {
  const lines: string[] = [];
  decoder.decode(block, 0, block.length, { field: ({ name, value }) => lines.push(`${name}: ${value}`) });
  return lines;
}

const REQUESTS = [
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
  [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
];
const RESPONSES = [
  [
    ':status: 302',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 307',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 200',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:22 GMT',
    'location: https://www.example.com',
    'content-encoding: gzip',
    'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  ],
];

describe('the decoder, on the examples of RFC 7541, appendix C', () => {
  it.each([
    ['C.2.1', '400a637573746f6d2d6b65790d637573746f6d2d686561646572', 'custom-key: custom-header'],
    ['C.2.2', '040c2f73616d706c652f70617468', ':path: /sample/path'],
    ['C.2.3', '100870617373776f726406736563726574', 'password: secret'],
    ['C.2.4', '82', ':method: GET'],
  ])('%s', (_name, hex, line) => {
    expect(decode(new HpackDecoder(), Buffer.from(hex, 'hex'))).toEqual([line]);
  });

  it.each([
    [
      'C.3, requests without Huffman',
      4_096,
      REQUESTS,
      [
        '828684410f7777772e6578616d706c652e636f6d',
        '828684be58086e6f2d6361636865',
        '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
      ],
    ],
    [
      'C.4, requests with Huffman',
      4_096,
      REQUESTS,
      [
        '828684418cf1e3c2e5f23a6ba0ab90f4ff',
        '828684be5886a8eb10649cbf',
        '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
      ],
    ],
    [
      'C.5, responses without Huffman, with evictions',
      256,
      RESPONSES,
      [
        '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54' +
          '6e1768747470733a2f2f7777772e6578616d706c652e636f6d',
        '4803333037c1c0bf',
        '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d' +
          '4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b207665' +
          '7273696f6e3d31',
      ],
    ],
    [
      'C.6, responses with Huffman, with evictions',
      256,
      RESPONSES,
      [
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
        '4883640effc1c0bf',
        '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b' +
          '3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
      ],
    ],
  ])('%s', (_name, tableBytes, expected, blocks) => {
    const decoder = new HpackDecoder(tableBytes);
    expect(blocks.map((hex) => decode(decoder, Buffer.from(hex, 'hex')))).toEqual(expected);
  });
});

describe('the decoder refuses', () => {
  it.each([
    ['index 0', '80'],
    ['an index beyond both tables', 'be'],
    ['a name index beyond both tables', '7f0001aa'],
    ['a table size beyond what was allowed', '3fe21f'],
    ['a table size update after a field', '8220'],
    ['an integer without an end', 'ff80'],
    ['an integer beyond all reason', 'ffffffffffffffff7f'],
    ['a text that is cut off', '000561'],
    ['a missing text', '0001'],
    ['padding that is not all ones', '00016181' + '1e'],
    ['padding of a whole byte', '00016182' + '1fff'],
    ['EOS within a text', '00016185' + 'fffffffffc'],
  ])('%s', (_name, hex) => {
    expect(() => decode(new HpackDecoder(), Buffer.from(hex, 'hex'))).toThrow();
  });
});

describe('the Huffman code', () => {
  it('gives back every byte value, alone and among others', () => {
    const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
    for (const text of [...all, all.join(''), all.reverse().join('')]) {
      const out = new ByteWriter(Buffer.alloc(huffmanBytes(text)));
      huffmanEncode(text, out);
      expect(out.at).toBe(huffmanBytes(text));
      expect(huffmanDecode(out.buffer, 0, out.at)).toBe(text);
    }
  });
});

describe('the encoder', () => {
  type Field = readonly [name: string, value: string, isSensitive?: boolean];

  function encoding() {
    const out = new ByteWriter(Buffer.alloc(8));
    const encoder = new HpackEncoder(out);
    const encode = (fields: readonly Field[], scheme: 'https' | 'http' = 'https', path = '/'): Buffer => {
      out.at = 0;
      encoder.begin('GET', scheme, 'www.example.com', path);
      for (const [name, value, isSensitive] of fields) encoder.field(name, value, isSensitive ?? false);
      return Buffer.from(out.buffer.subarray(0, out.at));
    };
    return { encoder, encode };
  }

  it('writes the requests of RFC 7541, C.4', () => {
    const { encode } = encoding();
    expect(encode([], 'http').toString('hex')).toBe('828684418cf1e3c2e5f23a6ba0ab90f4ff');
    expect(encode([['cache-control', 'no-cache']], 'http').toString('hex')).toBe('828684be5886a8eb10649cbf');
    expect(encode([['custom-key', 'custom-value']]).toString('hex')).toBe(
      '828784bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
    );
  });

  it('writes what repeats as one byte each', () => {
    const { encode } = encoding();
    const fields: Field[] = [
      ['apns-topic', 'com.example'],
      ['apns-push-type', 'alert'],
      ['content-type', 'application/json'],
    ];
    encode(fields);
    expect(encode(fields)).toHaveLength(4 + fields.length);
  });

  it('never lets a sensitive value or a path into the table', () => {
    const { encode } = encoding();
    const decoder = new HpackDecoder();
    const blocks = [1, 2, 3].map(() => encode([['authorization', 'bearer secret', true]], 'https', '/3/device/ab'));
    for (const block of blocks) {
      expect(decode(decoder, block)).toContain('authorization: bearer secret');
      // Never indexed, with the name from the static table.
      expect(block.toString('hex')).toContain('1f08');
      expect(block.toString('latin1')).toContain('\x04\x0c/3/device/ab');
    }
    // The authority alone is in the table.
    const { version } = decoder;
    expect(version).toBe(1);
  });

  it('does not let values that keep changing flush the table', () => {
    const { encode } = encoding();
    const decoder = new HpackDecoder();
    for (let index = 0; index < 5_000; index += 1) {
      // Each value twice in a row, which alone would be worth an entry.
      const changing: Field = ['apns-expiration', String(index >> 1)];
      const block = encode([['apns-topic', 'com.example'], changing, ['apns-id', `id-${index}`]]);
      expect(decode(decoder, block).slice(4)).toEqual([
        'apns-topic: com.example',
        `${changing[0]}: ${changing[1]}`,
        `apns-id: id-${index}`,
      ]);
    }
    expect(decoder.version).toBeLessThan(300);
  });

  it.each([0, 40, 100, 200, 4_096, 1_000_000])('keeps to a table of %i bytes, changed midway', (limit) => {
    const { encoder, encode } = encoding();
    const decoder = new HpackDecoder();
    const fields = (index: number): Field[] => [
      ['apns-topic', `com.example.${index % 5}`],
      ['apns-priority', index % 2 === 0 ? '5' : '10'],
      ['x-é'.slice(0, 2), `ä${index % 3}`],
    ];
    const check = (index: number): void => {
      const expected = fields(index).map(([name, value]) => `${name}: ${value}`);
      expect(decode(decoder, encode(fields(index))).slice(4)).toEqual(expected);
    };
    for (let index = 0; index < 50; index += 1) check(index);
    encoder.limitTable(limit);
    for (let index = 0; index < 50; index += 1) check(index);
    // Down and up between two blocks: the peer must hear of the smallest.
    encoder.limitTable(0);
    encoder.limitTable(4_096);
    for (let index = 0; index < 50; index += 1) check(index);
  });

  it('announces a smaller table at the start of the next block, and a smallest one before it grows again', () => {
    const { encoder, encode } = encoding();
    encode([]);
    encoder.limitTable(0);
    expect(encode([]).toString('hex')).toMatch(/^20828784/);
    encoder.limitTable(100);
    encoder.limitTable(50);
    encoder.limitTable(4_096);
    expect(encode([]).toString('hex')).toMatch(/^3f133fe11f828784/);
    expect(encode([]).toString('hex')).toMatch(/^828784/);
  });

  it('goes on with an empty table after a block that was not sent', () => {
    const { encoder, encode } = encoding();
    const decoder = new HpackDecoder();
    decode(decoder, encode([['apns-topic', 'a']]));
    encode([['never-sent', 'b']]);
    encoder.reset();
    expect(decode(decoder, encode([['apns-topic', 'a']])).slice(4)).toEqual(['apns-topic: a']);
    expect(decode(decoder, encode([['apns-topic', 'a']])).slice(4)).toEqual(['apns-topic: a']);
  });
});
