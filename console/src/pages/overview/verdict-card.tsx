import { Group, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { componentTexts } from '../../components/components.i18n.js';
import { RouteButton } from '../../components/links.js';
import { Dot, type Tone } from '../../components/status.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { overviewTexts } from './overview.i18n.js';
import type { Overview } from './overview.js';
import { type Trouble, troublesOf } from './verdict.js';

interface VerdictProps {
  app: string;
  overview: Overview;
  /** Nothing answers, so the overview may be out of date. */
  isAway: boolean;
}

/** The answer to "is it working now?" in words, with what to do where it is not. */
export function Verdict({ app, overview, isAway }: VerdictProps) {
  const t = useTexts(overviewTexts);
  const format = useFormats();
  const wordsOf = useWords();
  if (isAway) {
    return (
      <Frame tone="problem" title={t('awayTitle')}>
        <Advice meaning={t('awayMeaning', { time: format.moment(overview.at) })} next={t('awayNext')} />
      </Frame>
    );
  }
  if (overview.credentials.length === 0) {
    return (
      <Frame tone="info" title={t('emptyTitle')}>
        <Advice
          next={t('emptyNext')}
          link={
            <RouteButton
              to="/apps/$app/settings"
              params={{ app }}
              search={{ tab: 'credentials' }}
              variant="default"
              size="compact-sm"
            >
              {t('toCredentials')}
            </RouteButton>
          }
        />
      </Frame>
    );
  }
  const troubles = troublesOf(overview);
  const [first] = troubles;
  if (!first) {
    return (
      <Frame tone="ok" title={t('well')}>
        <Pulse overview={overview} />
      </Frame>
    );
  }
  const titleOf = (trouble: Trouble) => titled(wordsOf(trouble).title, trouble.since);
  function titled(title: string, since: string | undefined): string {
    return since === undefined ? title : `${title}, ${t('since', { time: format.moment(since) })}`;
  }
  if (troubles.length === 1) {
    return (
      <Frame tone={toneOf(first)} title={titleOf(first)}>
        <TroubleAdvice app={app} trouble={first} />
      </Frame>
    );
  }
  const worst = troubles.some((trouble) => toneOf(trouble) === 'problem') ? 'problem' : 'waiting';
  return (
    <Frame tone={worst} title={t('several', { n: format.number(troubles.length) })}>
      <Stack gap="md" component="ul" mt="sm" mb={0} p={0} style={{ listStyle: 'none' }}>
        {troubles.map((trouble) => (
          <li key={JSON.stringify(trouble)}>
            <Text component="h3" size="sm" fw={600}>
              <Dot tone={toneOf(trouble)}>
                <span style={{ whiteSpace: 'normal', overflowWrap: 'anywhere' }}>{titleOf(trouble)}</span>
              </Dot>
            </Text>
            <TroubleAdvice app={app} trouble={trouble} />
          </li>
        ))}
      </Stack>
    </Frame>
  );
}

/** A quota passes by itself, and what ends soon still works. */
function toneOf({ kind }: Trouble): Tone {
  return kind === 'throttled' || kind === 'expiring' ? 'waiting' : 'problem';
}

function Frame({ tone, title, children }: { tone: Tone; title: string; children: ReactNode }) {
  const t = useTexts(overviewTexts);
  return (
    <section className="card" data-tone={tone} aria-label={t('state')} style={{ borderLeft: '4px solid var(--tone)' }}>
      <div role="status">
        <Title order={2} size="h4" style={{ overflowWrap: 'anywhere' }}>
          {title}
        </Title>
      </div>
      {children}
    </section>
  );
}

/** What goes on while nothing is wrong. */
function Pulse({ overview: { perSecond, lanes } }: { overview: Overview }) {
  const t = useTexts(overviewTexts);
  const format = useFormats();
  const waiting = lanes.reduce((sum, { due, sending, waiting }) => sum + due + sending + waiting, 0);
  const words = [
    perSecond > 0 && t('sendingNow', { n: format.number(Math.round(perSecond * 10) / 10) }),
    waiting > 0 && t('queueNow', { n: format.number(waiting) }),
  ].filter((each) => each !== false);
  return (
    <Text size="sm" c="dimmed">
      {words.length === 0 ? t('idleNow') : words.join(' ')}
    </Text>
  );
}

function Advice({ meaning, next, link }: { meaning?: string; next: string; link?: ReactNode }) {
  return (
    <>
      {meaning && (
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {meaning}
        </Text>
      )}
      <Group gap="sm" mt={2}>
        <Text size="sm" c="dimmed">
          {next}
        </Text>
        {link}
      </Group>
    </>
  );
}

function TroubleAdvice({ app, trouble }: { app: string; trouble: Trouble }) {
  const { meaning, next } = useWords()(trouble);
  return <Advice meaning={meaning} next={next} link={<TroubleLink app={app} trouble={trouble} />} />;
}

function TroubleLink({ app, trouble }: { app: string; trouble: Trouble }) {
  const t = useTexts(overviewTexts);
  const look = { variant: 'default', size: 'compact-sm' } as const;
  switch (trouble.kind) {
    case 'credential':
    case 'rejected':
    case 'missing':
    case 'expiring':
      return (
        <RouteButton to="/apps/$app/settings" params={{ app }} search={{ tab: 'credentials' }} {...look}>
          {t('toCredentials')}
        </RouteButton>
      );
    case 'webhook':
      return (
        <RouteButton to="/apps/$app/webhooks/$webhook" params={{ app, webhook: trouble.id }} {...look}>
          {t('toWebhook')}
        </RouteButton>
      );
    case 'stuck':
      return (
        <RouteButton to="/queues" {...look}>
          {t('toQueues')}
        </RouteButton>
      );
    default:
      return null;
  }
}

interface Words {
  title: string;
  meaning: string;
  next: string;
}

/** What each trouble is called, what it means and what to do. */
function useWords() {
  const t = useTexts(overviewTexts);
  const name = useTexts(componentTexts);
  const format = useFormats();
  return (trouble: Trouble): Words => {
    const { kind } = trouble;
    const words = (values: Readonly<Record<string, string>>): Words => ({
      title: t(kind, values),
      meaning: t(`${kind}Meaning`, values),
      next: t(`${kind}Next`, values),
    });
    switch (kind) {
      case 'credential':
        return words({ provider: name(trouble.provider), reason: trouble.reason ?? '–' });
      case 'expiring':
        return words({ provider: name(trouble.provider), time: format.dateTime(trouble.expiresAt) });
      case 'failing':
        return words({ share: format.percent(trouble.share) });
      case 'stuck':
        return words({ n: format.number(trouble.deliveries) });
      case 'webhook':
        return words({ url: trouble.url });
      default: {
        const found = words({
          provider: name(trouble.provider),
          scope: trouble.scope && ` (${trouble.scope})`,
          reason: trouble.reason,
          time: format.moment(trouble.closedUntil),
        });
        return trouble.isProbing ? { ...found, meaning: `${found.meaning} ${t('probing')}` } : found;
      }
    }
  };
}
