import { Checkbox, Stack, Text, TextInput } from '@mantine/core';
import { Problem } from '../../api/problem.js';
import type { paths } from '../../api/schema.js';
import { Dot } from '../../components/status.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { webhookTexts } from './webhooks.i18n.js';

export type Webhook = paths['/v1/webhooks/{id}']['get']['responses'][200]['content']['application/json'];
type EventType = Webhook['events'][number];

const GROUPS = {
  notificationEvents: ['notification.completed', 'notification.cancelled'],
  deliveryEvents: ['delivery.failed', 'delivery.expired'],
  deviceEvents: ['device.invalidated'],
  receiptEvents: ['receipt.delivered', 'receipt.displayed', 'receipt.opened', 'receipt.dismissed'],
  credentialEvents: ['credential.broken'],
} as const satisfies Record<string, readonly EventType[]>;
const GROUP_NAMES = Object.keys(GROUPS) as (keyof typeof GROUPS)[];
const ALL: readonly EventType[] = GROUP_NAMES.flatMap((name) => [...GROUPS[name]]);

/** What a form has chosen of the types of event. */
export function eventsIn(names: readonly string[]): EventType[] {
  return ALL.filter((type) => names.includes(type));
}

export function WebhookState({ webhook }: { webhook: Webhook }) {
  const t = useTexts(webhookTexts);
  const format = useFormats();
  const { enabled, disabledReason, failingSince } = webhook;
  if (!enabled) {
    return <Dot tone={disabledReason === 'requested' ? 'quiet' : 'problem'}>{t(disabledReason ?? 'requested')}</Dot>;
  }
  if (failingSince !== null) {
    return <Dot tone="waiting">{t('failingSince', { when: format.relative(failingSince) })}</Dot>;
  }
  return <Dot tone="ok">{t('on')}</Dot>;
}

interface WebhookFieldsProps {
  url: string;
  events: readonly string[];
  error: Error | null;
  change(changes: { url?: string; events?: EventType[] }): void;
}

export function WebhookFields({ url, events, error, change }: WebhookFieldsProps) {
  const t = useTexts(webhookTexts);
  const problem = error instanceof Problem ? error : undefined;
  return (
    <>
      <TextInput
        label={t('url')}
        description={t('urlAbout')}
        placeholder="https://example.com/carillon"
        value={url}
        onChange={(event) => change({ url: event.currentTarget.value })}
        error={problem?.of('url')}
        inputMode="url"
        required
      />
      <Checkbox.Group
        label={t('events')}
        value={[...events]}
        onChange={(chosen) => change({ events: eventsIn(chosen) })}
        error={problem?.of('events')}
        required
      >
        <Stack gap="xs" mt={6}>
          {GROUP_NAMES.map((group) => (
            <div key={group}>
              <Text size="xs" c="dimmed" mb={4}>
                {t(group)}
              </Text>
              <Stack gap={6}>
                {GROUPS[group].map((type) => (
                  <Checkbox key={type} value={type} label={<span className="mono">{type}</span>} />
                ))}
              </Stack>
            </div>
          ))}
        </Stack>
      </Checkbox.Group>
    </>
  );
}
