import type { ReactNode } from 'react';
import { useTexts } from '../i18n/language.js';
import { componentTexts } from './components.i18n.js';

export type Tone = 'ok' | 'waiting' | 'problem' | 'info' | 'quiet';

/** Statuses of notifications, deliveries and devices. */
const TONES = {
  active: 'ok',
  accepted: 'ok',
  completed: 'ok',
  scheduled: 'info',
  planning: 'info',
  sending: 'info',
  pending: 'waiting',
  paused: 'waiting',
  expired: 'problem',
  failed: 'problem',
  invalid: 'problem',
  refused: 'problem',
  unknown: 'waiting',
  cancelled: 'quiet',
  suppressed: 'quiet',
} as const satisfies Record<string, Tone>;

const LIVE: ReadonlySet<string> = new Set(['planning', 'sending']);

/** A word with a dot: the word says it, the colour only helps. */
export function Dot({ tone, isLive = false, children }: { tone: Tone; isLive?: boolean; children: ReactNode }) {
  return (
    <span className="status" data-tone={tone} data-live={isLive || undefined}>
      {children}
    </span>
  );
}

export function Status({ status }: { status: keyof typeof TONES }) {
  const t = useTexts(componentTexts);
  return (
    <Dot tone={TONES[status]} isLive={LIVE.has(status)}>
      {t(status)}
    </Dot>
  );
}

export function ProviderName({ provider }: { provider: 'fcm' | 'apns' | 'webpush' }) {
  return <>{useTexts(componentTexts)(provider)}</>;
}
