import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import type { UseMutationResult } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { Problem } from '../../api/problem.js';
import { useTexts } from '../../i18n/language.js';
import { applicationsTexts } from './applications.i18n.js';

interface NameModalProps {
  title: string;
  about?: string;
  confirm: string;
  isOpen: boolean;
  close(): void;
  /** What happens with the name; refusals stand at the field. */
  naming: UseMutationResult<unknown, Error, string>;
  initial?: string;
}

const MAX_NAME_CHARACTERS = 200;

/** Asks for the name of an application. */
export function NameModal({ title, about, confirm, isOpen, close, naming, initial = '' }: NameModalProps) {
  const t = useTexts(applicationsTexts);
  const { error } = naming;
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    naming.mutate(String(new FormData(event.currentTarget).get('name')));
  }
  return (
    <Modal opened={isOpen} onClose={close} title={title}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={t('name')}
            description={t('nameHow')}
            name="name"
            defaultValue={initial}
            maxLength={MAX_NAME_CHARACTERS}
            error={error && ((error instanceof Problem && error.of('name')) || error.message)}
            autoComplete="off"
            required
            data-autofocus
          />
          {about && (
            <Text size="sm" c="dimmed">
              {about}
            </Text>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={naming.isPending}>
              {confirm}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
