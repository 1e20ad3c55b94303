import type { Measurement } from './contender.js';
import type { Bench } from './section.js';
import { figure, spreadOf, spreadText } from './spread.js';

/** What the rounds of one contender gave: measurements, or why there are none. */
export type Rounds = Measurement[] | Error;

export const CONTEST_COLUMNS = ['', 'CPU µs each', 'per second and core', 'per second, wall clock'];

/**
 * One row of {@link CONTEST_COLUMNS}. Whatever did not end as `expected` is said in the row.
 *
 * @param expected such as `200` or `accepted`
 */
export function contestRow(title: string, rounds: Rounds, expected: string): string[] {
  if (rounds instanceof Error) return [title, `not measured: ${rounds.message.split('\n')[0] ?? ''}`, '', ''];
  const all = rounds.reduce((sum, { count }) => sum + count, 0);
  const good = rounds.reduce((sum, { ends }) => sum + (ends[expected] ?? 0), 0);
  const cpu = rounds.map(({ cpuUs }) => cpuUs);
  return [
    good === all ? title : `${title} (${all - good} of ${all} did not end with ${expected})`,
    spreadText(cpu),
    figure(1_000_000 / spreadOf(cpu).median),
    spreadText(rounds.map(({ perSecond }) => perSecond)),
  ];
}

/** Round by round, so that what slowed the machine down in one round touches both sides of it. */
export function ratios(numerators: Rounds, denominators: Rounds, of: (measurement: Measurement) => number): number[] {
  if (numerators instanceof Error || denominators instanceof Error) return [];
  return numerators.flatMap((numerator, round) => {
    const denominator = denominators[round];
    return denominator === undefined ? [] : [of(numerator) / of(denominator)];
  });
}

export const cpuOf = ({ cpuUs }: Measurement): number => cpuUs;
export const speedOf = ({ perSecond }: Measurement): number => perSecond;

/** A ratio below the rows it was made of, as a row of {@link CONTEST_COLUMNS}. */
export function ratioRow(title: string, values: readonly number[], goal: string): string[] {
  const measured = values.length === 0 ? 'not measured' : `**${spreadText(values)}**`;
  return [`**${title}**`, measured, goal === '' ? '' : `goal ${goal}`, ''];
}

/** The median, where there is one: for {@link Section.figures}. */
export function medianOf(name: string, values: readonly number[]): Record<string, number> {
  return values.length === 0 ? {} : { [name]: spreadOf(values).median };
}

/** Says what each round gave, for whoever waits. */
export function progress(bench: Bench, what: string): (name: string, round: number, result: Measurement) => void {
  return (name, round, { cpuUs, perSecond }) =>
    bench.say(`${what}, round ${round}: ${name} ${figure(cpuUs)} µs, ${figure(perSecond)}/s`);
}
