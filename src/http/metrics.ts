import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { mergeExpositions } from './exposition.js';

/**
 * The process's Prometheus metrics. Make counters and histograms with `registers: [metrics.registry]`; what is read from
 * Postgres at scrape time goes into a callback given to {@link onScrape}, which sets gauges of that registry.
 */
@Injectable()
export class Metrics {
  readonly registry = new Registry();
  private readonly collectors: (() => Promise<void>)[] = [];
  private others: (() => Promise<ReadonlyMap<string, string>>) | undefined;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  onScrape(collect: () => Promise<void>): void {
    this.collectors.push(collect);
  }

  /** Shows the metrics of other processes, too: text expositions by the name that the label `process` gets. */
  include(others: () => Promise<ReadonlyMap<string, string>>): void {
    this.others = others;
  }

  /** The text exposition. A collector that fails leaves its gauges as they were and is counted; the others still show. */
  async expose(): Promise<string> {
    const ends = await Promise.allSettled(this.collectors.map((collect) => collect()));
    const failed = ends.filter(({ status }) => status === 'rejected').length;
    const own = `# HELP carillon_collectors_failed Collectors that failed in this scrape.\n# TYPE carillon_collectors_failed gauge\ncarillon_collectors_failed ${failed}\n`;
    const text = (await this.registry.metrics()) + own;
    return this.others ? mergeExpositions(text, await this.others()) : text;
  }

  get contentType(): string {
    return this.registry.contentType;
  }
}
