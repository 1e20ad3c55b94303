import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { Copy } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { accountsTexts } from './accounts.i18n.js';

/** A link that the API shows once. It is kept in this page's memory until it is closed. */
export interface NewLink {
  email: string;
  url: string;
  expiresAt: string;
}

export function SignInLinkModal({ link, close }: { link: NewLink | undefined; close(): void }) {
  const t = useTexts(accountsTexts);
  const format = useFormats();
  return (
    <Modal
      opened={link !== undefined}
      onClose={close}
      closeOnClickOutside={false}
      title={t('linkTitle', { email: link?.email ?? '' })}
    >
      {link && (
        <Stack>
          <Text size="sm">{t('linkOnce')}</Text>
          <Group gap="xs" wrap="nowrap" align="flex-start">
            <output className="code" aria-label={t('link')}>
              {link.url}
            </output>
            <Copy value={link.url} label={t('link')} />
          </Group>
          <Text size="sm" c="dimmed">
            {t('linkUntil', { time: format.dateTime(link.expiresAt) })}
          </Text>
          <Group justify="flex-end">
            <Button onClick={close}>{t('done')}</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
