import { Button, Group, Menu, Modal, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, dataOf } from '../../api/client.js';
import { queries } from '../../api/queries.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { useTexts } from '../../i18n/language.js';
import { applicationsTexts } from './applications.i18n.js';
import type { Application } from './applications-page.js';
import { NameModal } from './name-modal.js';

const refresh = () => queries.invalidateQueries({ queryKey: ['applications'] });

/** What can be done with a whole application. */
export function ApplicationActions({ application: { id, name } }: { application: Application }) {
  const t = useTexts(applicationsTexts);
  const navigate = useNavigate();
  const [asked, setAsked] = useState<'rename' | 'remove'>();
  const close = () => setAsked(undefined);
  const rename = useMutation({
    meta: { showsItself: true },
    mutationFn: (next: string) =>
      dataOf(api.PATCH('/v1/applications/{id}', { params: { path: { id } }, body: { name: next } })),
    onSuccess: async () => {
      close();
      await refresh();
    },
  });
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" size="compact-xs" aria-label={t('actionsOf', { name })}>
            <span aria-hidden="true">•••</span>
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => navigate({ to: '/apps/$app/settings', params: { app: id } })}>
            {t('settings')}
          </Menu.Item>
          <Menu.Item onClick={() => setAsked('rename')}>{t('rename')}</Menu.Item>
          <Menu.Divider />
          <Menu.Item onClick={() => setAsked('remove')}>{t('remove')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <NameModal
        title={t('rename')}
        confirm={t('save')}
        isOpen={asked === 'rename'}
        close={close}
        naming={rename}
        initial={name}
      />
      <RemoveModal id={id} name={name} isOpen={asked === 'remove'} close={close} />
    </>
  );
}

/** The name has to be typed: nobody deletes a tenant by a slip of the hand. */
function RemoveModal({ id, name, isOpen, close }: { id: string; name: string; isOpen: boolean; close(): void }) {
  const t = useTexts(applicationsTexts);
  const [typed, setTyped] = useState('');
  const remove = useMutation({
    meta: { showsItself: true },
    mutationFn: () => api.DELETE('/v1/applications/{id}', { params: { path: { id } } }),
    onSuccess: async () => {
      notifications.show({ message: t('removed', { name }) });
      close();
      await refresh();
    },
  });
  return (
    <Modal opened={isOpen} onClose={close} title={t('removeTitle', { name })}>
      <Stack>
        <Text size="sm">{t('removeAsk')}</Text>
        <TextInput
          label={t('removeName', { name })}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          data-autofocus
        />
        {remove.error && <ProblemAlert error={remove.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('cancel')}
          </Button>
          <Button color="red" disabled={typed !== name} loading={remove.isPending} onClick={() => remove.mutate()}>
            {t('remove')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
