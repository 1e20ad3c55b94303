import type { ProviderName } from '../lib/names.js';
import type { DemoDevice } from './demo-devices.js';

/** Messages that are read at once. */
const PAGE = 2_000;

/** A message as the simulators' control listener shows it. */
interface RecordedMessage {
  seq: number;
  target: string;
  provider: string;
  verdict: { accepted: boolean };
}

/**
 * What the simulators accepted for the devices of one campaign, however much reaches them for others. They remember only the
 * latest messages, so it is to be asked now and then while the campaign runs.
 */
export class DemoAcceptances {
  /** Acceptances by provider. */
  readonly counts: Record<ProviderName, number> = { fcm: 0, apns: 0, webpush: 0 };
  private readonly own: ReadonlyMap<string, ProviderName>;

  private constructor(
    private readonly control: (path: string) => Promise<unknown>,
    devices: readonly DemoDevice[],
    private afterSeq: number,
  ) {
    this.own = new Map(devices.map(({ provider, token }) => [keyOf(provider, targetOf(token)), provider]));
  }

  /**
   * Counts from now on.
   *
   * @param control a GET to the simulators' control listener
   */
  static async start(
    control: (path: string) => Promise<unknown>,
    devices: readonly DemoDevice[],
  ): Promise<DemoAcceptances> {
    const { newest } = (await control('/__messages/count')) as { newest: number };
    return new DemoAcceptances(control, devices, newest);
  }

  /** Counts what came since the last time. */
  async catchUp(): Promise<void> {
    for (;;) {
      const path = `/__messages?after=${this.afterSeq}&limit=${PAGE}`;
      const { messages } = (await this.control(path)) as { messages: RecordedMessage[] };
      for (const { target, provider, verdict } of messages) {
        const own = this.own.get(keyOf(provider, target));
        if (own !== undefined && verdict.accepted) this.counts[own] += 1;
      }
      this.afterSeq = messages.at(-1)?.seq ?? this.afterSeq;
      if (messages.length < PAGE) return;
    }
  }
}

function keyOf(provider: string, target: string): string {
  return `${provider} ${target}`;
}

/** What the simulators call a device: its token, or the end of its endpoint. */
function targetOf(token: unknown): string {
  if (typeof token === 'string') return token;
  const { endpoint } = token as { endpoint: string };
  return endpoint.slice(endpoint.lastIndexOf('/') + 1);
}
