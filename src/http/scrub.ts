/** Field names whose values never reach a log, at any level. Compared without case, `-` and `_`. */
const SECRET_NAMES = new Set(
  [
    'authorization',
    'cookie',
    'setCookie',
    'token',
    'tokens',
    'deviceToken',
    'registrationToken',
    'userToken',
    'accessToken',
    'endpoint',
    'p256dh',
    'auth',
    'keys',
    'key',
    'apiKey',
    'adminKey',
    'masterKey',
    'privateKey',
    'serviceAccount',
    'certificate',
    'secret',
    'clientSecret',
    'deviceSecret',
    'xDeviceSecret',
    'password',
    'currentPassword',
    'newPassword',
    'passwordHash',
    'csrfToken',
    'xCsrfToken',
    'jwt',
    'assertion',
    'sealed',
    'title',
    'body',
    'content',
    'data',
    'payload',
    'overrides',
    'parameters',
    'query',
    'ticket',
  ].map(plain),
);

const HIDDEN = '[hidden]';
/** The one secret that stands in URLs: an `EventSource` cannot send headers. */
const TICKET_IN_URL = /([?&]ticket=)[^&\s"']+/g;
const MAX_DEPTH = 6;

/**
 * A log record with everything secret taken out by name, at any depth. An `Error` is reduced to what is ours to show:
 * the message of a database or JSON error repeats the value it complains about, so theirs is replaced by its code.
 */
export function scrub(value: unknown, depth = 0): unknown {
  if (value instanceof Error) return scrubError(value, depth);
  if (typeof value === 'string') return scrubText(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (depth >= MAX_DEPTH || Buffer.isBuffer(value)) return HIDDEN;
  if (Array.isArray(value)) return value.map((item) => scrub(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      SECRET_NAMES.has(plain(name)) ? HIDDEN : scrub(item, depth + 1),
    ]),
  );
}

/** A text without the tickets of the URLs in it. */
export function scrubText(text: string): string {
  return text.includes('ticket=') ? text.replaceAll(TICKET_IN_URL, `$1${HIDDEN}`) : text;
}

function scrubError(error: Error, depth: number): Record<string, unknown> {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const repeatsValues = error instanceof SyntaxError || 'query' in error || 'detail' in error;
  const stack = error.stack ?? '';
  const frames = stack.slice(Math.max(0, stack.indexOf('\n    at ')));
  return {
    type: error.name,
    message: repeatsValues ? `${error.name}${code ? ` ${code}` : ''}` : scrubText(error.message),
    ...(code ? { code } : {}),
    ...('constraint' in error && typeof error.constraint === 'string' ? { constraint: error.constraint } : {}),
    stack: frames.trim(),
    ...(error.cause instanceof Error && depth < MAX_DEPTH ? { cause: scrubError(error.cause, depth + 1) } : {}),
  };
}

function plain(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase();
}
