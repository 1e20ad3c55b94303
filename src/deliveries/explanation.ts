/** Why a delivery is as it is, in words: chosen from the catalogue in `explanations/`. Pure. */
import type { Device } from '../devices/device.js';
import type { ProviderName } from '../lib/names.js';
import type { WaitingFacts } from '../notifications/notification.js';
import type { DeliveryStatus, ReceiptType } from './delivery.js';
import { codeText, filled, textsOf } from './explanations/codes.js';
import { type ActionName, type CodeText, fill, type Language, type SituationName } from './explanations/texts.js';

export const SEVERITIES = ['ok', 'waiting', 'problem', 'info'] as const;
/** `problem`: it did not arrive, or cannot without somebody doing something. `info`: an end that nobody needs to mend. */
export type Severity = (typeof SEVERITIES)[number];

export interface Explanation {
  severity: Severity;
  /** One sentence that answers "why did it not ring?" by itself. */
  title: string;
  /** What the code means. */
  meaning: string;
  /** What Carillon did, and why. */
  action: string;
  /** What somebody can do; empty when nothing needs doing. */
  nextSteps: string[];
}

export interface AttemptExplanation {
  meaning: string;
  action: string;
}

/** What the catalogue needs to know of one entry of the log. */
export interface EntryFacts {
  isCall: boolean;
  outcome: string;
  code: string;
  statusAfter: DeliveryStatus;
  retryAt: Date | null;
  detail: string | null;
}

/** Why a gate is closed: a quota, an outage, or a credential that does not work. */
export type GateKind = 'throttled' | 'breaker' | 'credential';

/** A gate that is not open, of the application. `scope` '': over the whole provider. */
export interface ClosedGate {
  provider: ProviderName;
  scope: string;
  state: 'closed' | 'half_open';
  kind: GateKind;
  reason: string;
  closedUntil: Date;
}

export interface DeliveryFacts {
  provider: ProviderName;
  status: DeliveryStatus;
  /** Oldest first. */
  entries: readonly EntryFacts[];
  nextAttemptAt: Date | null;
  receipts: readonly ReceiptType[];
  /** A worker holds it. */
  isInHand: boolean;
  /** It has no batch yet: its notification has not been planned so far. */
  isUnplanned: boolean;
  /** Only needed while it is pending. */
  notification?: WaitingFacts | undefined;
  gates: readonly ClosedGate[];
}

interface Finding {
  name: SituationName;
  severity: Severity;
  /** What is behind it: its words are woven in. */
  because?: CodeText;
  /** The steps of `because` still help. */
  withSteps?: boolean;
  code?: string;
  until?: Date | null;
}

/** Why a delivery is as it is, and what to do about it. */
export function explain(facts: DeliveryFacts, language: Language): Explanation {
  const last = facts.entries.at(-1);
  if (facts.status === 'failed' && last?.isCall) {
    return {
      severity: 'problem',
      ...mutable(codeText({ provider: facts.provider, ...last }, language)),
      action: explainEntry(last, facts.provider, language).action,
    };
  }
  return worded(findingOf(facts, language), facts, language);
}

/** What one entry of the log means, and what followed from it. */
export function explainEntry(entry: EntryFacts, provider: ProviderName, language: Language): AttemptExplanation {
  const texts = textsOf(language);
  if (entry.isCall || entry.outcome === 'gated') {
    const values = { ...texts.names[provider], code: entry.code, until: timeText(entry.retryAt) };
    return {
      meaning: codeText({ provider, ...entry }, language).meaning,
      action: fill(texts.actions[actionOf(entry)], values),
    };
  }
  const finding = endOf([entry], provider, language);
  const { meaning, action } = worded(finding, { provider }, language);
  return { meaning, action };
}

