import type { CodeText, CodeTexts } from './texts.js';

const REGISTER_AGAIN = [
  'Nothing on the server: the app registers its new token with Carillon when it is opened the next time.',
  'If the person uses the app right now, check that it registers for remote notifications at every start and sends the token to POST /v1/devices.',
];
const CHECK_KEY = [
  'Use "Verify" on the APNs credential to see what Apple answers now.',
  'In the Apple developer account, under Keys, compare key id, team id and environment with the stored credential; if the key was revoked, create a new one and store it.',
  'Waiting deliveries go out by themselves once the credential works.',
];
const CHECK_CERTIFICATE = [
  'Check the expiry date and the environment of the stored certificate, and renew it in the Apple developer account if needed.',
  'Consider a token key (.p8) instead: it does not expire.',
];
const CHECK_BUNDLE = [
  'Compare the bundle id of the APNs credential with the bundle id of the app in Xcode.',
  'If overrides set a topic suffix or push type, check that they belong together.',
];
const FIX_OVERRIDES = [
  'Compare the request shown with this delivery with Apple’s rules for this header, correct options or overrides, and send the notification again.',
];
const WAIT_OUT = ['Nothing: Carillon tries again by itself. If it lasts, look at developer.apple.com/system-status.'];

function badHeader(header: string, rule: string): CodeText {
  return { title: `APNs refused the ${header}`, meaning: rule, nextSteps: FIX_OVERRIDES };
}

