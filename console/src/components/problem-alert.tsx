import { Alert, Button, Group, Text } from '@mantine/core';
import { Problem } from '../api/problem.js';
import { useTexts } from '../i18n/language.js';
import { componentTexts } from './components.i18n.js';

/** What went wrong where something should be, with what support needs to find it in the logs. */
export function ProblemAlert({ error, retry }: { error: Error; retry?: () => unknown }) {
  const t = useTexts(componentTexts);
  return (
    <Alert color="red" variant="outline" title={error instanceof Problem ? error.code : t('wrong')} role="alert">
      <Text size="sm">{error.message}</Text>
      {error instanceof Problem && (
        <Text size="xs" c="dimmed" className="mono">
          {t('request', { id: error.requestId })}
        </Text>
      )}
      {retry && (
        <Group mt="sm">
          <Button variant="default" size="xs" onClick={retry}>
            {t('again')}
          </Button>
        </Group>
      )}
    </Alert>
  );
}

/** Stands in for a page that could not be shown. */
export function PageProblem({ error, reset }: { error: unknown; reset: () => void }) {
  return <ProblemAlert error={error instanceof Error ? error : new Error(String(error))} retry={reset} />;
}
