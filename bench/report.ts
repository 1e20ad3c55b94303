import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import type { Section } from './section.js';

/** As Markdown, below headings of the given level. */
export function markdownOf(sections: readonly Section[], level = 3): string {
  return sections.map((section) => markdownOfOne(section, level)).join('\n\n');
}

function markdownOfOne({ title, note, columns, rows }: Section, level: number): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const table = [
    line(columns),
    `|${columns.map((_, index) => (index === 0 ? '---|' : '---:|')).join('')}`,
    ...rows.map(line),
  ];
  const parts = [`${'#'.repeat(level)} ${title}`, table.join('\n')];
  if (note !== undefined) parts.push(note);
  return parts.join('\n\n');
}

/** What the figures depend on most; to be asked before the run, which is a load itself. */
export function machineText(now: Date, rounds: number): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${now.toISOString().slice(0, 10)}, ${availableParallelism()} cores (${model}), ${memory} GB, ${process.platform} ${process.arch}, Node ${process.versions.node}, ${rounds} interleaved rounds, load average ${(loadavg()[0] ?? 0).toFixed(1)} before`;
}

/** Replaces what stands between the markers of `name` in a Markdown file, or adds both at its end; other names' tables stay. */
export function writeBetweenMarkers(file: string, name: string, text: string): void {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const before = readFileSync(file, 'utf8');
  const from = before.indexOf(begin);
  const to = before.indexOf(end);
  const [head, tail] =
    to > from && from >= 0 ? [before.slice(0, from), before.slice(to + end.length)] : [`${before}\n`, '\n'];
  writeFileSync(file, `${head}${begin}\n${text}\n${end}${tail}`);
}
