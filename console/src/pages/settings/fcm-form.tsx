import { Anchor, List, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '../../i18n/language.js';
import type { CredentialFormProps } from './credential-modal.js';
import { credentialTexts } from './credentials.i18n.js';
import { SecretFile } from './secret-file.js';

const FIREBASE = 'https://console.firebase.google.com/project/_/settings/serviceaccounts/adminsdk';
const FIELDS = ['project_id', 'client_email', 'private_key', 'private_key_id', 'token_uri', 'type'];

export function FcmForm({ errorOf, change }: CredentialFormProps) {
  const t = useTexts(credentialTexts);
  const [text, setText] = useState('');
  const account = accountIn(text);
  const wrong = FIELDS.map((field) => ({ field, message: errorOf(`serviceAccount.${field}`) })).find(
    ({ message }) => message !== undefined,
  );
  function read(next: string) {
    setText(next);
    const serviceAccount = accountIn(next);
    change(serviceAccount && { serviceAccount });
  }
  return (
    <Stack gap="sm">
      <List type="ordered" size="sm">
        <List.Item>
          {t('fcmStep1')}{' '}
          <Anchor href={FIREBASE} target="_blank" rel="noreferrer" underline="always" size="sm">
            {t('openFirebase')}
          </Anchor>
        </List.Item>
        <List.Item>{t('fcmStep2')}</List.Item>
        <List.Item>{t('fcmStep3')}</List.Item>
      </List>
      <SecretFile
        label={t('serviceAccount')}
        placeholder='{ "type": "service_account", … }'
        accept=".json,application/json"
        value={text}
        error={
          wrong
            ? `${wrong.field}: ${wrong.message}`
            : (errorOf('serviceAccount') ?? (text.trim() !== '' && !account && t('notJson')))
        }
        change={read}
      />
      {account && (
        <Text size="sm" role="status">
          {t('fcmFound', {
            project: String(account['project_id'] ?? '–'),
            account: String(account['client_email'] ?? '–'),
          })}
        </Text>
      )}
    </Stack>
  );
}

function accountIn(text: string): { [field: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
