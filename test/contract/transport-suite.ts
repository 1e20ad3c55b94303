import { describe } from 'vitest';
import { describeChaos } from './transport-chaos.js';
import { describeConnects } from './transport-connects.js';
import { describeEndings } from './transport-endings.js';
import type { MakeTransport } from './transport-harness.js';
import { describeLimits } from './transport-limits.js';
import { describeLiveness } from './transport-liveness.js';
import { describeRequests } from './transport-requests.js';

/** What every {@link Transport} must do, over real TLS sockets. */
export function describeTransport(name: string, make: MakeTransport): void {
  describe(name, () => {
    describeRequests(make);
    describeLimits(make);
    describeEndings(make);
    describeConnects(make);
    describeLiveness(make);
    describeChaos(make);
  });
}
