import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';

export const LANGUAGES = { en: 'English', ko: '한국어' } as const;
export type Language = keyof typeof LANGUAGES;

const STORAGE_KEY = 'carillon.language';

const LanguageContext = createContext<{ language: Language; setLanguage(language: Language): void }>({
  language: 'en',
  setLanguage: () => undefined,
});

function isLanguage(value: string | null | undefined): value is Language {
  return value === 'en' || value === 'ko';
}

function firstLanguage(): Language {
  const chosen = localStorage.getItem(STORAGE_KEY);
  if (isLanguage(chosen)) return chosen;
  return navigator.languages.map((tag) => tag.slice(0, 2)).find(isLanguage) ?? 'en';
}

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(firstLanguage);
  // Also what the API's explanations are asked for in, so it has to be right before the first call.
  document.documentElement.lang = language;
  useEffect(() => localStorage.setItem(STORAGE_KEY, language), [language]);
  const value = useMemo(() => ({ language, setLanguage }), [language]);
  return <LanguageContext value={value}>{children}</LanguageContext>;
}

export function useLanguage() {
  return useContext(LanguageContext);
}

/** The words of one part of the console, in every language. */
export interface Texts<T extends Readonly<Record<string, string>>> {
  en: T;
  ko: { readonly [K in keyof T]: string };
}

/** Lets the compiler see that no language lacks a text. `{name}` stands for what is filled in. */
export function defineTexts<const T extends Readonly<Record<string, string>>>(texts: Texts<T>): Texts<T> {
  return texts;
}

/** @returns `t(key, { name: value })` in the language of the reader */
export function useTexts<T extends Readonly<Record<string, string>>>(texts: Texts<T>) {
  const { language } = useLanguage();
  return useCallback(
    (key: keyof T, values: Readonly<Record<string, string | number>> = {}): string =>
      texts[language][key].replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)),
    [texts, language],
  );
}
