import { APNS_KO } from './apns.ko.js';
import { FCM_KO } from './fcm.ko.js';
import { OUTCOMES_KO, OWN_CODES_KO } from './own-codes.ko.js';
import { ACTIONS_KO, SITUATIONS_KO } from './situations.ko.js';
import type { PlaceholderValues, Texts } from './texts.js';
import { WEBPUSH_KO } from './webpush.ko.js';

/** With the particles that follow a name: they depend on how it ends when it is spoken. */
function named(name: string, endsInConsonant: boolean): PlaceholderValues {
  const [subject, object, towards] = endsInConsonant ? ['이', '을', '으로'] : ['가', '를', '로'];
  return {
    provider: name,
    provider이: `${name}${subject}`,
    provider을: `${name}${object}`,
    provider로: `${name}${towards}`,
  };
}

export const KO: Texts = {
  situations: SITUATIONS_KO,
  actions: ACTIONS_KO,
  codes: { fcm: FCM_KO, apns: APNS_KO, webpush: WEBPUSH_KO },
  ownCodes: OWN_CODES_KO,
  outcomes: OUTCOMES_KO,
  names: { fcm: named('FCM', true), apns: named('APNs', false), webpush: named('푸시 서비스', false) },
};
