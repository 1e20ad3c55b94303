/** One metric as it stands in a text exposition. */
interface Metric {
  help?: string;
  type?: string;
  samples: string[];
}

/**
 * Several processes' metrics as one text exposition: each metric once, every sample of `others` with the label `process`.
 *
 * @param own     of this process; '' for none
 * @param others  by the name that the label gets
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function mergeExpositions(own: string, others: ReadonlyMap<string, string>): string {
  const metrics = new Map<string, Metric>();
  collect(metrics, own, (sample) => sample);
  for (const [process, text] of others) collect(metrics, text, (sample) => withLabel(sample, process));
  return [...metrics.values()]
    .flatMap(({ help, type, samples }) => [help ?? [], type ?? [], samples, ''].flat())
    .join('\n');
}

function collect(metrics: Map<string, Metric>, text: string, labelled: (sample: string) => string): void {
  let current: Metric = { samples: [] };
  for (const line of text.split('\n')) {
    const [, kind, name] = /^# (HELP|TYPE) (\S+)/.exec(line) ?? [];
    if (name !== undefined) {
      current = metrics.get(name) ?? { samples: [] };
      metrics.set(name, current);
      if (kind === 'HELP') current.help ??= line;
      else current.type ??= line;
    } else if (line !== '') {
      current.samples.push(labelled(line));
    }
  }
}

function withLabel(sample: string, process: string): string {
  return sample.replace(/^([^\s{]+)(?:\{(.*)\})?(?= \S+$)/, (_, metric: string, labels: string | undefined) => {
    return `${metric}{process="${process}"${labels ? `,${labels}` : ''}}`;
  });
}
