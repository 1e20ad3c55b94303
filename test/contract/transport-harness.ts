import { afterEach, expect } from 'vitest';
import type { TransportOptions } from '../../src/transport/pooled-transport.js';
import type { Origin, Transport, TransportRequest, TransportResult } from '../../src/transport/transport.js';
import { eventually } from '../setup/eventually.js';
import { CA, type Peer } from './transport-peers.js';

/** Makes the implementation under test. Options that it does not know, it may ignore only if no test depends on them. */
export type MakeTransport = (options: TransportOptions) => Transport;

/** What tests use: everything made through it is closed after the test, and double settles fail the test. */
export class Harness {
  private peers: Peer[] = [];
  private transports: Transport[] = [];
  private settles: number[] = [];

  constructor(private readonly make: MakeTransport) {
    afterEach(async () => {
      for (const transport of this.transports) await transport.close(0);
      for (const peer of this.peers) await peer.close();
      const settles = this.settles;
      this.peers = [];
      this.transports = [];
      this.settles = [];
      expect(settles.filter((times) => times !== 1)).toEqual([]);
    });
  }

  transport(options: TransportOptions = {}): Transport {
    const transport = this.make(options);
    this.transports.push(transport);
    return transport;
  }

  async peer<T extends Peer>(starting: Promise<T>): Promise<T> {
    const peer = await starting;
    this.peers.push(peer);
    return peer;
  }

  send(transport: Transport, origin: Origin, request: Partial<TransportRequest> = {}): Promise<TransportResult> {
    const index = this.settles.push(0) - 1;
    const whole = {
      method: 'POST',
      path: '/',
      headers: {},
      body: Buffer.from('{}'),
      timeoutMs: 15_000,
      ...request,
    } as const;
    return new Promise((resolve) => {
      transport.request(origin, whole, (result) => {
        this.settles[index] = (this.settles[index] ?? 0) + 1;
        resolve(result);
      });
    });
  }
}

/** An origin for a peer, trusting the tests' authority. */
export function originOf(peer: { url: string }, more: Partial<Origin> = {}): Origin {
  return { url: peer.url, key: '', ca: CA, requireHttp2: true, ...more };
}

/** The response, or a failed test that shows what came instead. */
export function responseOf(result: TransportResult): Extract<TransportResult, { kind: 'response' }> {
  if (result.kind !== 'response') throw new Error(`not a response: ${JSON.stringify(result)}`);
  return result;
}

/** The first element, once there is one that `isReady`. */
export async function firstOf<T>(list: readonly T[], isReady: (item: T) => boolean = () => true): Promise<T> {
  return eventually(() => {
    const first = list[0];
    if (first === undefined || !isReady(first)) throw new Error('not there yet');
    return first;
  });
}

export const REFUSED_STREAM = 7;
export const INTERNAL_ERROR = 2;
export const ENHANCE_YOUR_CALM = 11;
