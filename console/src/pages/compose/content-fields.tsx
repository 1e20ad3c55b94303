import { ActionIcon, Button, Group, Input, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core';
import { Section } from '../../components/page.js';
import { useTexts } from '../../i18n/language.js';
import { composeTexts } from './compose.i18n.js';
import type { FieldsProps } from './fields.js';

export function ContentFields(props: FieldsProps) {
  const t = useTexts(composeTexts);
  const { draft, set, errorAt } = props;
  const field = (name: 'title' | 'imageUrl' | 'clickUrl' | 'badge' | 'sound') => ({
    value: draft[name],
    onChange: (event: { currentTarget: { value: string } }) => set({ [name]: event.currentTarget.value }),
    error: errorAt(`content.${name}`),
  });
  return (
    <Section title={t('content')}>
      <Stack gap="sm">
        <TextInput label={t('contentTitle')} {...field('title')} />
        <Textarea
          label={t('body')}
          value={draft.body}
          onChange={(event) => set({ body: event.currentTarget.value })}
          error={errorAt('content.body')}
          autosize
          minRows={2}
          maxRows={10}
        />
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput label={t('imageUrl')} description={t('imageUrlAbout')} inputMode="url" {...field('imageUrl')} />
          <TextInput label={t('clickUrl')} description={t('clickUrlAbout')} inputMode="url" {...field('clickUrl')} />
          <TextInput label={t('badge')} description={t('badgeAbout')} inputMode="numeric" {...field('badge')} />
          <TextInput label={t('sound')} description={t('soundAbout')} {...field('sound')} />
        </SimpleGrid>
        <DataFields {...props} />
      </Stack>
    </Section>
  );
}

function DataFields({ draft, set, errorAt }: FieldsProps) {
  const t = useTexts(composeTexts);
  const change = (at: number, changes: { key?: string; value?: string }) =>
    set({ data: draft.data.map((each, i) => (i === at ? { ...each, ...changes } : each)) });
  return (
    <Input.Wrapper label={t('data')} labelElement="div" error={errorAt('content.data')}>
      <Stack gap="xs" mt={4}>
        {draft.data.map(({ key, value }, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a pair has no name of its own while it is typed
          <div className="compose-data" key={i}>
            <TextInput
              aria-label={t('dataKey', { n: i + 1 })}
              placeholder={t('dataKey', { n: i + 1 })}
              value={key}
              onChange={(event) => change(i, { key: event.currentTarget.value })}
            />
            <TextInput
              aria-label={t('dataValue', { n: i + 1 })}
              placeholder={t('dataValue', { n: i + 1 })}
              value={value}
              onChange={(event) => change(i, { value: event.currentTarget.value })}
            />
            <ActionIcon
              variant="default"
              size="lg"
              aria-label={t('removeData', { n: i + 1 })}
              onClick={() => set({ data: draft.data.filter((_, other) => other !== i) })}
            >
              ×
            </ActionIcon>
          </div>
        ))}
        <Group>
          <Button variant="default" size="xs" onClick={() => set({ data: [...draft.data, { key: '', value: '' }] })}>
            {t('addData')}
          </Button>
        </Group>
      </Stack>
    </Input.Wrapper>
  );
}
