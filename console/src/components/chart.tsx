import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { useFormats } from '../i18n/format.js';
import { useTexts } from '../i18n/language.js';
import { componentTexts } from './components.i18n.js';

export interface Series {
  label: string;
  /** A CSS custom property with a colour, such as `--console-ok`. */
  color: string;
  values: readonly (number | null)[];
  format?: (value: number) => string;
}

interface ChartProps {
  /** What is shown, for those who do not see it. */
  label: string;
  /** ISO times, in order. */
  times: readonly string[];
  series: readonly Series[];
  height?: number;
}

/** Lines over time; the same figures follow as a table that screen readers find. */
export function Chart({ label, times, series, height = 180 }: ChartProps) {
  const t = useTexts(componentTexts);
  const format = useFormats();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const brightness = useComputedColorScheme('light');
  const data: uPlot.AlignedData = [
    times.map((time) => Date.parse(time) / 1_000),
    ...series.map(({ values }) => [...values]),
  ];
  const latest = useRef(data);
  latest.current = data;
  const shape = JSON.stringify(series.map((each) => [each.label, each.color]));

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew only when its looks change; data is set below
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const color = (name: string) => getComputedStyle(element).getPropertyValue(name);
    const axis = { stroke: color('--mantine-color-dimmed'), grid: { stroke: color('--console-line'), width: 1 } };
    const timeOf = (stepSeconds: number) => (seconds: number) =>
      (stepSeconds < 86_400 ? format.minute : format.day)(new Date(seconds * 1_000));
    const made = new uPlot(
      {
        width: element.clientWidth,
        height,
        cursor: { drag: { x: false, y: false } },
        axes: [
          { ...axis, values: (_, ticks, _axis, _space, step) => ticks.map(timeOf(step)) },
          { ...axis, size: 64, values: (_, ticks) => ticks.map(series[0]?.format ?? format.short) },
        ],
        scales: { y: { range: (_, low, high) => [Math.min(0, low), Math.max(1, high * 1.1)] } },
        series: [
          {
            value: (_, seconds) => (seconds === null ? '' : format.clock(new Date(seconds * 1_000))),
            label: t('time'),
          },
          ...series.map((each) => ({
            label: each.label,
            stroke: color(each.color),
            width: 1.5,
            points: { size: 4, filter: (plot: uPlot, i: number) => alone(plot.data[i] ?? []) },
            value: (_: uPlot, value: number | null) => (value === null ? '–' : (each.format ?? format.number)(value)),
          })),
        ],
      },
      latest.current,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [brightness, shape, height, format]);

  useEffect(() => plot.current?.setData(data));

  return (
    <figure style={{ margin: 0, position: 'relative' }} aria-label={label}>
      <div ref={place} aria-hidden="true" />
      <div className="visually-hidden">
        <table>
          <caption>{label}</caption>
          <thead>
            <tr>
              <th scope="col">{t('time')}</th>
              {series.map((each) => (
                <th scope="col" key={each.label}>
                  {each.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {times.map((time, i) => (
              <tr key={time}>
                <th scope="row">{format.clock(time)}</th>
                {series.map((each) => (
                  <td key={each.label}>{each.values[i] ?? ''}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}

/** Values without neighbours, of which no line is drawn. */
function alone(values: ArrayLike<number | null | undefined>): number[] {
  return Array.from(values).flatMap((value, i, all) =>
    value != null && all[i - 1] == null && all[i + 1] == null ? [i] : [],
  );
}
