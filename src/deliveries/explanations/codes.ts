/** Looks texts up. Pure, and cheap enough for every line of a list. */
import type { ProviderName } from '../../lib/names.js';
import { EN } from './en.js';
import { KO } from './ko.js';
import { type CodeText, type CodeTexts, fill, type Language, type PlaceholderValues, type Texts } from './texts.js';

const TEXTS: Readonly<Record<Language, Texts>> = { en: EN, ko: KO };

export function textsOf(language: Language): Texts {
  return TEXTS[language];
}

/** What a code stands for. */
export interface CodeFacts {
  provider: ProviderName;
  /** A provider's own word, or one of ours; anybody's text. */
  code: string;
  /** Empty or undefined: not known. */
  outcome?: string | undefined;
  /** What the provider said beside its code. */
  detail?: string | null | undefined;
}

/** The text about a code, filled in; one about its outcome when nobody wrote one for the code. */
export function codeText(facts: CodeFacts, language: Language): CodeText {
  const texts = TEXTS[language];
  const text = findText(facts, texts);
  return filled(text, { ...texts.names[facts.provider], code: facts.code });
}

/** Whether there is a text about this very code. */
export function isKnownCode(facts: CodeFacts, language: Language): boolean {
  const texts = TEXTS[language];
  return findText(facts, texts) !== fallback(facts, texts);
}

function findText(facts: CodeFacts, texts: Texts): CodeText {
  const { provider, code, outcome } = facts;
  const own = texts.codes[provider];
  if (outcome === 'accepted') return fallback(facts, texts);
  return (
    (isTooBigForFcm(facts) ? pick(own, 'INVALID_ARGUMENT too_big') : undefined) ??
    pick(own, `${code} ${outcome ?? ''}`) ??
    pick(own, code) ??
    (code.startsWith('token_endpoint_') ? pick(own, 'token_endpoint') : undefined) ??
    pick(texts.ownCodes, code) ??
    fallback(facts, texts)
  );
}

function fallback({ outcome }: CodeFacts, texts: Texts): CodeText {
  const found = pick(texts.outcomes, outcome ?? '') ?? pick(texts.outcomes, 'message_invalid');
  if (found === undefined) throw new Error('there is no text for a refused message');
  return found;
}

/** FCM has no code for it: only its sentence tells. */
function isTooBigForFcm({ provider, code, outcome, detail }: CodeFacts): boolean {
  if (provider !== 'fcm' || code !== 'INVALID_ARGUMENT' || outcome === 'token_invalid') return false;
  return /too (big|large)/i.test(detail ?? '');
}

// A code is anybody's text: `constructor` must not find anything.
function pick(texts: CodeTexts, key: string): CodeText | undefined {
  return Object.hasOwn(texts, key) ? texts[key] : undefined;
}

export function filled(text: CodeText, values: PlaceholderValues): CodeText {
  return {
    title: fill(text.title, values),
    meaning: fill(text.meaning, values),
    nextSteps: text.nextSteps.map((step) => fill(step, values)),
  };
}
