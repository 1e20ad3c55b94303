import { defineTexts } from '../i18n/language.js';

export const filterTexts = defineTexts({
  en: {
    any: 'Any',
    provider: 'Provider',
  },
  ko: {
    any: '전체',
    provider: '공급자',
  },
});
