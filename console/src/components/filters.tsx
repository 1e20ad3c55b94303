import { Group, Select, TextInput } from '@mantine/core';
import { type ReactNode, useEffect, useState } from 'react';
import { useTexts } from '../i18n/language.js';
import { componentTexts } from './components.i18n.js';
import { filterTexts } from './filters.i18n.js';
import './filters.css';

/** Filters in a row, or in two columns on a phone. */
export function Filters({ children }: { children: ReactNode }) {
  return (
    <Group className="filters" gap="xs" align="flex-end">
      {children}
    </Group>
  );
}

interface FilterProps {
  label: string;
  /** As it stands in the address. */
  value: string | undefined;
  /** `undefined`: no longer filtered by this. */
  onChange(value: string | undefined): void;
  /** Pixels; on a phone, half the screen. */
  width?: number;
}

const widthOf = (pixels: number) => ({ '--filter-width': `${pixels}px` });

/** A word to filter by; it counts when it is done, not with every letter. */
export function TextFilter({ label, value, onChange, width = 180, type = 'text' }: FilterProps & { type?: string }) {
  const [text, setText] = useState(value ?? '');
  useEffect(() => setText(value ?? ''), [value]);
  function commit() {
    const wanted = text.trim();
    if (wanted !== (value ?? '')) onChange(wanted || undefined);
  }
  return (
    <TextInput
      label={label}
      type={type}
      size="xs"
      style={widthOf(width)}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => event.key === 'Enter' && commit()}
    />
  );
}

/** A time to filter by, in the reader's own zone; in the address it is ISO 8601. */
export function TimeFilter({ label, value, onChange, width = 180 }: FilterProps) {
  return (
    <TextFilter
      label={label}
      type="datetime-local"
      width={width}
      value={localOf(value)}
      onChange={(local) => onChange(local && new Date(local).toISOString())}
    />
  );
}

/** `2026-01-31T14:05`, as `<input type="datetime-local">` has it. */
function localOf(iso: string | undefined): string | undefined {
  const time = Date.parse(iso ?? '');
  if (Number.isNaN(time)) return undefined;
  return new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

interface ChoiceFilterProps<T extends string> extends Omit<FilterProps, 'onChange'> {
  choices: readonly { value: T; label: string }[];
  onChange(value: T | undefined): void;
  /** False: one of the choices always holds. */
  mayBeAny?: boolean;
}

/** One of a few words to filter by. */
export function ChoiceFilter<T extends string>({
  label,
  value,
  onChange,
  choices,
  width = 140,
  mayBeAny = true,
}: ChoiceFilterProps<T>) {
  const t = useTexts(filterTexts);
  return (
    <Select
      label={label}
      size="xs"
      style={widthOf(width)}
      data={[...(mayBeAny ? [{ value: '', label: t('any') }] : []), ...choices]}
      value={value ?? ''}
      onChange={(chosen) => onChange(choices.find((choice) => choice.value === chosen)?.value)}
    />
  );
}

const PROVIDERS = ['fcm', 'apns', 'webpush'] as const;

export function ProviderFilter(props: Omit<FilterProps, 'label' | 'onChange'> & { onChange(value?: string): void }) {
  const words = useTexts(componentTexts);
  const t = useTexts(filterTexts);
  return (
    <ChoiceFilter
      label={t('provider')}
      choices={PROVIDERS.map((value) => ({ value, label: words(value) }))}
      {...props}
    />
  );
}
