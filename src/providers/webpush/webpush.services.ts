import { isPublicAddress } from '../../transport/address-guard.js';
import type { Origin } from '../../transport/transport.js';
import type { Endpoints } from '../endpoints.js';
import type { Lane } from '../provider.js';
import { checkEndpoint, type EndpointClass, type EndpointRules } from './webpush.endpoint.js';
import { readSubscription } from './webpush.token.js';

/** Push services are few; hosts below an allowed suffix are as many as somebody likes to invent. */
const MAX_SERVICES = 10_000;
/** What needs no parser: printable ASCII without a fragment or a backslash, of a usual length. */
const PLAIN = /^https?:[\x21\x22\x24-\x5b\x5d-\x7e]{1,2000}$/;
/** The origin in a token as `parseSubscription` writes it. */
const STORED_ORIGIN = /^\{"endpoint":"(https?:\/\/[^/"\\]+)\//;
/** Characters of `https://`: the path begins at the next slash. */
const SCHEME_LENGTH = 8;

/** One push service: everything that its endpoints have in common. */
export interface PushService {
  /** The URL's origin, which is also the audience of VAPID. */
  readonly url: string;
  readonly class: EndpointClass;
  readonly isWns: boolean;
  /** The same object for each lane every time: the transport knows an origin again by it. */
  origin(lane: Lane): Origin;
}

/** An endpoint that may be called. */
export interface Place {
  service: PushService;
  path: string;
}

/** Knows push services again, so that an endpoint costs no URL parser and no check that its origin passed before. */
export class PushServices {
  readonly rules: EndpointRules;
  private readonly known = new Map<string, PushService>();

  constructor(
    private readonly endpoints: Endpoints,
    private readonly allowed: { allowedHosts: readonly string[]; allowInsecure: boolean },
  ) {
    this.rules = { ...allowed, isSimulated: (origin) => endpoints.simulatedWebPush(origin) !== undefined };
  }

  /** @returns undefined when no push may be sent there */
  find(endpoint: string): Place | undefined {
    const known = this.knownOf(endpoint);
    if (known !== undefined) return known;
    const checked = checkEndpoint(endpoint, this.rules);
    if ('refused' in checked) return undefined;
    const { url } = checked;
    return { service: this.remember(url, checked.class), path: url.pathname + url.search };
  }

  /** The origin of a stored token's endpoint; '' when it has none. */
  originOf(token: string): string {
    const known = this.known.get(STORED_ORIGIN.exec(token)?.[1] ?? '');
    if (known !== undefined) return known.url;
    const endpoint = readSubscription(token)?.endpoint;
    if (endpoint === undefined || !URL.canParse(endpoint)) return '';
    return this.find(endpoint)?.service.url ?? new URL(endpoint).origin;
  }

  /** Only an origin in its normal form is ever in the map: whatever else stands before the path is looked at by the parser. */
  private knownOf(endpoint: string): Place | undefined {
    const pathAt = endpoint.indexOf('/', SCHEME_LENGTH);
    const service = pathAt < 0 ? undefined : this.known.get(endpoint.slice(0, pathAt));
    if (service === undefined || !PLAIN.test(endpoint)) return undefined;
    return { service, path: endpoint.slice(pathAt) };
  }

  private remember(url: URL, endpointClass: EndpointClass): PushService {
    let service = this.known.get(url.origin);
    if (service === undefined) {
      if (this.known.size >= MAX_SERVICES) this.known.clear();
      service = this.makeService(url, endpointClass);
      this.known.set(url.origin, service);
    }
    return service;
  }

  private makeService(url: URL, endpointClass: EndpointClass): PushService {
    const origins = new Map<Lane, Origin>();
    return {
      url: url.origin,
      class: endpointClass,
      isWns: url.hostname.endsWith('.notify.windows.com'),
      origin: (lane) => {
        const known = origins.get(lane);
        if (known !== undefined) return known;
        const origin = this.makeOrigin(url, endpointClass, lane);
        origins.set(lane, origin);
        return origin;
      },
    };
  }

  private makeOrigin(url: URL, endpointClass: EndpointClass, lane: Lane): Origin {
    const ca = this.endpoints.simulatedWebPush(url.origin)?.ca;
    const isGuarded = endpointClass === 'service' || (endpointClass === 'added' && !this.allowed.allowInsecure);
    return {
      url: url.origin,
      key: `webpush:${lane}`,
      requireHttp2: false,
      ...(ca !== undefined && { ca }),
      ...(isGuarded && { allowAddress: isPublicAddress }),
      ...(url.protocol === 'http:' && { allowInsecure: true }),
    };
  }
}
