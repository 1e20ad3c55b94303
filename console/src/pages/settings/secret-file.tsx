import { Button, FileButton, Group, Stack, Text, Textarea } from '@mantine/core';
import { type ReactNode, useRef, useState } from 'react';
import { useTexts } from '../../i18n/language.js';
import { credentialTexts } from './credentials.i18n.js';

interface SecretFileProps {
  label: string;
  about?: ReactNode;
  placeholder: string;
  /** Of files that may be chosen. */
  accept: string;
  value: string;
  error: ReactNode;
  /** @param fileName of the file it was read from; undefined when it was typed or pasted */
  change(text: string, fileName?: string): void;
}

/** A secret as a file or as pasted text. The file input is emptied as soon as the file was read. */
export function SecretFile({ label, about, placeholder, accept, value, error, change }: SecretFileProps) {
  const t = useTexts(credentialTexts);
  const reset = useRef<() => void>(null);
  const [name, setName] = useState('');
  async function read(file: File | null) {
    if (!file) return;
    const text = await file.text();
    reset.current?.();
    setName(file.name);
    change(text, file.name);
  }
  return (
    <Stack gap={6}>
      <Textarea
        label={label}
        description={about}
        placeholder={placeholder}
        value={value}
        onChange={(event) => {
          setName('');
          change(event.currentTarget.value);
        }}
        error={error}
        classNames={{ input: 'mono' }}
        rows={4}
        // A spelling checker may hand what it checks to its maker.
        spellCheck={false}
        autoComplete="off"
      />
      <Group gap="xs">
        <FileButton resetRef={reset} accept={accept} onChange={read} inputProps={{ 'aria-label': label }}>
          {(props) => (
            <Button {...props} variant="default" size="xs" aria-label={`${t('chooseFile')}: ${label}`}>
              {t('chooseFile')}
            </Button>
          )}
        </FileButton>
        {name !== '' && (
          <Text size="xs" c="dimmed">
            {t('fileRead', { name })}
          </Text>
        )}
      </Group>
    </Stack>
  );
}
