import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Copy } from '../../components/values.js';
import { useTexts } from '../../i18n/language.js';
import { settingsTexts } from './settings.i18n.js';

/**
 * A change whose answer holds a secret. The secret is in this component's memory until it is forgotten, and in no cache:
 * the mutation itself answers nothing.
 */
export function useSecret(make: () => Promise<string>, done?: () => unknown) {
  const [secret, setSecret] = useState<string>();
  const mutation = useMutation({
    gcTime: 0,
    meta: { showsItself: true },
    mutationFn: async () => setSecret(await make()),
    onSuccess: done,
  });
  function forget() {
    setSecret(undefined);
    mutation.reset();
  }
  return { secret, forget, make: () => mutation.mutate(), isPending: mutation.isPending, error: mutation.error };
}

interface SecretOnceProps {
  label: string;
  secret: string;
  /** The variable of an `.env` file. */
  variable: string;
  close(): void;
}

/** A secret that will not be shown again, to be copied as it is or as a line of an `.env` file. */
export function SecretOnce({ label, secret, variable, close }: SecretOnceProps) {
  const t = useTexts(settingsTexts);
  const line = `${variable}=${secret}`;
  return (
    <Stack>
      <Alert color="gray" variant="outline" role="status">
        <Text size="sm">{t('once')}</Text>
      </Alert>
      {[
        { name: label, value: secret },
        { name: t('envLine'), value: line },
      ].map(({ name, value }) => (
        <TextInput
          key={name}
          label={name}
          value={value}
          readOnly
          classNames={{ input: 'mono' }}
          onFocus={(event) => event.currentTarget.select()}
          autoComplete="off"
          rightSection={<Copy value={value} label={name} />}
        />
      ))}
      <Group justify="flex-end">
        <Button onClick={close}>{t('stored')}</Button>
      </Group>
    </Stack>
  );
}
