import { Button, Menu, Modal, PasswordInput, Stack, Text, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api } from '../api/client.js';
import { Problem } from '../api/problem.js';
import { sessionQuery, signOut } from '../api/session.js';
import { LANGUAGES, type Language, useLanguage, useTexts } from '../i18n/language.js';
import { shellTexts } from './shell.i18n.js';

const BRIGHTNESSES = ['light', 'dark', 'auto'] as const;

export function AccountMenu() {
  const t = useTexts(shellTexts);
  const { data: session } = useQuery(sessionQuery);
  const { language, setLanguage } = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [isChanging, changing] = useDisclosure(false);
  if (!session) return null;
  const { account } = session;
  return (
    <>
      <Menu position="bottom-end" width={220}>
        <Menu.Target>
          <Button variant="default" size="xs" aria-label={t('account', { name: account.name })}>
            {account.name}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Text size="xs" c="dimmed" px="sm" py={4}>
            {account.email}
            <br />
            {t('role', { role: account.role })}
          </Text>
          <Menu.Item onClick={changing.open}>{t('changePassword')}</Menu.Item>
          <Menu.Item onClick={() => signOut()}>{t('signOut')}</Menu.Item>
          <Menu.Divider />
          <Menu.Label>{t('language')}</Menu.Label>
          {(Object.keys(LANGUAGES) as Language[]).map((each) => (
            <Menu.Item key={each} fw={each === language ? 700 : 400} onClick={() => setLanguage(each)}>
              {LANGUAGES[each]}
            </Menu.Item>
          ))}
          <Menu.Label>{t('brightness')}</Menu.Label>
          {BRIGHTNESSES.map((each) => (
            <Menu.Item key={each} fw={each === colorScheme ? 700 : 400} onClick={() => setColorScheme(each)}>
              {t(each)}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item component="a" href="/docs" target="_blank" rel="noreferrer">
            {t('docs')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <PasswordModal isOpen={isChanging} close={changing.close} hasPassword={account.hasPassword} />
    </>
  );
}

function PasswordModal({ isOpen, close, hasPassword }: { isOpen: boolean; close(): void; hasPassword: boolean }) {
  const t = useTexts(shellTexts);
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const change = useMutation({
    meta: { showsItself: true },
    mutationFn: () =>
      api.PUT('/v1/session/password', {
        body: { newPassword: next, ...(hasPassword && { currentPassword: current }) },
      }),
    onSuccess: () => {
      notifications.show({ message: t('passwordChanged') });
      close();
    },
  });
  const problem = change.error instanceof Problem ? change.error : undefined;
  function submit(event: FormEvent) {
    event.preventDefault();
    change.mutate();
  }
  return (
    <Modal opened={isOpen} onClose={close} title={t('changePassword')}>
      <form onSubmit={submit}>
        <Stack>
          {hasPassword && (
            <PasswordInput
              label={t('currentPassword')}
              value={current}
              onChange={(event) => setCurrent(event.currentTarget.value)}
              autoComplete="current-password"
              error={problem?.of('currentPassword')}
              required
            />
          )}
          <PasswordInput
            label={t('newPassword')}
            value={next}
            onChange={(event) => setNext(event.currentTarget.value)}
            autoComplete="new-password"
            error={problem?.of('newPassword') ?? problem?.message}
            required
          />
          <Button type="submit" loading={change.isPending}>
            {t('save')}
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
