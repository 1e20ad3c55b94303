import { ActionIcon, CopyButton, Group, Tooltip } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { useFormats } from '../i18n/format.js';
import { useTexts } from '../i18n/language.js';
import { componentTexts } from './components.i18n.js';

/** Milliseconds after which what people say of a time is looked at again. */
const TICK_MS = 10_000;

const onLook = new Set<() => void>();
let now = Date.now();
let clock: ReturnType<typeof setInterval> | undefined;

/** One clock for all the times of a page; it stands while none is shown. */
function watchClock(look: () => void): () => void {
  onLook.add(look);
  clock ??= setInterval(() => {
    now = Date.now();
    for (const each of onLook) each();
  }, TICK_MS);
  return () => {
    onLook.delete(look);
    if (onLook.size > 0) return;
    clearInterval(clock);
    clock = undefined;
  };
}

/** A time as people say it; the exact one on hover and for screen readers. */
export function Time({ at, exact = false }: { at: string | null | undefined; exact?: boolean }) {
  const t = useTexts(componentTexts);
  const format = useFormats();
  useSyncExternalStore(watchClock, () => now);
  if (!at) return <span>{t('never')}</span>;
  const whole = format.dateTime(at);
  return (
    <time dateTime={at} title={`${whole} · ${at}`}>
      {exact ? whole : format.relative(at)}
    </time>
  );
}

/** An id that can be copied whole. `short` shows its first eight characters. */
export function Id({ id, short = false, label }: { id: string; short?: boolean; label?: string }) {
  return (
    <Group gap={2} wrap="nowrap" component="span" display="inline-flex">
      <span className="mono" title={id}>
        {short ? id.slice(0, 8) : id}
      </span>
      <Copy value={id} label={label ?? id} />
    </Group>
  );
}

export function Copy({ value, label }: { value: string; label: string }) {
  const t = useTexts(componentTexts);
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t('copied') : t('copy')}>
          <ActionIcon variant="subtle" color="gray" size="sm" onClick={copy} aria-label={`${t('copy')}: ${label}`}>
            <svg width="14" height="14" viewBox="0 0 16 16" fill="none" stroke="currentColor" aria-hidden="true">
              {copied ? (
                <path d="m3 8 3.5 3.5L13 5" strokeWidth="2" />
              ) : (
                <path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" strokeWidth="1.3" />
              )}
            </svg>
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** JSON or text as it is. Callers' data is only ever shown as text. */
export function Code({ value, label }: { value: unknown; label: string }) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    <section className="code" tabIndex={0} aria-label={label}>
      {text}
    </section>
  );
}
