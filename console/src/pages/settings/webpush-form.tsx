import { Group, PasswordInput, Radio, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '../../i18n/language.js';
import type { CredentialFormProps } from './credential-modal.js';
import { credentialTexts } from './credentials.i18n.js';

export function WebPushForm({ present, errorOf, change }: CredentialFormProps) {
  const t = useTexts(credentialTexts);
  const [values, setValues] = useState({
    subject: present?.subject ?? '',
    publicKey: '',
    privateKey: '',
    isOwn: false,
  });
  function set(changes: Partial<typeof values>) {
    const next = { ...values, ...changes };
    setValues(next);
    const subject = next.subject.trim();
    const publicKey = next.publicKey.trim();
    const privateKey = next.privateKey.trim();
    const isComplete = subject !== '' && (!next.isOwn || (publicKey !== '' && privateKey !== ''));
    const pair = next.isOwn ? { publicKey, privateKey } : { generate: true };
    change(isComplete ? { subject, ...pair } : undefined);
  }
  return (
    <Stack gap="sm">
      <TextInput
        label={t('contact')}
        description={t('contactAbout')}
        value={values.subject}
        onChange={(event) => set({ subject: event.currentTarget.value })}
        error={errorOf('subject')}
        required
      />
      <Radio.Group
        label={t('pair')}
        value={values.isOwn ? 'own' : 'generate'}
        onChange={(value) => set({ isOwn: value === 'own', publicKey: '', privateKey: '' })}
      >
        <Group mt={6}>
          <Radio value="generate" label={t('generate')} />
          <Radio value="own" label={t('own')} />
        </Group>
      </Radio.Group>
      <Text size="sm" c="dimmed">
        {t(values.isOwn ? 'ownAbout' : 'generateAbout')}
      </Text>
      {values.isOwn && (
        <>
          <TextInput
            label={t('publicKey')}
            value={values.publicKey}
            onChange={(event) => set({ publicKey: event.currentTarget.value })}
            error={errorOf('publicKey')}
            classNames={{ input: 'mono' }}
            autoComplete="off"
            spellCheck={false}
          />
          <PasswordInput
            label={t('privateKey')}
            value={values.privateKey}
            onChange={(event) => set({ privateKey: event.currentTarget.value })}
            error={errorOf('privateKey')}
            autoComplete="off"
          />
        </>
      )}
    </Stack>
  );
}
