import { Alert, Anchor, Button, Center, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { type FormEvent, useEffect, useState } from 'react';
import { api, dataOf } from '../api/client.js';
import { Problem } from '../api/problem.js';
import { begin } from '../api/session.js';
import { useTexts } from '../i18n/language.js';
import { shellTexts } from './shell.i18n.js';

const valuesOf = (event: FormEvent<HTMLFormElement>) => {
  event.preventDefault();
  const data = new FormData(event.currentTarget);
  return (name: string) => String(data.get(name) ?? '');
};

/** Only addresses of this console: anything else would make the sign-in page a door to other sites. */
const isOwnAddress = (next: string | undefined): next is string => next !== undefined && /^\/(?![/\\])/.test(next);

/** Signs in by password, by the link that `npm start` prints, or makes the first account from the admin key. */
export function SignInPage() {
  const t = useTexts(shellTexts);
  const [isFirst, setFirst] = useState(false);
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder p="xl" w="100%" maw={400} radius="md">
        <Stack>
          <Title order={1} size="h3">
            {t('signInTitle')}
          </Title>
          {!window.isSecureContext && <Alert color="yellow">{t('insecure')}</Alert>}
          <LinkSignIn />
          {isFirst ? <FirstAccount /> : <PasswordSignIn />}
          <Text size="sm" c="dimmed">
            {!isFirst && `${t('first')} ${t('firstHow')} `}
            <Anchor component="button" type="button" size="sm" onClick={() => setFirst(!isFirst)}>
              {isFirst ? t('back') : t('adminKey')}
            </Anchor>
          </Text>
        </Stack>
      </Paper>
    </Center>
  );
}

function useEntering() {
  const router = useRouter();
  const { next } = useSearch({ from: '/sign-in' });
  return () =>
    isOwnAddress(next) ? router.history.push(`/console${next}`) : router.navigate({ to: '/', replace: true });
}

function LinkSignIn() {
  const t = useTexts(shellTexts);
  const enter = useEntering();
  const follow = useMutation({
    meta: { showsItself: true },
    mutationFn: async (token: string) => begin(await dataOf(api.POST('/v1/session/link', { body: { token } }))),
    onSuccess: enter,
  });
  const { mutate } = follow;
  useEffect(() => {
    const token = new URLSearchParams(location.hash.slice(1)).get('link');
    if (token === null) return;
    // A link works once, and must not be found in the history of the browser.
    history.replaceState(history.state, '', location.pathname + location.search);
    mutate(token);
  }, [mutate]);
  if (follow.isPending) return <Text>{t('linkSignIn')}</Text>;
  if (follow.error) return <Alert color="red">{t('linkFailed')}</Alert>;
  return null;
}

function PasswordSignIn() {
  const t = useTexts(shellTexts);
  const enter = useEntering();
  const signIn = useMutation({
    meta: { showsItself: true },
    mutationFn: async (body: { email: string; password: string }) =>
      begin(await dataOf(api.POST('/v1/session', { body }))),
    onSuccess: enter,
  });
  function submit(event: FormEvent<HTMLFormElement>) {
    const value = valuesOf(event);
    signIn.mutate({ email: value('email'), password: value('password') });
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput label={t('email')} name="email" type="email" autoComplete="username" required />
        <PasswordInput label={t('password')} name="password" autoComplete="current-password" required />
        {signIn.error && <Alert color="red">{signIn.error.message}</Alert>}
        <Button type="submit" loading={signIn.isPending}>
          {t('signIn')}
        </Button>
      </Stack>
    </form>
  );
}

function FirstAccount() {
  const t = useTexts(shellTexts);
  const enter = useEntering();
  const create = useMutation({
    meta: { showsItself: true },
    mutationFn: async ({
      adminKey,
      ...account
    }: {
      adminKey: string;
      email: string;
      name: string;
      password: string;
    }) => {
      const headers = { authorization: `Bearer ${adminKey}` };
      await api.POST('/v1/accounts', { headers, body: { ...account, role: 'owner' } });
      const { email, password } = account;
      return begin(await dataOf(api.POST('/v1/session', { body: { email, password } })));
    },
    onSuccess: enter,
  });
  const problem = create.error instanceof Problem ? create.error : undefined;
  function submit(event: FormEvent<HTMLFormElement>) {
    const value = valuesOf(event);
    create.mutate({
      adminKey: value('adminKey'),
      email: value('email'),
      name: value('name'),
      password: value('password'),
    });
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <PasswordInput label={t('adminKey')} name="adminKey" autoComplete="off" required />
        <TextInput label={t('name')} name="name" autoComplete="name" error={problem?.of('name')} required />
        <TextInput
          label={t('email')}
          name="email"
          type="email"
          autoComplete="username"
          error={problem?.of('email')}
          required
        />
        <PasswordInput
          label={t('newPassword')}
          name="password"
          autoComplete="new-password"
          error={problem?.of('password')}
          required
        />
        {create.error && <Alert color="red">{create.error.message}</Alert>}
        <Button type="submit" loading={create.isPending}>
          {t('createAccount')}
        </Button>
      </Stack>
    </form>
  );
}
