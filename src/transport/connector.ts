import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { NotProcessedReason } from './job.js';
import type { Origin } from './transport.js';

/** Milliseconds for one address when a name has several; Node's 250 is too short for another continent under load. */
const ADDRESS_ATTEMPT_MS = 1_000;

/** Resolves a host name to all of its addresses; injected in tests. */
export type Resolve = (
  hostname: string,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** The system's resolver, asked anew for every connection. */
export const resolveBySystem: Resolve = (hostname, done) => {
  dnsLookup(hostname, { all: true }, (error, addresses) => done(error, addresses ?? []));
};

/** Where an origin's URL points. */
export interface Target {
  protocol: 'https:' | 'http:';
  /** Without brackets. */
  hostname: string;
  port: number;
  /** `:authority` or `host`. */
  authority: string;
  /** Normalised: scheme, host, non-default port. */
  url: string;
}

/** @returns `undefined` for anything but an `http:` or `https:` URL */
export function parseTarget(url: string): Target | undefined {
  if (!URL.canParse(url)) return undefined;
  const parsed = new URL(url);
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') return undefined;
  const defaultPort = parsed.protocol === 'https:' ? 443 : 80;
  return {
    protocol: parsed.protocol,
    hostname: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: parsed.port === '' ? defaultPort : Number(parsed.port),
    authority: parsed.host,
    url: parsed.origin,
  };
}

/** How a connect ended: the socket with what ALPN agreed on (`h2`, `http/1.1` or `''`), or why there is none. */
export type ConnectResult = { socket: Socket; alpn: string } | { failure: NotProcessedReason };

export interface ConnectSettings {
  resolve: Resolve;
  /** For DNS, TCP and TLS together. */
  timeoutMs: number;
}

class AddressRefusedError extends Error {}

function isAllowed(origin: Origin, address: string): boolean {
  if (origin.allowAddress === undefined) return true;
  try {
    return origin.allowAddress(address);
  } catch {
    return false;
  }
}

/**
 * A `lookup` that hands `net` only addresses that were checked, so that nobody resolves the name a second time.
 * One refused address refuses the name: a public name with a private address among the others is an attack.
 */
function guardedLookup(origin: Origin, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const first = addresses[0];
      if (first === undefined) return callback(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), []);
      if (!addresses.every(({ address }) => isAllowed(origin, address))) {
        return callback(new AddressRefusedError('address refused'), []);
      }
      if (options.all === true) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}

function failureOf(error: NodeJS.ErrnoException | undefined, isTcpUp: boolean): NotProcessedReason {
  if (error instanceof AddressRefusedError) return 'address_refused';
  if (error?.syscall === 'getaddrinfo' || error?.code === 'ENOTFOUND' || error?.code?.startsWith('EAI_')) return 'dns';
  return isTcpUp ? 'tls' : 'connect';
}

/** @throws when the PEM material is unusable */
export function secureContextOf(origin: Origin): SecureContext {
  return createSecureContext({ ca: origin.ca, cert: origin.cert, key: origin.certKey, minVersion: 'TLSv1.2' });
}

/** The latest TLS session of each context, and so of one pool: the next connection of it resumes instead of starting over. */
const sessions = new WeakMap<SecureContext, Buffer>();

function dial(target: Target, origin: Origin, secureContext: SecureContext | undefined, resolve: Resolve): Socket {
  const tcp = {
    host: target.hostname,
    port: target.port,
    lookup: guardedLookup(origin, resolve),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
    noDelay: true,
  };
  if (target.protocol === 'http:') return connectTcp(tcp);
  const socket = connectTls({
    ...tcp,
    secureContext,
    session: secureContext === undefined ? undefined : sessions.get(secureContext),
    servername: isIP(target.hostname) === 0 ? target.hostname : '',
    ALPNProtocols: origin.requireHttp2 ? ['h2'] : ['h2', 'http/1.1'],
    // Explicit, because NODE_TLS_REJECT_UNAUTHORIZED would change the default.
    rejectUnauthorized: true,
  });
  // Told only after the certificate was verified, so that nothing unverified can be resumed.
  if (secureContext !== undefined) socket.on('session', (session) => sessions.set(secureContext, session));
  return socket;
}

function alpnOf(target: Target, origin: Origin, socket: Socket): string {
  // Without TLS there is nothing to negotiate with: h2 by prior knowledge, or HTTP/1.1.
  if (target.protocol === 'http:') return origin.requireHttp2 ? 'h2' : '';
  return (socket as TLSSocket).alpnProtocol || '';
}

/**
 * Opens one socket: name, address check, TCP, TLS with verification, ALPN.
 *
 * @param done called exactly once, unless the connect was given up; never synchronously
 * @returns gives the connect up; does nothing after `done`
 */
export function openSocket(
  target: Target,
  origin: Origin,
  secureContext: SecureContext | undefined,
  settings: ConnectSettings,
  done: (result: ConnectResult) => void,
): () => void {
  // `net` does not call `lookup` for an address.
  if (isIP(target.hostname) !== 0 && !isAllowed(origin, target.hostname)) {
    const refused = setImmediate(() => done({ failure: 'address_refused' }));
    return () => clearImmediate(refused);
  }
  const socket = dial(target, origin, secureContext, settings.resolve);
  let isTcpUp = false;
  let isDone = false;
  const end = (result: ConnectResult | undefined): void => {
    if (isDone) return;
    isDone = true;
    clearTimeout(timer);
    socket.off('close', onClose);
    if (result === undefined || 'failure' in result) socket.destroy();
    if (result !== undefined) done(result);
  };
  const onClose = (): void => end({ failure: failureOf(undefined, isTcpUp) });
  const timer = setTimeout(() => end({ failure: 'connect_timeout' }), settings.timeoutMs);
  timer.unref();
  // Stays for the socket's whole life: whatever happens later is told by 'close'.
  socket.on('error', (error) => end({ failure: failureOf(error, isTcpUp) }));
  socket.once('close', onClose);
  socket.once('connect', () => {
    isTcpUp = true;
    if (target.protocol === 'http:') end({ socket, alpn: alpnOf(target, origin, socket) });
  });
  socket.once('secureConnect', () => {
    const alpn = alpnOf(target, origin, socket);
    end(alpn !== 'h2' && origin.requireHttp2 ? { failure: 'no_h2' } : { socket, alpn });
  });
  return () => end(undefined);
}
