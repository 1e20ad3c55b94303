import { APNS_EN } from './apns.en.js';
import { FCM_EN } from './fcm.en.js';
import { OUTCOMES_EN, OWN_CODES_EN } from './own-codes.en.js';
import { ACTIONS_EN, SITUATIONS_EN } from './situations.en.js';
import type { Texts } from './texts.js';
import { WEBPUSH_EN } from './webpush.en.js';

export const EN: Texts = {
  situations: SITUATIONS_EN,
  actions: ACTIONS_EN,
  codes: { fcm: FCM_EN, apns: APNS_EN, webpush: WEBPUSH_EN },
  ownCodes: OWN_CODES_EN,
  outcomes: OUTCOMES_EN,
  names: {
    fcm: { provider: 'FCM', Provider: 'FCM' },
    apns: { provider: 'APNs', Provider: 'APNs' },
    webpush: { provider: 'the push service', Provider: 'The push service' },
  },
};
