import { Radio, Stack, Text, Textarea } from '@mantine/core';
import { Section } from '../../components/page.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { composeTexts } from './compose.i18n.js';
import { type Draft, linesOf, NAMED } from './draft.js';
import type { FieldsProps } from './fields.js';

const KINDS: readonly Draft['audience'][] = [...NAMED, 'all', 'failedOf'];

export function AudienceFields({ draft, set, errorAt }: FieldsProps) {
  const t = useTexts(composeTexts);
  const format = useFormats();
  const { audience } = draft;
  const kinds = draft.failed ? KINDS : KINDS.filter((kind) => kind !== 'failedOf');
  return (
    <Section title={t('audience')}>
      <Stack gap="sm">
        <Radio.Group
          aria-label={t('audience')}
          value={audience}
          onChange={(kind) => set({ audience: KINDS.find((each) => each === kind) ?? 'userIds' })}
        >
          <div className="compose-choices">
            {kinds.map((kind) => (
              <Radio key={kind} value={kind} label={t(kind)} size="sm" />
            ))}
          </div>
        </Radio.Group>
        {audience === 'all' || audience === 'failedOf' ? (
          <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {audience === 'all' ? t('allAbout') : t('failedOfAbout', failedIn(draft))}
          </Text>
        ) : (
          <Textarea
            key={audience}
            label={t(audience)}
            description={t(`${audience}About`)}
            value={draft.names[audience]}
            onChange={(event) => set({ names: { ...draft.names, [audience]: event.currentTarget.value } })}
            error={errorAt(`audience.${audience}`) ?? errorAt('audience')}
            autosize
            minRows={2}
            maxRows={8}
            classNames={{ input: 'mono' }}
            spellCheck={false}
          />
        )}
        {audience !== 'all' && audience !== 'failedOf' && draft.names[audience] !== '' && (
          <Text size="xs" c="dimmed">
            {t('named', { n: format.number(linesOf(draft.names[audience]).length) })}
          </Text>
        )}
      </Stack>
    </Section>
  );
}

function failedIn({ failed }: Draft): { id: string; codes: string } {
  return { id: failed?.failedOf ?? '', codes: failed?.codes?.join(', ') ?? '' };
}
