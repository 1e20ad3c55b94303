import { Button, Checkbox, Group, Modal, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { Problem } from '../../api/problem.js';
import { componentTexts } from '../../components/components.i18n.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { useTexts } from '../../i18n/language.js';
import { ApnsForm } from './apns-form.js';
import { credentialTexts } from './credentials.i18n.js';
import { type Credential, type CredentialInput, type ProviderName, storeCredential } from './credentials.js';
import { FcmForm } from './fcm-form.js';
import { WebPushForm } from './webpush-form.js';

/** What a provider's form gets. What is typed into it lives as long as the form and is in no cache. */
export interface CredentialFormProps {
  present: Credential | undefined;
  /** What is wrong with the field at this path. */
  errorOf(path: string): string | undefined;
  /** `input` undefined: not complete yet. */
  change(input: CredentialInput | undefined): void;
}

const FORMS: Readonly<Record<ProviderName, (props: CredentialFormProps) => ReactNode>> = {
  fcm: FcmForm,
  apns: ApnsForm,
  webpush: WebPushForm,
};

interface CredentialModalProps {
  app: string;
  provider: ProviderName;
  present: Credential | undefined;
  close(): void;
  stored(): unknown;
}

export function CredentialModal({ app, provider, present, close, stored }: CredentialModalProps) {
  const t = useTexts(credentialTexts);
  const name = useTexts(componentTexts)(provider);
  const [input, setInput] = useState<CredentialInput>();
  const [isSimulated, setSimulated] = useState(false);
  const store = useMutation({
    gcTime: 0,
    meta: { showsItself: true },
    // The secret is no variable of the mutation, so that the cache of mutations does not hold it.
    mutationFn: async () => {
      if (input) await storeCredential(app, provider, { ...input, ...(isSimulated && { simulated: true }) });
    },
    onSuccess: stored,
  });
  const problem = store.error instanceof Problem ? store.error : undefined;
  const Form = FORMS[provider];
  function submit(event: FormEvent) {
    event.preventDefault();
    store.mutate();
  }
  return (
    <Modal opened onClose={close} title={t('setUpOf', { provider: name })} size="lg" closeOnClickOutside={false}>
      <form onSubmit={submit} autoComplete="off">
        <Stack>
          <Form present={present} errorOf={(path) => problem?.of(path)} change={setInput} />
          {present?.simulated && (
            <Checkbox
              label={t('forSimulator')}
              checked={isSimulated}
              onChange={(event) => setSimulated(event.currentTarget.checked)}
            />
          )}
          <Text size="sm" c="dimmed">
            {t('sealed')} {present && t('replaces')}
          </Text>
          {store.error && <ProblemAlert error={store.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('cancel')}
            </Button>
            <Button type="submit" disabled={!input} loading={store.isPending}>
              {t('store')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
