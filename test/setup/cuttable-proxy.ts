import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy in front of the service that can cut every line, and refuse some requests as a hostile network does. */
export class CuttableProxy {
  /** First lines of the requests that came through. */
  readonly requests: string[] = [];
  /** Connections whose request matches are cut at once. */
  refused: RegExp | undefined;
  private readonly lines = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private target: { host: string; port: number },
  ) {
    server.on('connection', (client) => this.carry(client));
  }

  static async start(baseUrl: string): Promise<CuttableProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CuttableProxy(server, addressOf(baseUrl));
  }

  /** Whoever comes from now on is led there. */
  leadTo(baseUrl: string): void {
    this.target = addressOf(baseUrl);
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const line of this.lines) line.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private carry(client: Socket): void {
    const service = connect(this.target);
    this.lines.add(client);
    client.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      if (this.refused?.test(text)) client.destroy();
      for (const [line] of text.matchAll(/^(?:GET|POST|PATCH|DELETE|OPTIONS) \S+/gm)) this.requests.push(line);
    });
    client.pipe(service);
    service.pipe(client);
    client.on('error', () => undefined);
    service.on('error', () => client.destroy());
    client.on('close', () => {
      this.lines.delete(client);
      service.destroy();
    });
  }
}

function addressOf(baseUrl: string): { host: string; port: number } {
  const { hostname, port } = new URL(baseUrl);
  return { host: hostname, port: Number(port) };
}
