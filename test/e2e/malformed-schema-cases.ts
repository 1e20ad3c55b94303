import type { WireRequest } from './malformed-support.js';

/** JSON Schema, as far as zod writes it for our requests. */
export interface Schema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  propertyNames?: Schema;
  additionalProperties?: boolean | Schema;
  required?: string[];
}

export interface Operation {
  description: string;
  parameters?: { name: string; in: 'path' | 'query' | 'header'; required: boolean; schema: Schema }[];
  requestBody?: { required: boolean; content: Record<string, { schema: Schema }> };
}

export type Paths = Record<string, Record<string, Operation>>;

/** One way to get one part of one request wrong. */
export interface SchemaCase {
  name: string;
  /** What `errors[].path` must name; undefined where the request is not JSON at all. */
  field: string | undefined;
  request: Pick<WireRequest, 'path' | 'headers' | 'raw'> & { method: string };
}

/** Stands for text that is put into the JSON as it is: numbers and keys that `JSON.stringify` cannot write. */
class Verbatim {
  constructor(readonly text: string) {}
}

/** A wrong value, and where in it the fault lies. */
type Wrong = [name: string, value: unknown, at?: string];

const LONE_SURROGATE = new Verbatim('"\\ud800 half"');
const HUGE = new Verbatim('1e999');
const DEEP = new Verbatim(`${'['.repeat(2_000)}${']'.repeat(2_000)}`);
const NUL = 'nul \0 inside';

/** Values that a schema must refuse. `isText`: in a query or a path, where everything is text. */
export function wrongValues(schema: Schema, isText = false): Wrong[] {
  if (schema.anyOf) return wrongForAll(schema.anyOf);
  const others = isText ? [] : wrongTypes(schema.type);
  switch (schema.type) {
    case 'string':
      return [...others, ...wrongStrings(schema, isText)];
    case 'integer':
    case 'number':
      return [...others, ...wrongNumbers(schema, isText)];
    case 'array':
      return [...others, ...wrongArrays(schema)];
    case 'object':
      return [...others, ...wrongObjects(schema)];
    default:
      return others;
  }
}

function wrongForAll(branches: readonly Schema[]): Wrong[] {
  const types = branches.map(({ type }) => type);
  const ofStrings = branches.filter(({ type }) => type === 'string').flatMap((branch) => wrongStrings(branch, false));
  return [...wrongTypes(...types), ...ofStrings.filter(([, value]) => value !== '')];
}

/** One value of each JSON type that is not wanted. */
function wrongTypes(...wanted: (string | undefined)[]): Wrong[] {
  const isNumber = wanted.includes('integer') || wanted.includes('number');
  const samples: [string, Wrong][] = [
    ['string', ['a string', 'text']],
    ['boolean', ['a boolean', true]],
    ['null', ['null', null]],
    ['array', ['an array', ['x']]],
    ['object', ['an object', { toString: 'x' }]],
  ];
  const wrong = samples.filter(([type]) => !wanted.includes(type)).map(([, sample]) => sample);
  if (!isNumber) wrong.push(['a number', 5], ['an overflowing number', HUGE]);
  return wanted[0] === undefined ? [] : [...wrong, ['deep nesting', DEEP]];
}

function wrongStrings(schema: Schema, isText: boolean): Wrong[] {
  const wrong: Wrong[] = [['NUL', NUL]];
  if (!isText) wrong.push(['a lone surrogate', LONE_SURROGATE]);
  if (schema.minLength) wrong.push(['nothing', '']);
  if (schema.maxLength) wrong.push(['too many characters', 'x'.repeat(schema.maxLength + 1)]);
  if (schema.enum)
    wrong.push(
      ['an unknown word', 'nonsense'],
      ['a known word in capitals', String(schema.enum[0]).toUpperCase()],
      ['constructor', 'constructor'],
    );
  if (schema.format === 'uuid')
    wrong.push(
      ['no uuid', 'not-a-uuid'],
      ['SQL', "' or 1=1 --"],
      ['a long uuid', `${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(13)}`],
    );
  if (schema.format === 'date-time')
    wrong.push(
      ['no time', 'yesterday'],
      ['no such day', '2026-02-30T00:00:00Z'],
      ['a far year', '+275760-09-13T00:00:00.001Z'],
      ['seconds', '1790000000'],
    );
  if (schema.pattern && !schema.format) {
    const pattern = new RegExp(schema.pattern);
    const candidates: [string, string][] = [
      ['SQL', "';drop table device;--"],
      ['a foreign letter', 'é'],
      ['a line break', 'a\r\nb'],
    ];
    wrong.push(...candidates.filter(([, value]) => !pattern.test(value)));
  }
  return wrong;
}

