import { Text } from '@mantine/core';
import { Fragment, type ReactNode } from 'react';
import { Fact, Facts } from '../../components/facts.js';
import { RouteLink } from '../../components/links.js';
import { Section } from '../../components/page.js';
import { Code, Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { audienceInWords, audienceOf } from './audience.js';
import { notificationPageTexts } from './notification.i18n.js';
import type { Notification } from './notification-queries.js';
import { notificationTexts } from './notifications.i18n.js';

interface OfNotification {
  app: string;
  notification: Notification;
}

/** Names that are listed; a thousand would bury the rest of the page. */
const LISTED = 20;

/** For whom it is, and how it is to be sent. */
export function AudienceSection({ app, notification }: OfNotification) {
  const t = useTexts(notificationPageTexts);
  const { lane, expiresAt, overrides } = notification;
  const lists = useTexts(notificationTexts);
  const facts = useOptions(notification);
  return (
    <Section title={t('audience')}>
      <AudienceWords app={app} notification={notification} />
      <Text fw={600} size="sm" mt="md" mb="xs" component="h3">
        {t('options')}
      </Text>
      <Facts>
        <Fact name={t('lane')}>{lists(lane)}</Fact>
        {facts.map(([name, value]) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
        <Fact name={t('expires')}>
          <Time at={expiresAt} exact />
        </Fact>
      </Facts>
      {Object.keys(overrides).length > 0 && (
        <>
          <Text fw={600} size="sm" mt="md" mb="xs" component="h3">
            {t('overrides')}
          </Text>
          <Code value={overrides} label={t('overrides')} />
        </>
      )}
    </Section>
  );
}

function AudienceWords({ app, notification }: OfNotification) {
  const t = useTexts(notificationPageTexts);
  const lists = useTexts(notificationTexts);
  const format = useFormats();
  const audience = audienceOf(notification.audience);
  const links = linksOf(app, audience);
  return (
    <>
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {audienceInWords(lists, format, audience)}
      </Text>
      {links.length > 0 && (
        <Text size="sm" mt={4} style={{ overflowWrap: 'anywhere' }}>
          {links.slice(0, LISTED).map(({ name, link }, i) => (
            <Fragment key={name}>
              {i > 0 && ', '}
              {link}
            </Fragment>
          ))}
          {links.length > LISTED && ` ${t('andMore', { n: format.number(links.length - LISTED) })}`}
        </Text>
      )}
    </>
  );
}

/** Where to look at those who are named, one by one. */
function linksOf(app: string, audience: ReturnType<typeof audienceOf>): { name: string; link: ReactNode }[] {
  if (audience.kind === 'failedOf') {
    const { notification } = audience;
    const to = '/apps/$app/notifications/$notification';
    return [
      {
        name: notification,
        link: (
          <RouteLink to={to} params={{ app, notification }} className="mono">
            {notification}
          </RouteLink>
        ),
      },
    ];
  }
  if (audience.kind === 'userIds') {
    return audience.names.map((user) => ({
      name: user,
      link: (
        <RouteLink to="/apps/$app/users/$user" params={{ app, user }}>
          {user}
        </RouteLink>
      ),
    }));
  }
  if (audience.kind !== 'deviceIds') return [];
  return audience.names.map((device) => ({
    name: device,
    link: (
      <RouteLink to="/apps/$app/devices/$device" params={{ app, device }} className="mono">
        {device}
      </RouteLink>
    ),
  }));
}

const WORDS = ['high', 'normal', 'at_least_once', 'at_most_once', 'also', 'first', 'only', 'never'] as const;

/** The stored options that are not shown elsewhere, by name. */
function useOptions({ options }: Notification): [name: string, value: string][] {
  const t = useTexts(notificationPageTexts);
  const format = useFormats();
  const said = (value: unknown): string => {
    const word = WORDS.find((each) => each === value);
    if (word) return t(word);
    return typeof value === 'number' ? format.span(value) : String(value);
  };
  const known = [
    [t('priority'), options['priority']],
    [t('ttl'), options['ttlSeconds']],
    [t('collapseKey'), options['collapseKey']],
    [t('semantics'), options['semantics']],
    [t('realtime'), options['realtime']],
  ] as const;
  return known.filter(([, value]) => value !== undefined).map(([name, value]) => [name, said(value)]);
}
