import { useMemo } from 'react';
import { type Language, useLanguage } from './language.js';

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** Numbers and times as people of a language write them. Times are in the reader's own zone. */
export function formatsOf(language: Language) {
  const number = new Intl.NumberFormat(language);
  const short = new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 });
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 });
  const dateTime = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
  const clock = new Intl.DateTimeFormat(language, { timeStyle: 'medium' });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  return {
    number: (value: number) => number.format(value),
    /** `1.2M` */
    short: (value: number) => short.format(value),
    /** Of a share between 0 and 1. */
    percent: (share: number) => percent.format(share),
    dateTime: (time: string | Date) => dateTime.format(new Date(time)),
    clock: (time: string | Date) => clock.format(new Date(time)),
    /** `3 min. ago` */
    relative: (time: string | Date, now = Date.now()) => {
      const seconds = Math.round((new Date(time).getTime() - now) / 1_000);
      const [unit, size] = STEPS.find(([, each]) => Math.abs(seconds) >= each) ?? (['second', 1] as const);
      return relative.format(Math.trunc(seconds / size), unit);
    },
    /** `90 ms`, `1.2 s` */
    duration: (ms: number) =>
      ms < 1_000 ? `${number.format(Math.round(ms))} ms` : `${number.format(Math.round(ms / 100) / 10)} s`,
  };
}

export function useFormats() {
  const { language } = useLanguage();
  return useMemo(() => formatsOf(language), [language]);
}