function wrongNumbers({ type, minimum, maximum }: Schema, isText: boolean): Wrong[] {
  const wrong: Wrong[] = [];
  if (minimum !== undefined) wrong.push(['too small', minimum - 1], ['very negative', -1e15]);
  if (maximum !== undefined) wrong.push(['too large', maximum + 1], ['a huge number', 1e300]);
  if (type === 'integer') wrong.push(['a fraction', 1.5]);
  wrong.push(
    ...(isText
      ? ([
          ['NaN', 'NaN'],
          ['Infinity', 'Infinity'],
          ['hexadecimal beyond', '0xffffffffff'],
          ['words', '5; drop table device'],
        ] as Wrong[])
      : ([['an overflowing number', HUGE]] as Wrong[])),
  );
  return wrong;
}

function wrongArrays({ items, minItems, maxItems }: Schema): Wrong[] {
  const item = items ? sampleOf(items) : 'x';
  const wrong: Wrong[] = items
    ? wrongValues(items).map(([name, value]): Wrong => [`one item: ${name}`, [item, value], '1'])
    : [];
  if (minItems) wrong.push(['no items', []]);
  if (maxItems)
    wrong.push(['too many items', Array.from({ length: maxItems + 1 }, (_, index) => sampleOf(items ?? {}, index))]);
  return wrong;
}

function wrongObjects({ propertyNames, additionalProperties, properties = {} }: Schema): Wrong[] {
  const wrong: Wrong[] = [];
  if (additionalProperties === false) {
    wrong.push(
      ['an unknown field', { surplus: 1 }, 'surplus'],
      ['a prototype method as a field', { hasOwnProperty: 1 }, 'hasOwnProperty'],
      ['a constructor', { constructor: 1 }, 'constructor'],
    );
    const [first] = Object.keys(properties);
    if (first) wrong.push(['a known field in capitals', { [first.toUpperCase()]: 1 }, first.toUpperCase()]);
  }
  if (propertyNames?.minLength) wrong.push(['an empty key', { '': 'x' }]);
  if (propertyNames?.maxLength) wrong.push(['a long key', { ['k'.repeat(propertyNames.maxLength + 1)]: 'x' }]);
  if (typeof additionalProperties === 'object' && additionalProperties.type) {
    wrong.push(['a key with NUL', { 'a\0b': 'x' }]);
    wrong.push(
      ...wrongValues(additionalProperties).map(([name, value]): Wrong => [`a value: ${name}`, { k: value }, 'k']),
    );
  }
  return wrong;
}

