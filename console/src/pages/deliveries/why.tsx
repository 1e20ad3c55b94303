import { Button, Skeleton, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { ChoiceFilter, Filters, TimeFilter } from '../../components/filters.js';
import { RouteLink } from '../../components/links.js';
import { Nothing, Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { Dot, ProviderName } from '../../components/status.js';
import { Time } from '../../components/values.js';
import { useLanguage, useTexts } from '../../i18n/language.js';
import { deliveryTexts } from './deliveries.i18n.js';
import { type Delivery, type LookedAt, linkOf, timeOf, toneOf, type Whose, whyQuery } from './delivery.js';
import './why-list.css';

/** The address's part of the question: around when, and how many seconds of it. */
export interface Moment {
  at?: string | undefined;
  within?: string | undefined;
}

const WINDOWS = { minutes15: '900', hour1: '3600', hours6: '21600', hours24: '86400' } as const;
const USUAL_WINDOW = WINDOWS.hour1;
const names = Object.keys(WINDOWS) as (keyof typeof WINDOWS)[];

interface WhyProps extends Moment {
  app: string;
  whose: Whose;
  onChange(moment: Moment): void;
}

/** Why a phone did not ring: whatever was meant for it around a time, attempted or not, each in one sentence. */
export function Why({ app, whose, at, within, onChange }: WhyProps) {
  const t = useTexts(deliveryTexts);
  const window = names.map((name) => WINDOWS[name]).find((seconds) => seconds === within) ?? USUAL_WINDOW;
  const isTime = !Number.isNaN(Date.parse(at ?? ''));
  return (
    <Section title={t('why')}>
      <Stack gap="sm">
        <Filters>
          <TimeFilter label={t('around')} value={at} onChange={(time) => onChange({ at: time, within })} />
          {isTime && (
            <>
              <ChoiceFilter
                label={t('window')}
                value={window}
                mayBeAny={false}
                choices={names.map((name) => ({ value: WINDOWS[name], label: t(name) }))}
                onChange={(seconds) => onChange({ at, within: seconds })}
              />
              <Button variant="subtle" size="xs" onClick={() => onChange({})}>
                {t('latest')}
              </Button>
            </>
          )}
        </Filters>
        <Answer
          app={app}
          whose={whose}
          around={isTime && at !== undefined ? { at, windowSeconds: Number(window) } : undefined}
        />
      </Stack>
    </Section>
  );
}

interface AnswerProps {
  app: string;
  whose: Whose;
  around: { at: string; windowSeconds: number } | undefined;
}

function Answer({ app, whose, around }: AnswerProps) {
  const t = useTexts(deliveryTexts);
  const { language } = useLanguage();
  const { data, error, refetch } = useQuery({
    ...whyQuery(app, whose, around, language),
    placeholderData: keepPreviousData,
  });
  if (error) return <ProblemAlert error={error} retry={refetch} />;
  if (!data) return <Skeleton height={120} />;
  const leftOut = data.devices.filter(({ status }) => status !== 'active');
  if (data.devices.length === 0) return <Nothing>{t('whyNoDevice')}</Nothing>;
  return (
    <>
      {leftOut.length > 0 && (
        <ul className="why-list" aria-label={t('leftOut')}>
          {leftOut.map((device) => (
            <li key={device.id}>
              <DeviceLine app={app} device={device} />
            </li>
          ))}
        </ul>
      )}
      {data.items.length === 0 ? (
        <Nothing>{t('userId' in whose ? 'whyNoneUser' : 'whyNone')}</Nothing>
      ) : (
        <ul className="why-list" aria-label={t('why')}>
          {data.items.map((delivery) => (
            <li key={`${delivery.notificationId} ${delivery.deviceId}`}>
              <DeliveryLine app={app} delivery={delivery} />
            </li>
          ))}
        </ul>
      )}
      {data.isTruncated && (
        <Text size="sm" c="dimmed">
          {t('whyMore')}
        </Text>
      )}
    </>
  );
}

function DeliveryLine({ app, delivery }: { app: string; delivery: Delivery }) {
  return (
    <RouteLink {...linkOf(app, delivery)} underline="never">
      <Time at={timeOf(delivery)} exact />
      <Dot tone={toneOf(delivery.explanation)}>{delivery.explanation.title}</Dot>
      <small>
        <ProviderName provider={delivery.provider} />
      </small>
    </RouteLink>
  );
}

/** A device that is out of use: later notifications leave it out, so no delivery tells of it. */
function DeviceLine({ app, device }: { app: string; device: LookedAt }) {
  return (
    <RouteLink to="/apps/$app/devices/$device" params={{ app, device: device.id }} underline="never">
      <Time at={device.invalidAt} exact />
      <Dot tone={toneOf(device.explanation)}>{device.explanation.title}</Dot>
      <small>
        <ProviderName provider={device.provider} />
      </small>
    </RouteLink>
  );
}
