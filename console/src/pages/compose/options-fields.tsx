import { Accordion, Select, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { componentTexts } from '../../components/components.i18n.js';
import { Section } from '../../components/page.js';
import { useTexts } from '../../i18n/language.js';
import { composeTexts } from './compose.i18n.js';
import { PROVIDERS } from './draft.js';
import type { FieldsProps } from './fields.js';

const CHOICES = {
  lane: ['critical', 'normal', 'bulk'],
  priority: ['high', 'normal'],
  semantics: ['at_least_once', 'at_most_once'],
  realtime: ['also', 'first', 'only', 'never'],
} as const;

export function OptionsFields({ draft, set, errorAt }: FieldsProps) {
  const t = useTexts(composeTexts);
  const choice = (name: keyof typeof CHOICES) => ({
    label: t(name),
    data: [{ value: '', label: t('asUsual') }, ...CHOICES[name].map((value) => ({ value, label: t(value) }))],
    value: draft[name],
    onChange: (value: string | null) => set({ [name]: value ?? '' }),
    error: errorAt(`options.${name}`),
  });
  const field = (name: 'ttlSeconds' | 'collapseKey' | 'realtimeWaitSeconds') => ({
    value: draft[name],
    onChange: (event: { currentTarget: { value: string } }) => set({ [name]: event.currentTarget.value }),
    error: errorAt(`options.${name}`),
  });
  return (
    <Section title={t('options')}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <SendAt draft={draft} set={set} errorAt={errorAt} />
        <Select {...choice('lane')} description={t('laneAbout')} />
        <TextInput label={t('ttl')} description={t('ttlAbout')} inputMode="numeric" {...field('ttlSeconds')} />
        <Select {...choice('priority')} description={t('priorityAbout')} />
        <TextInput label={t('collapseKey')} description={t('collapseKeyAbout')} {...field('collapseKey')} />
        <Select {...choice('semantics')} />
        <Select {...choice('realtime')} />
        {draft.realtime === 'first' && (
          <TextInput label={t('wait')} inputMode="numeric" {...field('realtimeWaitSeconds')} />
        )}
      </SimpleGrid>
    </Section>
  );
}

/** A browser's own field for a time knows the reader's zone and nothing else, so the zone stands beside it. */
function SendAt({ draft, set, errorAt }: FieldsProps) {
  const t = useTexts(composeTexts);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const at = draft.sendAt === '' ? undefined : new Date(draft.sendAt);
  const isTime = at !== undefined && !Number.isNaN(at.getTime());
  const utc = isTime ? `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC` : '';
  return (
    <TextInput
      type="datetime-local"
      label={t('sendAt')}
      description={isTime ? t('sendAtUtc', { zone, utc }) : t('sendAtAbout', { zone })}
      value={draft.sendAt}
      onChange={(event) => set({ sendAt: event.currentTarget.value })}
      error={errorAt('options.sendAt')}
    />
  );
}

export function OverrideFields({ draft, set, errorAt }: FieldsProps) {
  const t = useTexts(composeTexts);
  const nameOf = useTexts(componentTexts);
  return (
    <Accordion variant="contained" order={2}>
      <Accordion.Item value="overrides">
        <Accordion.Control>{t('overrides')}</Accordion.Control>
        <Accordion.Panel>
          <Stack gap="sm">
            <Text size="sm" c="dimmed">
              {t('overridesAbout')}
            </Text>
            {PROVIDERS.map((provider) => (
              <Textarea
                key={provider}
                label={t('overrideOf', { provider: nameOf(provider) })}
                value={draft.overrides[provider]}
                onChange={(event) => set({ overrides: { ...draft.overrides, [provider]: event.currentTarget.value } })}
                error={errorAt(`overrides.${provider}`)}
                autosize
                minRows={2}
                maxRows={12}
                classNames={{ input: 'mono' }}
                spellCheck={false}
              />
            ))}
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
