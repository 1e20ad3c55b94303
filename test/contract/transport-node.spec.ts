import { nodeConnections } from '../../src/transport/http2-connection.js';
import { PooledTransport } from '../../src/transport/pooled-transport.js';
import { describeTransport } from './transport-suite.js';

describeTransport('HTTP/2 by node:http2', (options) => new PooledTransport({ ...options, http2: nodeConnections }));
