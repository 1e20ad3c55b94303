import { Group, Stack, Text } from '@mantine/core';
import { Section } from '../../components/page.js';
import { Dot } from '../../components/status.js';
import { Code, Copy } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { deliveryTexts } from './deliveries.i18n.js';
import type { ExplainedDelivery } from './delivery.js';

/** The request to the provider. It is not kept when it is sent, so it is made again, and says so. */
export function RecompiledRequest({ request }: { request: ExplainedDelivery['request'] }) {
  const t = useTexts(deliveryTexts);
  const format = useFormats();
  if (request === null) {
    return (
      <Section title={t('request')}>
        <Text size="sm">{t('noRequest')}</Text>
      </Section>
    );
  }
  const { method, url, headers, body, payloadBytes } = request;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const text = typeof body === 'string' ? body : JSON.stringify(body, null, 2);
  const whole = [`${method} ${url}`, ...lines, '', text].join('\n');
  return (
    <Section title={t('request')} actions={<Copy value={whole} label={t('request')} />}>
      <Stack gap="xs">
        <Group gap="md">
          <Dot tone="info">{t('recompiled')}</Dot>
          <Text size="sm">{t('payload', { bytes: format.number(payloadBytes) })}</Text>
        </Group>
        <Text size="sm" c="dimmed">
          {t('recompiledAbout')}
        </Text>
        <Code value={[`${method} ${url}`, ...lines].join('\n')} label={t('headers')} />
        <Code value={text} label={t('body')} />
      </Stack>
    </Section>
  );
}
