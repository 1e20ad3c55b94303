import { NodeTransport } from '../../src/transport/node-transport.js';
import { wireConnections } from '../../src/transport/wire/wire-connection.js';
import { describeTransport } from './transport-suite.js';

describeTransport('wire', (options) => new NodeTransport({ ...options, http2: wireConnections }));
