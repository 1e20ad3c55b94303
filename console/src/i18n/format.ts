import { useMemo } from 'react';
import { type Language, useLanguage } from './language.js';

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

const SIZES = [
  ['gigabyte', 1e9],
  ['megabyte', 1e6],
  ['kilobyte', 1e3],
] as const;

/** Numbers and times as people of a language write them. Times are in the reader's own zone. */
export function formatsOf(language: Language) {
  const number = new Intl.NumberFormat(language);
  const short = new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 });
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 });
  const dateTime = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
  const clock = new Intl.DateTimeFormat(language, { timeStyle: 'medium' });
  const minute = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const day = new Intl.DateTimeFormat(language, { month: 'short', day: 'numeric' });
  const span = (unit: string) => new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  return {
    number: (value: number) => number.format(value),
    /** `1.2M` */
    short: (value: number) => short.format(value),
    /** Of a share between 0 and 1. */
    percent: (share: number) => percent.format(share),
    dateTime: (time: string | Date) => dateTime.format(new Date(time)),
    clock: (time: string | Date) => clock.format(new Date(time)),
    /** `14:05` */
    minute: (time: string | Date) => minute.format(new Date(time)),
    /** `Nov 23` */
    day: (time: string | Date) => day.format(new Date(time)),
    /** The time of day alone where it is today. */
    moment: (time: string | Date, now = new Date()) => {
      const at = new Date(time);
      return (at.toDateString() === now.toDateString() ? clock : dateTime).format(at);
    },
    /** `3 min. ago` */
    relative: (time: string | Date, now = Date.now()) => {
      const seconds = Math.round((new Date(time).getTime() - now) / 1_000);
      const [unit, size] = STEPS.find(([, each]) => Math.abs(seconds) >= each) ?? (['second', 1] as const);
      return relative.format(Math.trunc(seconds / size), unit);
    },
    /** `1.2 MB` */
    bytes: (bytes: number) => {
      const [unit, size] = SIZES.find(([, each]) => bytes >= each) ?? (['byte', 1] as const);
      return new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: 1 }).format(bytes / size);
    },
    /** `1 day`, `90 minutes`: in the largest unit that leaves no fraction. */
    span: (seconds: number) => {
      const [unit, size] =
        STEPS.find(([, each]) => seconds >= each && seconds % each === 0) ?? (['second', 1] as const);
      return span(unit).format(seconds / size);
    },
    /** `90 ms`, `1.2 s`, `12 min`, `3 hr` */
    duration: (ms: number) => {
      if (ms < 1_000) return `${number.format(Math.round(ms))} ms`;
      if (ms < 90_000) return `${number.format(Math.round(ms / 100) / 10)} s`;
      const [unit, size] = STEPS.find(([, each]) => ms >= each * 1_000) ?? (['minute', 60] as const);
      return new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: 0 }).format(
        ms / 1_000 / size,
      );
    },
  };
}

export function useFormats() {
  const { language } = useLanguage();
  return useMemo(() => formatsOf(language), [language]);
}