/** What a code among the failures of a notification means, where single deliveries are not looked at. */
export function explainFailure(
  { provider, code }: { provider: ProviderName; code: string },
  language: Language,
): { title: string; meaning: string; nextSteps: string[] } {
  const end = ownEnd(code);
  if (end === undefined) return mutable(codeText({ provider, code }, language));
  const { title, meaning, nextSteps } = worded(end, { provider }, language);
  return { title, meaning, nextSteps };
}

/** Whether and why notifications leave a device out. */
export function explainDevice(
  { provider, status, invalidReason, invalidAt }: Pick<Device, 'provider' | 'status' | 'invalidReason' | 'invalidAt'>,
  language: Language,
): Explanation {
  if (status === 'active') return worded({ name: 'device_active', severity: 'ok' }, { provider }, language);
  const outcome = status === 'invalid' ? 'token_invalid' : 'token_refused';
  const because = codeText({ provider, code: invalidReason ?? '', outcome }, language);
  const finding = {
    name: `device_${status}`,
    severity: 'problem',
    because,
    withSteps: true,
    until: invalidAt,
  } as const;
  return worded(finding, { provider }, language);
}

function findingOf(facts: DeliveryFacts, language: Language): Finding {
  if (facts.status === 'accepted') return acceptedAs(facts.receipts);
  if (facts.status === 'pending') return waitingFor(facts, language);
  return endOf(facts.entries, facts.provider, language);
}

function acceptedAs(receipts: readonly ReceiptType[]): Finding {
  const latest = (['opened', 'dismissed', 'displayed', 'delivered'] as const).find((type) => receipts.includes(type));
  return latest ? { name: latest, severity: 'ok' } : { name: 'accepted', severity: 'info' };
}

/** How a delivery ended that its last entry ended without a provider call, or whose answer was no acceptance. */
function endOf(entries: readonly EntryFacts[], provider: ProviderName, language: Language): Finding {
  const last = entries.at(-1);
  const call = entries.findLast((entry) => entry.isCall);
  const because = call && codeText({ provider, ...call }, language);
  switch (last?.statusAfter) {
    case 'failed':
      if (last.code === 'poison') return { name: 'poison', severity: 'problem' };
      return {
        name: 'refused_before',
        severity: 'problem',
        because: codeText({ provider, code: last.code }, language),
        withSteps: true,
      };
    case 'expired':
      if (!because) return { name: 'expired_unsent', severity: 'problem' };
      return {
        name: 'expired_after_attempts',
        severity: 'problem',
        because,
        withSteps: call.outcome === 'credential_invalid',
      };
    case 'cancelled':
      return because
        ? { name: 'cancelled_after_attempts', severity: 'info', because }
        : { name: 'cancelled', severity: 'info' };
    case 'suppressed':
      return ownEnd(last.code) ?? { name: 'device_inactive', severity: 'problem' };
    case 'unknown':
      return last.isCall && because
        ? { name: 'unclear', severity: 'problem', because }
        : { name: 'worker_lost', severity: 'problem' };
    default:
      // The batches are kept longer than the log.
      return { name: 'log_gone', severity: 'info' };
  }
}

/** Codes with which Carillon itself ends deliveries that it did not send. */
const OWN_ENDS: Readonly<Record<string, Finding>> = {
  ttl_expired: { name: 'expired_unsent', severity: 'problem' },
  cancelled: { name: 'cancelled', severity: 'info' },
  device_deleted: { name: 'device_deleted', severity: 'info' },
  device_inactive: { name: 'device_inactive', severity: 'problem' },
  user_changed: { name: 'user_changed', severity: 'info' },
  acknowledged_live: { name: 'acknowledged_live', severity: 'ok' },
  poison: { name: 'poison', severity: 'problem' },
  worker_lost: { name: 'worker_lost', severity: 'problem' },
};

function ownEnd(code: string): Finding | undefined {
  return Object.hasOwn(OWN_ENDS, code) ? OWN_ENDS[code] : undefined;
}

