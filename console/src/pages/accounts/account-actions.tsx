import { Button, Group, Menu, Modal, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Account } from '../../api/session.js';
import { useTexts } from '../../i18n/language.js';
import { change, linkFor, remove } from './account-calls.js';
import { accountsTexts } from './accounts.i18n.js';
import { RoleField } from './role-field.js';
import type { NewLink } from './sign-in-link.js';

interface AccountActionsProps {
  account: Account;
  show(link: NewLink): void;
}

/** What can be done with somebody's account. */
export function AccountActions({ account, show }: AccountActionsProps) {
  const t = useTexts(accountsTexts);
  const [asked, setAsked] = useState<'role' | 'link' | 'disable' | 'remove'>();
  const enable = useMutation({ mutationFn: () => change(account.id, { isDisabled: false }) });
  const close = () => setAsked(undefined);
  const { email } = account;
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" size="compact-xs" aria-label={t('actionsOf', { email })}>
            <span aria-hidden="true">•••</span>
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => setAsked('role')}>{t('changeRole')}</Menu.Item>
          {!account.isDisabled && <Menu.Item onClick={() => setAsked('link')}>{t('newLink')}</Menu.Item>}
          {account.isDisabled ? (
            <Menu.Item onClick={() => enable.mutate()}>{t('enable')}</Menu.Item>
          ) : (
            <Menu.Item onClick={() => setAsked('disable')}>{t('disable')}</Menu.Item>
          )}
          <Menu.Divider />
          <Menu.Item onClick={() => setAsked('remove')}>{t('remove')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <RoleModal account={account} isOpen={asked === 'role'} close={close} />
      <Ask
        title={t('newLink')}
        question={`${email}: ${t('linkEnds')}`}
        isOpen={asked === 'link'}
        close={close}
        act={async () => show(await linkFor(account))}
      />
      <Ask
        title={t('disable')}
        question={t('disableAsk', { email })}
        isOpen={asked === 'disable'}
        close={close}
        act={() => change(account.id, { isDisabled: true })}
      />
      <Ask
        title={t('remove')}
        question={t('removeAsk', { email })}
        isOpen={asked === 'remove'}
        close={close}
        act={() => remove(account.id)}
        color="red"
      />
    </>
  );
}

interface AskProps {
  title: string;
  question?: ReactNode;
  isOpen: boolean;
  close(): void;
  act(): Promise<void>;
  /** The word on the button; default: the title. */
  confirm?: string;
  color?: string;
  children?: ReactNode;
}

function Ask({ title, question, isOpen, close, act, confirm = title, color = 'indigo', children }: AskProps) {
  const t = useTexts(accountsTexts);
  const acting = useMutation({ mutationFn: act, onSuccess: close });
  return (
    <Modal opened={isOpen} onClose={close} title={title}>
      <Stack>
        {question && <Text size="sm">{question}</Text>}
        {children}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('cancel')}
          </Button>
          <Button color={color} loading={acting.isPending} onClick={() => acting.mutate()}>
            {confirm}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function RoleModal({ account, isOpen, close }: { account: Account; isOpen: boolean; close(): void }) {
  const t = useTexts(accountsTexts);
  const [role, setRole] = useState(account.role);
  return (
    <Ask
      title={t('roleOf', { email: account.email })}
      isOpen={isOpen}
      close={close}
      act={() => change(account.id, { role })}
      confirm={t('save')}
    >
      <RoleField value={role} onChange={setRole} />
      <Text size="sm" c="dimmed">
        {t('roleEnds')}
      </Text>
    </Ask>
  );
}
