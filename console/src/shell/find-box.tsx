import { Autocomplete, Kbd } from '@mantine/core';
import { useDebouncedValue, useHotkeys } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useRef, useState } from 'react';
import { useTexts } from '../i18n/language.js';
import { find, toUser, usersLike } from './find.js';
import { shellTexts } from './shell.i18n.js';

const SUGGESTIONS = 8;
const PAUSE_MS = 150;

interface FindBoxProps {
  app: string;
  /** The one that `/` leads to. */
  isMain?: boolean;
  size?: 'xs' | 'md';
}

/**
 * One box for whatever somebody has at hand: a user id, the id of a device or notification, a token or its fingerprint.
 * It is no part of an address: what is pasted may be a token.
 */
export function FindBox({ app, isMain = false, size = 'xs' }: FindBoxProps) {
  const t = useTexts(shellTexts);
  const navigate = useNavigate();
  const box = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const wanted = text.trim();
  const [prefix] = useDebouncedValue(wanted, PAUSE_MS);
  const { data: users = [] } = useQuery({
    queryKey: ['users like', app, prefix],
    queryFn: ({ signal }) => usersLike(app, prefix, SUGGESTIONS, signal),
    enabled: prefix !== '',
  });
  useHotkeys(isMain ? [['/', () => box.current?.focus()]] : []);
  const search = useMutation({
    mutationFn: (sought: string) => find(app, sought),
    onSuccess: (link) => {
      leave();
      return navigate(link);
    },
  });
  function leave() {
    setText('');
    box.current?.blur();
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    if (wanted !== '') search.mutate(wanted);
  }
  function choose(user: string) {
    leave();
    void navigate(toUser(app, user));
  }
  return (
    <form onSubmit={submit} style={{ flex: 1, maxWidth: size === 'md' ? 640 : 420 }}>
      <Autocomplete
        ref={box}
        aria-label={t('find')}
        placeholder={t(size === 'md' ? 'findLong' : 'findShort')}
        size={size}
        value={text}
        onChange={setText}
        onOptionSubmit={choose}
        data={text === '' ? [] : users.map(({ userId }) => userId)}
        filter={({ options }) => options}
        disabled={search.isPending}
        autoComplete="off"
        spellCheck={false}
        rightSection={isMain ? <Kbd size="xs">/</Kbd> : undefined}
      />
    </form>
  );
}
