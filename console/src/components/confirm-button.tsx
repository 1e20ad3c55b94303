import { Button, type ButtonProps, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useTexts } from '../i18n/language.js';
import { componentTexts } from './components.i18n.js';

interface ConfirmButtonProps extends ButtonProps {
  /** What will happen, in a sentence. */
  question: ReactNode;
  /** The word on the button that does it; default: the button's own. */
  confirm?: string;
  act: () => unknown;
  children: ReactNode;
}

/** A button that asks before it acts. */
export function ConfirmButton({ question, confirm, act, children, ...button }: ConfirmButtonProps) {
  const t = useTexts(componentTexts);
  const [isOpen, { open, close }] = useDisclosure(false);
  function go() {
    close();
    act();
  }
  return (
    <>
      <Button variant="default" {...button} onClick={open}>
        {children}
      </Button>
      <Modal opened={isOpen} onClose={close} title={children}>
        <Stack>
          <Text size="sm">{question}</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('cancel')}
            </Button>
            <Button color={button.color ?? 'indigo'} onClick={go} data-autofocus>
              {confirm ?? children}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
