import { PooledTransport } from '../../src/transport/pooled-transport.js';
import { describeTransport } from './transport-suite.js';

describeTransport('HTTP/2 by our own framing', (options) => new PooledTransport(options));
