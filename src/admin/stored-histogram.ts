import { Histogram, type Registry } from 'prom-client';

/** One series of a histogram as it is stored: counts per bucket, not cumulative, the last for what is above all bounds. */
export interface StoredSeries {
  labels: Record<string, string>;
  buckets: readonly number[];
  sum: number;
}

interface ExposedValue {
  metricName: string;
  labels: Record<string, string | number>;
  sharedLabels: Record<string, never>;
  value: number;
}

/** A histogram whose observations were counted elsewhere: it shows what {@link set} was given. */
export class StoredHistogram extends Histogram {
  private series: readonly StoredSeries[] = [];

  constructor(
    private readonly config: {
      name: string;
      help: string;
      bounds: readonly number[];
      labelNames: readonly string[];
      registry: Registry;
    },
  ) {
    const { name, help, labelNames, bounds, registry } = config;
    super({ name, help, labelNames, buckets: [...bounds], registers: [registry] });
  }

  set(series: readonly StoredSeries[]): void {
    this.series = series;
  }

  /** What the registry and `get()` read; prom-client does not declare it, but there is no other way to give it ready counts. */
  async getForPromString() {
    const { name, help } = this.config;
    const values = this.series.flatMap((series) => this.valuesOf(series));
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }

  private valuesOf({ labels, buckets, sum }: StoredSeries): ExposedValue[] {
    const { name, bounds } = this.config;
    const exposed = (suffix: string, value: number, own: Record<string, string | number> = {}): ExposedValue => ({
      metricName: `${name}_${suffix}`,
      labels: { ...own, ...labels },
      sharedLabels: {},
      value,
    });
    let count = 0;
    const cumulative = buckets.map((n, i) => {
      count += n;
      return exposed('bucket', count, { le: bounds[i] ?? '+Inf' });
    });
    return [...cumulative, exposed('sum', sum), exposed('count', count)];
  }
}
