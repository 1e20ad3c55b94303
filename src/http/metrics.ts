import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { mergeExpositions } from './exposition.js';

/** Whose figures a metric shows. */
export type MetricScope = 'process' | 'installation';

/** Text expositions by the name that the label `process` gets. */
type Expositions = ReadonlyMap<string, string>;

/**
 * Prometheus metrics. Make counters and histograms with `registers: [metrics.registry]`; what is read from Postgres at scrape
 * time goes into a callback given to {@link onScrape}, which sets gauges of that registry, or of `installation` when every
 * process would show the same.
 */
@Injectable()
export class Metrics {
  /** Of this process. */
  readonly registry = new Registry();
  /** Of the whole installation: shown once, by whichever process answers. */
  readonly installation = new Registry();
  private readonly collectors: Readonly<Record<MetricScope, (() => Promise<void>)[]>> = {
    process: [],
    installation: [],
  };
  private others: { read: () => Promise<Expositions>; which: 'others' | 'all' } | undefined;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  onScrape(collect: () => Promise<void>, scope: MetricScope = 'process'): void {
    this.collectors[scope].push(collect);
  }

  /**
   * Shows the metrics of several processes.
   *
   * @param which `all`: this process is among them, so its own are labelled like the rest
   */
  include(read: () => Promise<Expositions>, which: 'others' | 'all' = 'others'): void {
    this.others = { read, which };
  }

  /** The text exposition. A collector that fails leaves its gauges as they were and is counted; the others still show. */
  async expose(): Promise<string> {
    const shared = await this.collect('installation');
    if (this.others?.which === 'all') {
      return mergeExpositions(shared.text + failures(shared.failed), await this.others.read());
    }
    const own = await this.collect('process');
    const text = own.text + shared.text + failures(own.failed + shared.failed);
    return this.others ? mergeExpositions(text, await this.others.read()) : text;
  }

  /** What is true of this process alone. */
  async exposeOwn(): Promise<string> {
    const { text, failed } = await this.collect('process');
    return text + failures(failed);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  private async collect(scope: MetricScope): Promise<{ text: string; failed: number }> {
    const ends = await Promise.allSettled(this.collectors[scope].map((collect) => collect()));
    const registry = scope === 'process' ? this.registry : this.installation;
    return { text: await registry.metrics(), failed: ends.filter(({ status }) => status === 'rejected').length };
  }
}

function failures(n: number): string {
  const name = 'carillon_collectors_failed';
  return `# HELP ${name} Collectors that failed in this scrape.\n# TYPE ${name} gauge\n${name} ${n}\n`;
}
