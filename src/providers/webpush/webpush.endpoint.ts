/** Characters. Push services issue a few hundred. */
const MAX_ENDPOINT_LENGTH = 2048;

/**
 * The push services of the browsers there are; a leading dot means any host below.
 * Read 2026-11: Chromium (FCM), Firefox (autopush), Safari, Edge (WNS).
 */
const PUSH_SERVICES = [
  'fcm.googleapis.com',
  'android.googleapis.com',
  '.push.services.mozilla.com',
  '.push.apple.com',
  '.notify.windows.com',
];

export interface EndpointRules {
  /** `WEBPUSH_ALLOWED_HOSTS`: host suffixes, or exact `host:port`. */
  allowedHosts: readonly string[];
  /** `WEBPUSH_ALLOW_INSECURE`: http, loopback and other ports too. */
  allowInsecure: boolean;
  /** Whether this origin is one of our simulators. */
  isSimulated(origin: string): boolean;
}

/** Why an origin may be called, which decides what is checked when connecting. */
export type EndpointClass =
  /** A simulator: only for simulated credentials. */
  | 'simulated'
  /** A browser vendor's push service: public addresses only. */
  | 'service'
  /** A host below a suffix that the operator added: public addresses only, unless insecure is allowed. */
  | 'added'
  /** Exactly what the operator named, or loopback while insecure is allowed: wherever it is. */
  | 'explicit';

export type EndpointCheck = { class: EndpointClass; url: URL } | { refused: string };

/**
 * Whether a push may be sent to this endpoint, which the caller's client chose (SSRF). Asked when a device registers and
 * again before each connection: the rules may have changed in between.
 *
 * @returns the parsed URL, or why it is refused
 */
export function checkEndpoint(endpoint: unknown, rules: EndpointRules): EndpointCheck {
  if (typeof endpoint !== 'string' || endpoint === '') return { refused: 'must be an https URL' };
  if (endpoint.length > MAX_ENDPOINT_LENGTH) {
    return { refused: `${endpoint.length} characters, at most ${MAX_ENDPOINT_LENGTH}` };
  }
  // Printable ASCII: international hosts must come as punycode. A backslash is a slash to some parsers only.
  if (!/^[\x21-\x7e]+$/.test(endpoint) || endpoint.includes('\\')) return { refused: 'must be an https URL' };
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return { refused: 'must be an https URL' };
  }
  if (url.username !== '' || url.password !== '') return { refused: 'must not hold a user name or password' };
  if (endpoint.includes('#')) return { refused: 'must not have a fragment' };
  return classify(url, rules);
}

function classify(url: URL, rules: EndpointRules): EndpointCheck {
  if (rules.isSimulated(url.origin)) return { class: 'simulated', url };
  if (url.protocol === 'http:' && !rules.allowInsecure) return { refused: 'must be an https URL' };
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  if (rules.allowedHosts.includes(`${url.hostname}:${port}`)) return { class: 'explicit', url };
  if (rules.allowInsecure && isLoopback(url.hostname)) return { class: 'explicit', url };
  const isUsualPort = url.protocol === 'https:' && port === '443';
  if (PUSH_SERVICES.some((service) => isHostOf(service, url.hostname))) {
    return isUsualPort ? { class: 'service', url } : { refused: 'must use https on port 443' };
  }
  if (rules.allowedHosts.some((suffix) => isBelow(suffix, url.hostname))) {
    return isUsualPort || rules.allowInsecure ? { class: 'added', url } : { refused: 'must use https on port 443' };
  }
  return { refused: 'is not at a known push service; see WEBPUSH_ALLOWED_HOSTS' };
}

function isHostOf(service: string, hostname: string): boolean {
  return service.startsWith('.') ? hostname.endsWith(service) : hostname === service;
}

/** The host itself or one below it, on a label boundary. */
function isBelow(suffix: string, hostname: string): boolean {
  const bare = suffix.toLowerCase().replace(/^\*?\./, '');
  return hostname === bare || hostname.endsWith(`.${bare}`);
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
