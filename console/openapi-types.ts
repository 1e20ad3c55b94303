type Schema = Readonly<Record<string, unknown>>;

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: Schema;
}

type Content = Readonly<Record<string, { schema?: Schema }>>;

interface Operation {
  summary?: string;
  parameters?: readonly Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Readonly<Record<string, { content?: Content; $ref?: string }>>;
}

/** An OpenAPI 3.1 document, as far as its types are read. */
export interface ApiDocument {
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  components: { schemas: Readonly<Record<string, Schema>> };
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;
const PLACES = ['query', 'header', 'path'] as const;
const MAX_LINE = 110;

/**
 * The API as TypeScript, in the shape that `openapi-fetch` reads. `openapi-typescript` would do the same, but needs the
 * JavaScript interface that TypeScript no longer has since 7.0.
 *
 * @returns a module that exports `paths` and `components`
 * @see https://openapi-ts.dev/openapi-fetch/
 */
export function typesOf(document: ApiDocument): string {
  const paths = Object.entries(document.paths).map(
    ([path, methods]) => `  ${quoted(path)}: {\n${methodsOf(methods)}  };`,
  );
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) => `    ${key(name)}: ${typeOf(schema, 4)};`,
  );
  return [
    '// Generated from /openapi.json by `npm test -- test/integration/console-types.spec.ts -u`. Do not edit.',
    '',
    'export interface paths {',
    ...paths,
    '}',
    '',
    'export interface components {',
    '  schemas: {',
    ...schemas,
    '  };',
    '}',
    '',
  ].join('\n');
}

function methodsOf(methods: Readonly<Record<string, Operation>>): string {
  const lines = METHODS.map((method) => {
    const operation = methods[method];
    return operation ? operationOf(method, operation) : `    ${method}?: never;\n`;
  });
  return `    parameters: { query?: never; header?: never; path?: never; cookie?: never };\n${lines.join('')}`;
}

function operationOf(method: string, { summary, parameters = [], requestBody, responses }: Operation): string {
  const places = PLACES.map((place) => {
    const own = parameters.filter((parameter) => parameter.in === place);
    if (own.length === 0) return `${place}?: never`;
    const optional = own.every(({ required }) => !required) ? '?' : '';
    const fields = own.map(({ name, required, schema }) => `${key(name)}${required ? '' : '?'}: ${typeOf(schema, 8)}`);
    return `${place}${optional}: { ${fields.join('; ')} }`;
  });
  const body = requestBody
    ? `requestBody${requestBody.required ? '' : '?'}: { content: ${contentOf(requestBody.content)} }`
    : 'requestBody?: never';
  const answers = Object.entries(responses).map(([status, { content }]) => {
    return `        ${status}: { headers: { [name: string]: unknown }; content${content ? `: ${contentOf(content)}` : '?: never'} };`;
  });
  return [
    ...(summary ? [`    /** ${summary.replaceAll('*/', '*\\/')} */`] : []),
    `    ${method}: {`,
    `      parameters: { ${[...places, 'cookie?: never'].join('; ')} };`,
    `      ${body};`,
    '      responses: {',
    ...answers,
    '      };',
    '    };',
    '',
  ].join('\n');
}

function contentOf(content: Content): string {
  const types = Object.entries(content).map(
    ([type, { schema }]) => `${quoted(type)}: ${schema ? typeOf(schema, 10) : 'unknown'}`,
  );
  return `{ ${types.join('; ')} }`;
}

/** @param indent of the line that the type begins on */
function typeOf(schema: Schema, indent: number): string {
  const { $ref, anyOf, oneOf, allOf, type } = schema;
  if (typeof $ref === 'string') return refOf($ref);
  if ('const' in schema) return JSON.stringify(schema['const']);
  if (Array.isArray(schema['enum'])) return unique(schema['enum'].map((value) => JSON.stringify(value))).join(' | ');
  const alternatives = schemas(anyOf ?? oneOf);
  if (alternatives.length > 0) return unique(alternatives.map((each) => grouped(typeOf(each, indent)))).join(' | ');
  const parts = schemas(allOf);
  if (parts.length > 0) return parts.map((each) => grouped(typeOf(each, indent))).join(' & ');
  if (Array.isArray(type)) return unique(type.map((each) => typeOf({ ...schema, type: each }, indent))).join(' | ');
  if (type === 'array') return arrayOf(schema, indent);
  if (type === 'object') return objectOf(schema, indent);
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'string' || type === 'boolean' || type === 'null') return type;
  return 'unknown';
}

function arrayOf({ prefixItems, items }: Schema, indent: number): string {
  const fixed = schemas(prefixItems);
  if (fixed.length > 0) return `[${fixed.map((each) => typeOf(each, indent)).join(', ')}]`;
  return isSchema(items) ? `${grouped(typeOf(items, indent))}[]` : 'unknown[]';
}

function objectOf({ properties, required, additionalProperties }: Schema, indent: number): string {
  const needed = new Set(Array.isArray(required) ? required : []);
  const inner = indent + 2;
  const named = Object.entries(isSchema(properties) ? properties : {}).map(([name, field]) => {
    return `${key(name)}${needed.has(name) ? '' : '?'}: ${isSchema(field) ? typeOf(field, inner) : 'unknown'}`;
  });
  const free =
    isSchema(additionalProperties) && named.length === 0
      ? [`[name: string]: ${typeOf(additionalProperties, inner)}`]
      : [];
  const fields = [...named, ...free];
  if (fields.length === 0) return 'Record<string, never>';
  const line = `{ ${fields.join('; ')} }`;
  if (line.length <= MAX_LINE && !line.includes('\n')) return line;
  const pad = ' '.repeat(inner);
  return `{\n${fields.map((field) => `${pad}${field};\n`).join('')}${' '.repeat(indent)}}`;
}

function refOf(ref: string): string {
  const [, ...place] = ref.split('/');
  const [root = '', ...rest] = place;
  return `${root}${rest.map((part) => `[${quoted(part)}]`).join('')}`;
}

const grouped = (type: string) => (/ [|&] /.test(type) && !/^[{[]/.test(type) ? `(${type})` : type);
const unique = (types: readonly string[]) => [...new Set(types)];
const quoted = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
const key = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name));
const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const schemas = (value: unknown): Schema[] => (Array.isArray(value) ? value.filter(isSchema) : []);