/** What keeps a pending delivery: the widest reason first, since it must end before the others matter. */
function waitingFor(facts: DeliveryFacts, language: Language): Finding {
  const { provider, entries, notification, nextAttemptAt, isInHand } = facts;
  const last = entries.at(-1);
  if (notification?.state === 'cancelled' && !isInHand) return { name: 'cancelled', severity: 'info' };
  if (notification?.state === 'paused') return { name: 'paused', severity: 'waiting' };
  if (facts.isUnplanned) {
    return { name: notification?.state === 'scheduled' ? 'scheduled' : 'planning', severity: 'waiting' };
  }
  const gate = facts.gates.find((one) => one.provider === provider && one.scope === '');
  if (gate) return behindGate(gate, language);
  if (last?.outcome === 'gated') {
    const reasons = new Set(facts.gates.filter((one) => one.provider === provider).map((one) => one.reason));
    const code = reasons.size === 1 ? [...reasons][0] : undefined;
    return { name: 'gated', severity: 'waiting', code: code ?? last.code, until: nextAttemptAt };
  }
  if (isInHand) return { name: 'sending', severity: 'waiting' };
  if (last?.isCall) {
    const because = codeText({ provider, ...last }, language);
    if (last.outcome === 'credential_invalid') return { name: 'resuming', severity: 'waiting', because };
    return { name: 'retry', severity: 'waiting', because, withSteps: true, until: nextAttemptAt };
  }
  if (notification?.isLiveFirst) return { name: 'live_wait', severity: 'waiting', until: nextAttemptAt };
  return { name: 'queued', severity: 'waiting' };
}

function behindGate(gate: ClosedGate, language: Language): Finding {
  const { provider, kind, reason: code, closedUntil: until } = gate;
  if (kind === 'throttled') return { name: 'quota', severity: 'waiting', code, until };
  if (kind === 'breaker')
    return { name: gate.state === 'closed' ? 'outage' : 'probing', severity: 'waiting', code, until };
  if (code === 'no_credential') return { name: 'no_credential', severity: 'problem' };
  const because = codeText({ provider, code, outcome: 'credential_invalid' }, language);
  return { name: 'credential', severity: 'problem', because, withSteps: true };
}

function worded(
  finding: Finding,
  facts: Pick<DeliveryFacts, 'provider' | 'notification'>,
  language: Language,
): Explanation {
  const texts = textsOf(language);
  const { because } = finding;
  const values = {
    ...texts.names[facts.provider],
    code: finding.code ?? '',
    until: timeText(finding.until),
    reason: because?.title ?? '',
    meaning: because?.meaning ?? '',
    sendAt: timeText(facts.notification?.sendAt),
    expiresAt: timeText(facts.notification?.expiresAt),
  };
  const situation = texts.situations[finding.name];
  const { title, meaning, nextSteps } = filled(situation, values);
  return {
    severity: finding.severity,
    title,
    meaning,
    action: fill(situation.action, values),
    nextSteps: finding.withSteps && because ? [...because.nextSteps, ...nextSteps] : [...nextSteps],
  };
}

function actionOf({ outcome, statusAfter }: EntryFacts): ActionName {
  switch (outcome) {
    case 'accepted':
    case 'token_invalid':
    case 'token_refused':
    case 'credential_invalid':
    case 'gated':
    case 'message_invalid':
      return outcome;
  }
  if (statusAfter === 'unknown') return 'ended_unknown';
  if (statusAfter === 'expired') return 'ended_expired';
  if (outcome === 'throttled') return 'retry_throttled';
  if (outcome === 'ambiguous') return 'retry_ambiguous';
  return outcome === 'unavailable' ? 'retry_unavailable' : 'retry_not_processed';
}

/** Seconds and UTC, whoever reads it and wherever. */
function timeText(at: Date | null | undefined): string {
  return at ? `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC` : '?';
}

function mutable({ title, meaning, nextSteps }: CodeText): { title: string; meaning: string; nextSteps: string[] } {
  return { title, meaning, nextSteps: [...nextSteps] };
}
