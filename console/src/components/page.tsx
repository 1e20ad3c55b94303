import { Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { useTexts } from '../i18n/language.js';
import { componentTexts } from './components.i18n.js';

interface PageProps {
  title: string;
  /** A line below the title: what this is, when, whose. */
  about?: ReactNode;
  /** What can be done here, most important first. */
  actions?: ReactNode;
  children: ReactNode;
}

/** The frame of every page: one heading, what can be done, and the content. */
export function Page({ title, about, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Carillon`;
  }, [title]);
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start" gap="sm">
        <div>
          <Title order={1} size="h3" style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {about && (
            <Text component="div" size="sm" c="dimmed">
              {about}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

/** A titled part of a page. */
export function Section({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="card" aria-label={title}>
      <Group justify="space-between" mb="sm" gap="xs">
        <Title order={2} size="h5">
          {title}
        </Title>
        {actions}
      </Group>
      {children}
    </section>
  );
}

/** One figure with its name. */
export function Figure({ name, value, about }: { name: string; value: ReactNode; about?: ReactNode }) {
  return (
    <div className="card">
      <Text size="xs" c="dimmed" fw={600}>
        {name}
      </Text>
      <Text fz={22} fw={600} lh={1.3}>
        {value}
      </Text>
      {about && (
        <Text component="div" size="xs" c="dimmed">
          {about}
        </Text>
      )}
    </div>
  );
}

export function Nothing({ children }: { children?: ReactNode }) {
  const t = useTexts(componentTexts);
  return (
    <Text c="dimmed" size="sm" py="lg" ta="center">
      {children ?? t('nothing')}
    </Text>
  );
}
