import type { CodeTexts } from './texts.js';

const SUBSCRIBE_AGAIN = [
  'Nothing on the server: the page subscribes anew and registers with Carillon at the next visit, if the person still allows notifications.',
  'Check that your page calls pushManager.getSubscription() at each visit and registers what it finds.',
];
const OTHER_KEY = [
  'Check that your page subscribes with the application’s present public key (GET /v1/applications/:id/webpush/public-key).',
  'In the browser, unsubscribe the old subscription and subscribe again; then the device becomes active.',
];
const CHECK_VAPID = [
  'Use "Verify" on the Web Push credential: it finds a key pair that does not match.',
  'Check that "subject" is a mailto: or https: address that really exists (Apple refuses localhost), and the clocks of the machines.',
];
const WAIT_OUT = ['Nothing: Carillon tries again by itself.'];
const SHRINK = [
  'Shorten the text or move data to your backend and send only an id. The request shown with this delivery tells its size.',
  'Send the notification again; Carillon does not repeat what would be refused again.',
];
const REDIRECTED = {
  title: 'The push service redirected the request',
  meaning: 'Carillon never follows redirects of an endpoint, because they may lead into private networks.',
  nextSteps: ['If the endpoint has moved for good, have the page subscribe and register again.'],
};
const SIMULATION = ['Register a subscription and store a credential of the same kind: both simulated, or both real.'];

