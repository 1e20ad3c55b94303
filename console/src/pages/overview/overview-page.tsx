import { SimpleGrid, Skeleton, Stack, Text } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import { useMemo } from 'react';
import { Chart } from '../../components/chart.js';
import { Figure, Page, Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { Dot, type Tone } from '../../components/status.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { overviewTexts } from './overview.i18n.js';
import type { Overview } from './overview.js';
import { Failures, Lanes, Providers } from './overview-tables.js';
import { type Freshness, useOverview } from './use-overview.js';
import { Verdict } from './verdict-card.js';

const TONES: Readonly<Record<Freshness, Tone>> = {
  connecting: 'quiet',
  live: 'ok',
  reconnecting: 'waiting',
  away: 'problem',
};

/** What somebody on call opens first: is it working now, and if not, what is to be done? */
export function OverviewPage() {
  const t = useTexts(overviewTexts);
  const { app } = useParams({ from: '/inside/apps/$app' });
  const { overview, error, refetch, freshness } = useOverview(app);
  const state = (
    <Text component="span" size="sm" role="status">
      <Dot tone={TONES[freshness]} isLive={freshness === 'live'}>
        {t(freshness)}
      </Dot>
    </Text>
  );
  return (
    <Page title={t('title')} actions={state}>
      {overview ? (
        <>
          <Verdict app={app} overview={overview} isAway={freshness === 'away'} />
          <Figures overview={overview} />
          <Charts overview={overview} />
          <SimpleGrid cols={{ base: 1, md: 2 }}>
            <Section title={t('providers')}>
              <Providers overview={overview} />
            </Section>
            <Section title={t('lanes')}>
              <Lanes overview={overview} />
            </Section>
          </SimpleGrid>
          <Section title={t('failures')}>
            <Failures app={app} overview={overview} />
          </Section>
        </>
      ) : error ? (
        <ProblemAlert error={error} retry={refetch} />
      ) : (
        <Placeholders />
      )}
    </Page>
  );
}

function Figures({ overview: { perSecond, successRate, latencyMs, lanes } }: { overview: Overview }) {
  const t = useTexts(overviewTexts);
  const format = useFormats();
  const waiting = lanes.reduce((sum, lane) => sum + lane.due + lane.sending + lane.waiting, 0);
  const oldestSeconds = Math.max(...lanes.map(({ oldestDueSeconds }) => oldestDueSeconds ?? -1));
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
      <Figure
        name={t('perSecond')}
        value={format.number(Math.round(perSecond * 10) / 10)}
        about={t('perSecondAbout')}
      />
      <Figure
        name={t('successRate')}
        value={successRate === null ? '–' : format.percent(successRate)}
        about={t('successAbout')}
      />
      <Figure
        name={t('latency')}
        value={latencyMs === null ? '–' : format.duration(latencyMs.p95)}
        about={
          latencyMs === null
            ? t('latencyNone')
            : t('latencyAbout', { p50: format.duration(latencyMs.p50), p99: format.duration(latencyMs.p99) })
        }
      />
      <Figure
        name={t('waiting')}
        value={format.number(waiting)}
        about={
          oldestSeconds < 0 ? t('waitingNone') : t('waitingAbout', { age: format.duration(oldestSeconds * 1_000) })
        }
      />
    </SimpleGrid>
  );
}

function Charts({ overview: { minutes } }: { overview: Overview }) {
  const t = useTexts(overviewTexts);
  const format = useFormats();
  const times = useMemo(() => minutes.map(({ at }) => at), [minutes]);
  const calls = (['accepted', 'retried', 'failed'] as const).map((key) => ({
    label: t(key),
    color: COLORS[key],
    values: minutes.map((minute) => minute[key]),
  }));
  const latency = {
    label: t('p95'),
    color: '--console-info',
    values: minutes.map(({ p95Ms }) => p95Ms),
    format: format.duration,
  };
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Section title={t('throughput')}>
        <Chart label={t('throughput')} times={times} series={calls} />
      </Section>
      <Section title={t('latencyChart')}>
        <Chart label={t('latencyChart')} times={times} series={[latency]} />
      </Section>
    </SimpleGrid>
  );
}

const COLORS = { accepted: '--console-ok', retried: '--console-waiting', failed: '--console-problem' } as const;

/** As high as what comes, so that nothing jumps. */
function Placeholders() {
  return (
    <Stack gap="md">
      <Skeleton height={84} />
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
        {['a', 'b', 'c', 'd'].map((key) => (
          <Skeleton key={key} height={100} />
        ))}
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Skeleton height={290} />
        <Skeleton height={290} />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Skeleton height={180} />
        <Skeleton height={180} />
      </SimpleGrid>
    </Stack>
  );
}
