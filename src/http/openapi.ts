import { z } from 'zod';
import { consoleRoleOf, type RouteSpec } from './route.js';
import type { ServedRoute } from './route-table.js';

type JsonObject = Record<string, unknown>;

/** Of the console's session. `__Host-`: browsers take it only with Secure and Path=/, and never for or from another host. */
export const SESSION_COOKIE = '__Host-carillon';
export const CSRF_HEADER = 'x-csrf-token';

/** One operation as OpenAPI describes it, as far as the docs page reads it again. */
export interface Operation {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  security?: JsonObject[];
  parameters?: { name: string; in: string; required: boolean; description?: string; schema: JsonObject }[];
  requestBody?: { required: boolean; content: Record<string, { schema: JsonObject }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: JsonObject }> }>;
}

/** @see https://spec.openapis.org/oas/v3.1.1 */
export interface OpenApiDocument {
  openapi: '3.1.0';
  info: { title: string; version: string; description: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: JsonObject;
}

const DESCRIPTION = [
  'Push notifications through FCM, APNs and Web Push, with every delivery explained.',
  'Times are RFC 3339 in UTC, ids are UUIDs, unknown fields are refused by name. Errors are RFC 9457',
  '`application/problem+json` with a stable `code`. Lists take `cursor` and `limit`.',
  'An admin key of the whole installation may call every server operation with `?applicationId=`, and so may',
  'whoever is signed in to the console with the role that the operation needs.',
].join(' ');

const problemSchema = z.object({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.number().int(),
  code: z.string().describe('Stable; what programs should look at'),
  detail: z.string(),
  requestId: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

/** The guard takes it from the query before the operation's own schema sees it. */
const named = z.object({
  applicationId: z.uuid().optional().describe('Needed with an admin key of the installation, and in the console'),
});

/** Describes what is served, from the declarations that also validate it. */
export function describeApi(routes: readonly ServedRoute[], version: string): OpenApiDocument {
  const paths: Record<string, Record<string, Operation>> = {};
  const sorted = routes.toSorted((one, other) => rankOf(one) - rankOf(other) || one.path.localeCompare(other.path));
  for (const route of sorted) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Carillon', version, description: DESCRIPTION },
    tags: [...new Set(sorted.map(({ spec }) => spec.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: schemaOf(problemSchema, 'output') },
      responses: {
        Problem: {
          description: 'Refused.',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: client, server or admin' },
        session: { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE, description: 'Signed in to the console' },
        csrfToken: { type: 'apiKey', in: 'header', name: CSRF_HEADER, description: '`csrfToken` of that session' },
      },
    },
  };
}

/** What people look for first, first: the product before its health. */
function rankOf({ path }: ServedRoute): number {
  return path.startsWith('/v1/') ? 0 : 1;
}

function operationOf({ method, path, spec }: ServedRoute): Operation {
  const parameters = [
    ...parametersOf(spec.params, 'path'),
    ...parametersOf(spec.query, 'query'),
    ...(spec.access !== 'public' && spec.access.includes('server') ? parametersOf(named, 'query') : []),
    ...parametersOf(spec.headers, 'header'),
  ];
  const body = bodyOf(spec);
  return {
    operationId: operationIdOf(method, path),
    summary: spec.summary,
    description: accessInWords(method, spec),
    tags: [spec.tag],
    ...(spec.access === 'public' ? {} : { security: securityOf(method, spec) }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: body } : {}),
    responses: responsesOf(spec),
  };
}

function accessInWords(method: string, spec: RouteSpec): string {
  if (spec.access === 'public') return 'Public.';
  const role = consoleRoleOf(method, spec);
  const keys = spec.access.length > 0 ? [`Key: ${spec.access.join(' or ')}.`] : [];
  return [...keys, ...(role ? [`Console: ${role}.`] : [])].join(' ');
}

function securityOf(method: string, spec: RouteSpec): JsonObject[] {
  const keys = spec.access.length > 0 ? [{ apiKey: [] }] : [];
  if (consoleRoleOf(method, spec) === undefined) return keys;
  return [...keys, { session: [], ...(method === 'GET' ? {} : { csrfToken: [] }) }];
}

function parametersOf(schema: z.ZodObject | undefined, place: 'path' | 'query' | 'header') {
  return Object.entries(schema?.shape ?? {}).map(([name, field]) => {
    const { description, ...json } = schemaOf(field, 'input');
    const isRequired = place === 'path' || !z.safeParse(field, undefined).success;
    return {
      name,
      in: place,
      required: isRequired,
      ...(typeof description === 'string' ? { description } : {}),
      schema: json,
    };
  });
}

function bodyOf(spec: RouteSpec): Operation['requestBody'] {
  if (spec.body) {
    const isRequired = !z.safeParse(spec.body, undefined).success;
    return {
      required: isRequired,
      content: { [spec.bodyMediaType ?? 'application/json']: { schema: schemaOf(spec.body, 'input') } },
    };
  }
  if (spec.bodyMediaType) return { required: true, content: { [spec.bodyMediaType]: { schema: {} } } };
  return undefined;
}

function responsesOf(spec: RouteSpec): Operation['responses'] {
  const declared = Object.entries(spec.responses).map(([status, { description, schema }]) => {
    const content = schema ? { content: { 'application/json': { schema: schemaOf(schema, 'output') } } } : {};
    return [status, { description, ...content }] as const;
  });
  const problem = { schema: { $ref: '#/components/schemas/Problem' } };
  const refused = { description: 'Refused; `code` says why.', content: { 'application/problem+json': problem } };
  return { ...Object.fromEntries(declared), default: refused };
}

function schemaOf(schema: z.ZodType | z.core.$ZodType, io: 'input' | 'output'): JsonObject {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    target: 'draft-2020-12',
    // A format says what its pattern would, and can be read.
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    },
  });
  return json;
}

/** `POST /v1/devices/:id/x-y` → `postDevicesByIdXY` */
function operationIdOf(method: string, path: string): string {
  const words = path
    .replace(/^\/v1/, '')
    .replaceAll(/:(\w)/g, (_, first: string) => `by-${first}`)
    .replaceAll('*', 'rest')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean);
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