/** What Apple's reasons mean. */
export const APNS_EN = {
  Unregistered: {
    title: 'The device token is dead: APNs says that the app is no longer there',
    meaning: 'The app was uninstalled, or the device gave it a new token, at the time that APNs stated.',
    nextSteps: REGISTER_AGAIN,
  },
  ExpiredToken: {
    title: 'The device token has expired',
    meaning: 'APNs has replaced this token. The old one will not work again.',
    nextSteps: REGISTER_AGAIN,
  },
  BadDeviceToken: {
    title: 'APNs does not know the device token in this environment',
    meaning:
      'Either the token is malformed, or it belongs to the other environment: builds run from Xcode get sandbox tokens; TestFlight and App Store builds get production tokens.',
    nextSteps: [
      'Compare the environment of the device with the build that is installed, and register sandbox builds with "environment": "sandbox".',
      'The device becomes active again when the app registers with the right environment.',
    ],
  },
  DeviceTokenNotForTopic: {
    title: 'The device token belongs to another app',
    meaning: 'The token was issued for a bundle id other than the one of the stored credential.',
    nextSteps: [...CHECK_BUNDLE, 'The device becomes active again when the right app registers.'],
  },
  BadTopic: {
    title: 'APNs refused the topic',
    meaning: 'The topic (the bundle id, with the suffix of some push types) is not one that APNs knows.',
    nextSteps: CHECK_BUNDLE,
  },
  MissingTopic: {
    title: 'APNs misses the topic',
    meaning: 'The credential covers several topics, and the request named none.',
    nextSteps: CHECK_BUNDLE,
  },
  TopicDisallowed: {
    title: 'The APNs credential may not send to this topic',
    meaning: 'Key or certificate do not cover the bundle id, or not with this suffix.',
    nextSteps: CHECK_BUNDLE,
  },
  PayloadTooLarge: {
    title: 'The message is too large for APNs',
    meaning: 'APNs takes at most 4,096 bytes (5,120 for VoIP). This message has more.',
    nextSteps: [
      'Shorten the text or move data to your backend and send only an id. The request shown with this delivery tells its size.',
      'Send the notification again; Carillon does not repeat what would be refused again.',
    ],
  },
  PayloadEmpty: {
    title: 'APNs got a message without content',
    meaning: 'The payload was empty.',
    nextSteps: ['Give the notification a title, a body or data, check overrides, and send it again.'],
  },
  BadCollapseId: badHeader('collapse id', 'apns-collapse-id may have at most 64 bytes.'),
  BadExpirationDate: badHeader('expiration date', 'apns-expiration must be a time in whole seconds since 1970, or 0.'),
  BadMessageId: badHeader('message id', 'apns-id must be a UUID. Carillon derives it from notification and device.'),
  BadPriority: badHeader('priority', 'apns-priority must be 10, 5 or 1, and 5 for background pushes.'),
  InvalidPushType: badHeader('push type', 'apns-push-type is unknown, or does not fit topic and content.'),
  DuplicateHeaders: badHeader('headers', 'A header was there more than once.'),
  MissingDeviceToken: {
    title: 'APNs got no device token',
    meaning: 'The path of the request held no token.',
    nextSteps: ['Register the device again. If it repeats, report it as a fault of Carillon.'],
  },
  BadPath: {
    title: 'APNs does not know the path of the request',
    meaning: 'The address was not of the form /3/device/<token>.',
    nextSteps: ['Check APNS_BASE_URL and APNS_SANDBOX_BASE_URL, if they are set.'],
  },
  MethodNotAllowed: {
    title: 'APNs refused the method of the request',
    meaning: 'APNs takes only POST. Something between Carillon and Apple may have changed the request.',
    nextSteps: ['Check APNS_BASE_URL and APNS_SANDBOX_BASE_URL, if they are set, and any proxy.'],
  },
  ExpiredProviderToken: {
    title: 'APNs calls the provider token expired',
    meaning:
      'The signed token was older than an hour for Apple, and a fresh one did not help. Usually a clock is wrong.',
    nextSteps: ['Check the clocks of the machines that run Carillon and Postgres.', ...CHECK_KEY],
  },
  InvalidProviderToken: {
    title: 'APNs did not accept the credential',
    meaning: 'Key id, team id and key do not belong together, or the key was revoked.',
    nextSteps: CHECK_KEY,
  },
  MissingProviderToken: {
    title: 'APNs saw no credential in the request',
    meaning: 'Neither a provider token nor a certificate reached Apple.',
    nextSteps: CHECK_KEY,
  },
  BadCertificate: {
    title: 'APNs did not accept the certificate',
    meaning: 'The certificate has expired, was revoked, or is not one for push notifications.',
    nextSteps: CHECK_CERTIFICATE,
  },
  BadCertificateEnvironment: {
    title: 'The APNs certificate is for the other environment',
    meaning: 'A sandbox certificate was used for production, or the other way round.',
    nextSteps: CHECK_CERTIFICATE,
  },
  BadEnvironmentKeyIdInToken: {
    title: 'The APNs key is for the other environment',
    meaning: 'The key is restricted to sandbox or to production, and the push went to the other one.',
    nextSteps: CHECK_KEY,
  },
  BadEnvironmentKeyInToken: {
    title: 'The APNs key is for the other environment',
    meaning: 'The key is restricted to sandbox or to production, and the push went to the other one.',
    nextSteps: CHECK_KEY,
  },
  UnrelatedKeyIdInToken: {
    title: 'APNs does not relate the key to this connection',
    meaning: 'The connection was bound to another key, and a new connection did not help.',
    nextSteps: CHECK_KEY,
  },
  Forbidden: {
    title: 'APNs forbids this credential to send',
    meaning: 'The team may not send to this app: membership, agreement or key permissions are missing.',
    nextSteps: CHECK_KEY,
  },
  TooManyRequests: {
    title: 'APNs got too many messages for this device',
    meaning: 'APNs limits how fast one device may be sent to. Other devices are not affected.',
    nextSteps: ['Send fewer messages to this device, or give updates a common collapseKey.'],
  },
  TooManyProviderTokenUpdates: {
    title: 'APNs saw provider tokens change too often',
    meaning:
      'A provider token may be renewed once in 20 minutes. Carillon shares one, so another system may use the same key.',
    nextSteps: ['Check whether another system mints tokens with this key; give it a key of its own.'],
  },
  InternalServerError: {
    title: 'APNs had an internal error',
    meaning: 'The fault is on the side of Apple. Token and message are not the problem.',
    nextSteps: WAIT_OUT,
  },
  ServiceUnavailable: {
    title: 'APNs is temporarily unavailable',
    meaning: 'Apple could not take the message at this moment. Token and message are not the problem.',
    nextSteps: WAIT_OUT,
  },
  Shutdown: {
    title: 'The APNs server was shutting down',
    meaning: 'The server closed its connection before it took the message. A new connection goes to another one.',
    nextSteps: [],
  },
  IdleTimeout: {
    title: 'APNs closed an idle connection',
    meaning: 'The message arrived just when the connection ended, and was not taken.',
    nextSteps: [],
  },
} satisfies CodeTexts;
