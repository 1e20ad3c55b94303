import { Accordion, Alert, Progress, Skeleton, Stack, Text } from '@mantine/core';
import { componentTexts } from '../../components/components.i18n.js';
import { Nothing, Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { PushPreview } from '../../components/push-preview.js';
import { Code } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { composeTexts } from './compose.i18n.js';
import { contentIn, type Draft, PROVIDERS, type ProviderName } from './draft.js';
import type { Preview } from './use-compose.js';

/** Bytes; as the providers' adapters check them (src/providers), VoIP pushes of Apple apart. */
const LIMITS: Readonly<Record<ProviderName, number>> = { fcm: 4_096, apns: 4_096, webpush: 3_993 };
const VOIP_LIMIT = 5_120;
/** Share of a limit from which on the rest is scarce. */
const SCARCE = 0.9;

export function LookPanel({ draft, app }: { draft: Draft; app: string }) {
  const t = useTexts(composeTexts);
  const content = contentIn(draft);
  const isShown = content.title !== undefined || content.body !== undefined;
  return (
    <Section title={t('preview')}>
      {isShown ? (
        <Stack gap="sm">
          {(['ios', 'android', 'browser'] as const).map((looks) => (
            <div key={looks}>
              <Text size="xs" c="dimmed" mb={4}>
                {t(looks)}
              </Text>
              <PushPreview looks={looks} app={app} content={content} />
            </div>
          ))}
        </Stack>
      ) : (
        <Nothing>{t('previewNothing')}</Nothing>
      )}
    </Section>
  );
}

interface RequestsProps {
  preview: Preview | undefined;
  isLoading: boolean;
  error: Error | null;
  elsewhere: readonly { path: string; message: string }[];
}

export function RequestsPanel({ preview, isLoading, error, elsewhere }: RequestsProps) {
  const t = useTexts(composeTexts);
  return (
    <Section title={t('requests')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('requestsAbout')}
        </Text>
        {error && elsewhere.length === 0 && <ProblemAlert error={error} />}
        {elsewhere.length > 0 && (
          <Alert color="red" variant="outline" title={t('notTaken')} role="alert">
            {elsewhere.map(({ path, message }) => (
              <Text size="sm" key={`${path} ${message}`}>
                {path}: {message}
              </Text>
            ))}
          </Alert>
        )}
        {isLoading && !preview && <Skeleton height={132} />}
        {preview && (
          <Accordion variant="contained" multiple>
            {PROVIDERS.map((provider) => {
              const request = preview[provider];
              return request && <Request key={provider} provider={provider} request={request} />;
            })}
          </Accordion>
        )}
      </Stack>
    </Section>
  );
}

function Request({ provider, request }: { provider: ProviderName; request: NonNullable<Preview[ProviderName]> }) {
  const t = useTexts(composeTexts);
  const format = useFormats();
  const name = useTexts(componentTexts)(provider);
  const { method, url, headers, body, payloadBytes } = request;
  const limit = headers['apns-push-type'] === 'voip' ? VOIP_LIMIT : LIMITS[provider];
  const share = payloadBytes / limit;
  const head = Object.entries(headers).map(([header, value]) => `${header}: ${value}`);
  const text = typeof body === 'string' ? body : JSON.stringify(body, null, 2);
  return (
    <Accordion.Item value={provider}>
      <Accordion.Control>
        <Text size="sm" fw={600}>
          {name}
        </Text>
        <Text size="xs" c="dimmed">
          {t('bytes', { bytes: format.number(payloadBytes), limit: format.number(limit) })}
        </Text>
        <Progress
          value={share * 100}
          size="xs"
          mt={4}
          color={share > SCARCE ? 'var(--console-waiting)' : 'var(--console-info)'}
          aria-label={t('bytesLabel', { provider: name })}
        />
      </Accordion.Control>
      <Accordion.Panel>
        <Code value={[`${method} ${url}`, ...head, '', text].join('\n')} label={t('requestOf', { provider: name })} />
      </Accordion.Panel>
    </Accordion.Item>
  );
}
