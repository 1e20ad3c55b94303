import { defineTexts } from '../i18n/language.js';

export const filterTexts = defineTexts({
  en: {
    any: 'Any',
    provider: 'Provider',
    status: 'Status',
    yourZone: 'Times are in your time zone, {zone}.',
  },
  ko: {
    any: '전체',
    provider: '공급자',
    status: '상태',
    yourZone: '시간은 현재 사용 중인 시간대({zone}) 기준입니다.',
  },
});