/** What push services answer, by status or by their own word, and what Carillon finds wrong with a subscription. */
export const WEBPUSH_EN = {
  '404': {
    title: 'The browser subscription is dead: the push service no longer knows it',
    meaning: 'The subscription has expired or was removed.',
    nextSteps: SUBSCRIBE_AGAIN,
  },
  '410': {
    title: 'The browser subscription is dead: it was ended',
    meaning: 'The person took back the permission, cleared the browser’s data, or the subscription expired.',
    nextSteps: SUBSCRIBE_AGAIN,
  },
  Unregistered: {
    title: 'The browser subscription is dead: it was ended',
    meaning: 'Apple’s push service no longer knows it: permission taken back, data cleared, or web app removed.',
    nextSteps: SUBSCRIBE_AGAIN,
  },
  ExpiredToken: {
    title: 'The browser subscription has expired',
    meaning: 'Apple’s push service has ended this subscription. It will not work again.',
    nextSteps: SUBSCRIBE_AGAIN,
  },
  '400': {
    title: 'The push service refused the request as malformed',
    meaning: 'A header or the encrypted body is not as the service wants it. Its text in the attempt may name which.',
    nextSteps: [
      'Check overrides (Urgency, Topic, TTL) in the request shown with this delivery, correct them, and send the notification again.',
    ],
  },
  '400 token_refused': {
    title: 'The subscription was made with another VAPID key',
    meaning: 'The push service takes messages for this subscription only from the key it was made with.',
    nextSteps: OTHER_KEY,
  },
  '401 token_refused': {
    title: 'The subscription was made with another VAPID key',
    meaning: 'The push service takes messages for this subscription only from the key it was made with.',
    nextSteps: OTHER_KEY,
  },
  '403 token_refused': {
    title: 'The subscription was made with another VAPID key',
    meaning: 'The push service takes messages for this subscription only from the key it was made with.',
    nextSteps: OTHER_KEY,
  },
  VapidPkHashMismatch: {
    title: 'The subscription was made with another VAPID key',
    meaning: 'Apple’s push service takes messages for this subscription only from the key it was made with.',
    nextSteps: OTHER_KEY,
  },
  UnauthorizedRegistration: {
    title: 'The subscription was made with another VAPID key',
    meaning: 'The push service takes messages for this subscription only from the key it was made with.',
    nextSteps: OTHER_KEY,
  },
  '401': {
    title: 'The push service did not accept the VAPID credential',
    meaning: 'The signed VAPID header was refused, even a fresh one.',
    nextSteps: CHECK_VAPID,
  },
  '403': {
    title: 'The push service did not accept the VAPID credential',
    meaning:
      'The signed VAPID header was refused: signature, audience, expiry or subject are not as the service wants them.',
    nextSteps: CHECK_VAPID,
  },
  BadJwtToken: {
    title: 'Apple did not accept the VAPID credential',
    meaning: 'Usually the subject is missing or points to localhost; else audience or expiry of the header are wrong.',
    nextSteps: CHECK_VAPID,
  },
  '413': {
    title: 'The message is too large for the push service',
    meaning:
      'A push service must take 4,096 bytes encrypted, 3,993 of content. This message has more than this service takes.',
    nextSteps: SHRINK,
  },
  PayloadTooLarge: {
    title: 'The message is too large for Apple’s push service',
    meaning: 'It takes at most 4,096 bytes encrypted. This message has more.',
    nextSteps: SHRINK,
  },
  '406': {
    title: 'The push service slows down messages to this browser',
    meaning: 'Windows notification service answers 406 when a subscription gets too many messages.',
    nextSteps: ['Send fewer messages to this browser, or give updates a common collapseKey.'],
  },
  '429': {
    title: 'The push service slows down messages to this browser',
    meaning: 'The subscription got too many messages in a short time. Other browsers are not affected.',
    nextSteps: ['Send fewer messages to this browser, or give updates a common collapseKey.'],
  },
  TooManyRequests: {
    title: 'Apple’s push service slows down messages to this browser',
    meaning: 'The subscription got too many messages in a short time. Other browsers are not affected.',
    nextSteps: ['Send fewer messages to this browser, or give updates a common collapseKey.'],
  },
  '500': {
    title: 'The push service had an internal error',
    meaning: 'The fault is on the side of the push service. Subscription and message are not the problem.',
    nextSteps: WAIT_OUT,
  },
  '503': {
    title: 'The push service is temporarily unavailable',
    meaning: 'It could not take the message at this moment. Subscription and message are not the problem.',
    nextSteps: WAIT_OUT,
  },
  '301': REDIRECTED,
  '302': REDIRECTED,
  '307': REDIRECTED,
  '308': REDIRECTED,
  vapid_key_unknown: {
    title: 'Carillon no longer has the VAPID key of this subscription',
    meaning: 'The subscription was made with a key pair that is not among those stored for the application.',
    nextSteps: OTHER_KEY,
  },
  endpoint_not_allowed: {
    title: 'The endpoint is not at an allowed push service',
    meaning: 'Carillon sends only to known push services and to those that the operator added.',
    nextSteps: [
      'If this push service is genuine, add its host to WEBPUSH_ALLOWED_HOSTS and have the page register again.',
    ],
  },
  endpoint_is_simulated: {
    title: 'The subscription belongs to the simulator, the credential does not',
    meaning: 'Real credentials are never shown to the simulators.',
    nextSteps: SIMULATION,
  },
  credential_is_simulated: {
    title: 'The credential belongs to the simulator, the subscription does not',
    meaning: 'Simulated credentials never go to real push services.',
    nextSteps: SIMULATION,
  },
  vapid_key_unusable: {
    title: 'The stored VAPID key cannot sign',
    meaning: 'Carillon could not make a VAPID header with the stored private key. Nothing was sent.',
    nextSteps: [
      'Store a new key pair ({ "subject", "generate": true }); browsers must subscribe again with its public key.',
    ],
  },
  subscription_keys_unusable: {
    title: 'The keys of the subscription are not valid',
    meaning: 'p256dh or auth are not keys that a message can be encrypted for. Nothing was sent.',
    nextSteps: ['Check that the page registers subscription.toJSON() unchanged.'],
  },
  encryption_failed: {
    title: 'The message could not be encrypted',
    meaning: 'The encryption for this browser failed inside Carillon. Nothing was sent.',
    nextSteps: [
      'If it repeats for this device only, have the page subscribe again; if for all, look at the workers’ logs.',
    ],
  },
} satisfies CodeTexts;
