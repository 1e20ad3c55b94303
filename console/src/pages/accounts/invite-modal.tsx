import { Button, Group, Modal, PasswordInput, Radio, Stack, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Problem } from '../../api/problem.js';
import type { AccountRole } from '../../api/session.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { useTexts } from '../../i18n/language.js';
import { type Invitation, invite } from './account-calls.js';
import { accountsTexts } from './accounts.i18n.js';
import { RoleField } from './role-field.js';
import type { NewLink } from './sign-in-link.js';

interface InviteModalProps {
  isOpen: boolean;
  close(): void;
  show(link: NewLink): void;
}

/** Makes an account, by a link that is shown once or by a first password. */
export function InviteModal({ isOpen, close, show }: InviteModalProps) {
  const t = useTexts(accountsTexts);
  return (
    <Modal opened={isOpen} onClose={close} title={t('invite')}>
      <InviteForm close={close} show={show} />
    </Modal>
  );
}

function InviteForm({ close, show }: Omit<InviteModalProps, 'isOpen'>) {
  const t = useTexts(accountsTexts);
  const [role, setRole] = useState<AccountRole>('viewer');
  const [how, setHow] = useState('link');
  const inviting = useMutation({
    meta: { showsItself: true },
    mutationFn: invite,
    onSuccess: (link, { email }) => {
      close();
      if (link) show(link);
      else notifications.show({ message: t('made', { email }) });
    },
  });
  const problem = inviting.error instanceof Problem ? inviting.error : undefined;
  const isNamed = problem?.errors.some(({ path }) => /(^|\.)(name|email|password)$/.test(path));
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    inviting.mutate(invitationOf(new FormData(event.currentTarget), role));
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput label={t('name')} name="name" autoComplete="off" error={problem?.of('name')} data-autofocus />
        <TextInput
          label={t('email')}
          name="email"
          type="email"
          autoComplete="off"
          error={problem?.of('email')}
          required
        />
        <RoleField value={role} onChange={setRole} />
        <Radio.Group label={t('how')} value={how} onChange={setHow}>
          <Stack gap={6} mt={4}>
            <Radio value="link" label={t('howLink')} />
            <Radio value="password" label={t('howPassword')} />
          </Stack>
        </Radio.Group>
        {how === 'password' && (
          <PasswordInput
            label={t('password')}
            description={t('passwordRule')}
            name="password"
            autoComplete="new-password"
            error={problem?.of('password')}
            required
          />
        )}
        {inviting.error && !isNamed && <ProblemAlert error={inviting.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('cancel')}
          </Button>
          <Button type="submit" loading={inviting.isPending}>
            {t('send')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function invitationOf(form: FormData, role: AccountRole): Invitation {
  const text = (name: string) => String(form.get(name) ?? '');
  const account = { email: text('email'), name: text('name'), role };
  return form.has('password') ? { ...account, password: text('password') } : account;
}