function sampleOf(schema: Schema, index = 0): unknown {
  if (schema.format === 'uuid') return `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
  return schema.type === 'string' ? `item-${index}` : index;
}

/** The whole table of one operation: every parameter and every field of its body, each wrong in every way. */
export function casesOf(
  method: string,
  path: string,
  operation: Operation,
  sample: unknown,
  ids: Record<string, string>,
): SchemaCase[] {
  const url = (values: Record<string, string> = {}) =>
    path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ids[name] ?? ''));
  const label = `${method.toUpperCase()} ${path}`;
  const raw = sample === undefined ? {} : { raw: JSON.stringify(sample) };
  const cases: SchemaCase[] = [];
  const add = (name: string, field: string | undefined, request: Partial<SchemaCase['request']>) =>
    cases.push({
      name: `${label} · ${name}`,
      field,
      request: { method: method.toUpperCase(), path: url(), ...raw, ...request },
    });

  for (const parameter of operation.parameters ?? []) {
    const wrong = wrongValues(parameter.schema, true).filter(([, value]) => parameter.in !== 'path' || value !== '');
    for (const [name, value] of wrong) {
      const field = `${FIELD_PREFIX[parameter.in]}.${parameter.name}`;
      const what = `${field}: ${name}`;
      if (parameter.in === 'path') add(what, field, { path: url({ [parameter.name]: String(value) }) });
      else if (parameter.in === 'query')
        add(what, field, { path: `${url()}?${parameter.name}=${encodeURIComponent(String(value))}` });
      else if (SENDABLE.test(String(value))) add(what, field, { headers: { [parameter.name]: String(value) } });
    }
    if (parameter.in === 'query') {
      const twice = encodeURIComponent(String(queryExample(parameter.schema)));
      add(`query.${parameter.name}: twice`, `query.${parameter.name}`, {
        path: `${url()}?${parameter.name}=${twice}&${parameter.name}=${twice}`,
      });
    }
  }
  for (const surplus of ['surplus', '__proto__', 'constructor', 'hasOwnProperty']) {
    add(`an unknown query field ${surplus}`, `query.${surplus}`, { path: `${url()}?${surplus}=1` });
  }
  const media = operation.requestBody?.content;
  const schema = media?.['application/json']?.schema;
  if (schema) cases.push(...bodyCases(label, { method: method.toUpperCase(), path: url() }, schema, sample));
  else if (!media && method !== 'get') add('a body nobody asked for', 'surplus', { raw: '{"surplus":1}' });
  return cases;
}

/** What a header can carry at all; everything else, no client can send. */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

const FIELD_PREFIX = { path: 'params', query: 'query', header: 'headers' } as const;

function queryExample(schema: Schema): unknown {
  return schema.enum?.[0] ?? (schema.type === 'integer' ? 5 : sampleOf(schema));
}

function bodyCases(
  label: string,
  request: { method: string; path: string },
  schema: Schema,
  sample: unknown,
): SchemaCase[] {
  const cases: SchemaCase[] = [];
  const add = (name: string, field: string | undefined, raw: string) =>
    cases.push({ name: `${label} · ${name}`, field, request: { ...request, raw } });
  for (const [name, raw] of [
    ['nothing at all', ''],
    ['null', 'null'],
    ['an array', '[]'],
    ['a string', '"x"'],
    ['a number', '7'],
  ] as const) {
    add(`body: ${name}`, '', raw);
  }
  add('body: __proto__', undefined, withText(sample, '"__proto__":{"isAdmin":true}'));
  add('body: constructor.prototype', undefined, withText(sample, '"constructor":{"prototype":{"isAdmin":true}}'));
  for (const { path, schema: part, isRequired } of partsOf(schema)) {
    for (const [name, value, at] of wrongValues(part)) {
      const field = [...path, ...(at ? [at] : [])].join('.');
      // An unknown field of the body itself: the rest of the sample stays.
      const body = path.length === 0 && isPlain(value) ? { ...Object(sample), ...value } : placed(sample, path, value);
      if (path.length > 0 || isPlain(value)) add(`${path.join('.') || 'body'}: ${name}`, field, written(body));
    }
    if (isRequired) add(`${path.join('.')}: missing`, path.join('.'), written(placed(sample, path, undefined)));
  }
  return cases;
}

/** Every field of a body, at any depth, with the body itself first. */
function* partsOf(
  schema: Schema,
  path: string[] = [],
  isRequired = false,
): Generator<{ path: string[]; schema: Schema; isRequired: boolean }> {
  yield { path, schema, isRequired };
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    yield* partsOf(part, [...path, name], schema.required?.includes(name) ?? false);
  }
}

/** The sample with one field replaced; undefined: left out. */
function placed(sample: unknown, path: readonly string[], value: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  const siblings = Object(sample);
  return { ...siblings, [name]: placed(siblings[name], rest, value) };
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Verbatim);
}

function written(value: unknown): string {
  const texts: string[] = [];
  const json = JSON.stringify(value, (_, item: unknown) =>
    item instanceof Verbatim ? `verbatim-${texts.push(item.text) - 1}-here` : item,
  );
  return json.replaceAll(/"verbatim-(\d+)-here"/g, (_, index: string) => texts[Number(index)] ?? '');
}

function withText(sample: unknown, text: string): string {
  const json = JSON.stringify(sample ?? {});
  return json === '{}' ? `{${text}}` : `${json.slice(0, -1)},${text}}`;
}
