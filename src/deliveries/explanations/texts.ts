import type { ProviderName } from '../../lib/names.js';

export const LANGUAGES = ['en', 'ko'] as const;
export type Language = (typeof LANGUAGES)[number];

/** What a provider's answer, or the lack of one, means. Placeholders in braces are filled in by {@link fill}. */
export interface CodeText {
  /** One sentence without a full stop: what happened. Stands alone, and after "… because:". */
  title: string;
  meaning: string;
  /** What somebody can do, in Carillon or at the provider; none where nothing needs doing. */
  nextSteps: readonly string[];
}

/** By code, or by `code outcome` where one code stands for two things. */
export type CodeTexts<Key extends string = string> = Readonly<Record<Key, CodeText>>;

/** What a delivery as a whole has come to; {@link action}: what Carillon did about it and why. */
export interface SituationText extends CodeText {
  action: string;
}

export const SITUATIONS = [
  'accepted',
  'delivered',
  'displayed',
  'opened',
  'dismissed',
  'refused_before',
  'expired_unsent',
  'expired_after_attempts',
  'cancelled',
  'cancelled_after_attempts',
  'device_deleted',
  'device_inactive',
  'user_changed',
  'acknowledged_live',
  'poison',
  'worker_lost',
  'unclear',
  'queued',
  'sending',
  'live_wait',
  'paused',
  'scheduled',
  'planning',
  'retry',
  'resuming',
  'quota',
  'outage',
  'probing',
  'credential',
  'no_credential',
  'gated',
  'log_gone',
  'device_active',
  'device_invalid',
  'device_refused',
] as const;
/** Ends, ways of waiting, and states of devices. `expired_unsent` and `cancelled`: without any provider call. */
export type SituationName = (typeof SITUATIONS)[number];

export const ACTIONS = [
  'accepted',
  'retry_not_processed',
  'retry_unavailable',
  'retry_ambiguous',
  'retry_throttled',
  'ended_expired',
  'ended_unknown',
  'token_invalid',
  'token_refused',
  'message_invalid',
  'credential_invalid',
  'gated',
] as const;
/** What followed from one provider call. */
export type ActionName = (typeof ACTIONS)[number];

export type PlaceholderValues = Readonly<Record<string, string>>;

/** Everything that one language says. */
export interface Texts {
  situations: Readonly<Record<SituationName, SituationText>>;
  actions: Readonly<Record<ActionName, string>>;
  /** The codes of each provider. */
  codes: Readonly<Record<ProviderName, CodeTexts>>;
  /** Codes of Carillon's own, and HTTP statuses that mean the same everywhere. */
  ownCodes: CodeTexts;
  /** What an outcome means when its code is unknown. */
  outcomes: CodeTexts;
  /** How the provider is called, by placeholder: with the endings that a language needs. */
  names: Readonly<Record<ProviderName, PlaceholderValues>>;
}

/** Replaces `{name}` by its value; what has none stays as it is. */
export function fill(text: string, values: PlaceholderValues): string {
  if (!text.includes('{')) return text;
  return text.replace(
    /\{([^{}]+)\}/g,
    (whole, name: string) => (Object.hasOwn(values, name) ? values[name] : undefined) ?? whole,
  );
}
