import { NodeTransport } from '../../src/transport/node-transport.js';
import { describeTransport } from './transport-suite.js';

describeTransport('NodeTransport', (options) => new NodeTransport(options));
