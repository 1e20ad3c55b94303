import type { CodeTexts } from './texts.js';

const REGISTER_AGAIN = [
  'Nothing on the server: the app registers its new token with Carillon when it is opened the next time.',
  'If the person uses the app right now, check that it calls POST /v1/devices at every start and whenever Firebase hands it a new token.',
];
const CHECK_ACCOUNT = [
  'Use "Verify" on the FCM credential to see what Google answers now.',
  'In the Google Cloud console, check that the service account exists, is enabled, and has the role "Firebase Cloud Messaging API Admin".',
  'If the key was deleted or rotated, create a new one and store it in Carillon. Waiting deliveries then go out by themselves.',
];
const FIX_CONTENT = [
  'Compare the request shown with this delivery with the field that FCM names, correct content or overrides, and send the notification again.',
];
const FIX_APNS_KEY = [
  'In the Firebase console, under Project settings, Cloud Messaging, upload a valid APNs key for the iOS app (or renew the web push key pair).',
  'Send the notification again to the devices that failed.',
];
const WAIT_OUT = ['Nothing: Carillon tries again by itself. If it lasts, look at status.firebase.google.com.'];
const RAISE_QUOTA = [
  'Nothing is needed for this delivery: it goes out when the quota allows.',
  'If this happens often, spread campaigns over more time, or ask for a higher quota in the Google Cloud console.',
];
const ACCOUNT_REFUSED =
  'Google did not give Carillon an access token for the stored service account, so nothing could be sent.';

/** What FCM's answers mean, and those of the endpoint that hands out its access tokens. */
export const FCM_EN = {
  UNREGISTERED: {
    title: 'The device token is dead: FCM no longer knows this app installation',
    meaning:
      'The app was uninstalled, its data was cleared, it received a new token, or it was not opened for about 270 days.',
    nextSteps: REGISTER_AGAIN,
  },
  'INVALID_ARGUMENT token_invalid': {
    title: 'The device token is not a valid FCM token',
    meaning: 'FCM could not read the token: it was cut short, changed, or belongs to another kind of service.',
    nextSteps: [
      'Check that the app registers the FCM registration token unchanged, and not an APNs token or an installation id.',
      'The device works again as soon as the app registers a valid token.',
    ],
  },
  'INVALID_ARGUMENT too_big': {
    title: 'The message is too large for FCM',
    meaning: 'FCM takes at most 4,096 bytes of notification and data together. This message has more.',
    nextSteps: [
      'Shorten the text or move data to your backend and send only an id. The request shown with this delivery tells its size.',
      'Send the notification again; Carillon does not repeat what would be refused again.',
    ],
  },
  INVALID_ARGUMENT: {
    title: 'FCM refused the content of the message',
    meaning: 'A field of the message has a value that FCM does not take. The token is not the problem.',
    nextSteps: FIX_CONTENT,
  },
  UNAUTHENTICATED: {
    title: 'FCM did not accept the credential',
    meaning: 'FCM refused the access token, even a fresh one that Carillon fetched for a second try.',
    nextSteps: CHECK_ACCOUNT,
  },
  ACCESS_TOKEN_EXPIRED: {
    title: 'FCM did not accept the credential: it calls the access token expired',
    meaning: 'Even a fresh access token was refused as expired. Usually the key was revoked, or a clock is wrong.',
    nextSteps: ['Check the clocks of the machines that run Carillon.', ...CHECK_ACCOUNT],
  },
  ACCESS_TOKEN_TYPE_UNSUPPORTED: {
    title: 'FCM did not accept the credential: this kind of access token is not supported',
    meaning: 'The stored account yields tokens that the FCM API does not take.',
    nextSteps: CHECK_ACCOUNT,
  },
  CREDENTIALS_MISSING: {
    title: 'FCM saw no credential in the request',
    meaning: 'The request reached Google without its access token. A proxy in between may remove the header.',
    nextSteps: ['Check whether FCM_BASE_URL points at a proxy that drops the authorization header.', ...CHECK_ACCOUNT],
  },
  THIRD_PARTY_AUTH_ERROR: {
    title: 'The APNs or web push key stored in Firebase does not work',
    meaning:
      'FCM passes messages for iOS on to APNs, and for browsers to their push services. The key that the Firebase project holds for that is missing, expired or wrong. Android is not affected.',
    nextSteps: FIX_APNS_KEY,
  },
  APNS_AUTH_ERROR: {
    title: 'The APNs key stored in Firebase does not work',
    meaning:
      'FCM passes messages for iOS on to APNs. The APNs key or certificate in the Firebase project is missing, expired or wrong. Android is not affected.',
    nextSteps: FIX_APNS_KEY,
  },
  SENDER_ID_MISMATCH: {
    title: 'The device token belongs to another Firebase project',
    meaning: 'The app that registered this token was built with the configuration of a different Firebase project.',
    nextSteps: [
      'Compare the project id of the FCM credential with the google-services.json (or GoogleService-Info.plist) of the app build.',
      'After correcting either, the device becomes active again when the app registers.',
    ],
  },
  PERMISSION_DENIED: {
    title: 'The FCM credential has no permission to send',
    meaning: 'The service account exists, but may not send messages for this Firebase project.',
    nextSteps: CHECK_ACCOUNT,
  },
  IAM_PERMISSION_DENIED: {
    title: 'The FCM credential has no permission to send',
    meaning: 'The service account lacks the permission cloudmessaging.messages.create in this project.',
    nextSteps: CHECK_ACCOUNT,
  },
  SERVICE_DISABLED: {
    title: 'The Firebase Cloud Messaging API is switched off in this project',
    meaning: 'The Google Cloud project of the credential has not enabled the API fcm.googleapis.com.',
    nextSteps: [
      'In the Google Cloud console, under APIs & Services, enable "Firebase Cloud Messaging API" for this project.',
      'Then use "Verify" on the FCM credential. Waiting deliveries go out by themselves.',
    ],
  },
  NOT_FOUND: {
    title: 'FCM does not know the project of the credential',
    meaning: 'The project id was not found. This says nothing about the device.',
    nextSteps: [
      'Check the project_id in the stored service account, and that the project was not deleted.',
      ...CHECK_ACCOUNT,
    ],
  },
  '404': {
    title: 'The address of FCM was not found',
    meaning: 'The answer came without an FCM error: project id or host are wrong. This says nothing about the device.',
    nextSteps: [
      'Check FCM_BASE_URL, if it is set, and the project_id in the stored service account.',
      ...CHECK_ACCOUNT,
    ],
  },
  QUOTA_EXCEEDED: {
    title: 'The FCM quota is used up',
    meaning:
      'FCM limits messages per minute for the whole project (600,000 by default), and separately for each device.',
    nextSteps: RAISE_QUOTA,
  },
  RESOURCE_EXHAUSTED: {
    title: 'The FCM quota is used up',
    meaning: 'FCM limits the number of requests per minute, and this project has reached the limit.',
    nextSteps: RAISE_QUOTA,
  },
  DeviceMessageRateExceeded: {
    title: 'This device gets more messages than FCM allows',
    meaning: 'FCM limits messages to one device (240 a minute and 5,000 an hour on Android).',
    nextSteps: ['Send fewer messages to this device, or give updates a common collapseKey.'],
  },
  INTERNAL: {
    title: 'FCM had an internal error',
    meaning: 'The fault is on the side of FCM. Token and message are not the problem.',
    nextSteps: WAIT_OUT,
  },
  UNAVAILABLE: {
    title: 'FCM is overloaded or temporarily unavailable',
    meaning: 'FCM could not take the message at this moment. Token and message are not the problem.',
    nextSteps: WAIT_OUT,
  },
  UNSPECIFIED_ERROR: {
    title: 'FCM gave an error without naming the cause',
    meaning: 'FCM itself says that it has no further information.',
    nextSteps: [
      'Look at the text of the answer. If it repeats, send one message from the Firebase console to the same app to compare.',
    ],
  },
  invalid_grant: {
    title: 'Google refused the key of the service account',
    meaning: `${ACCOUNT_REFUSED} The key was deleted or belongs to a deleted account, or the clock is wrong.`,
    nextSteps: ['Check the clocks of the machines that run Carillon.', ...CHECK_ACCOUNT],
  },
  invalid_client: {
    title: 'Google does not know the service account',
    meaning: `${ACCOUNT_REFUSED} The account was deleted or disabled.`,
    nextSteps: CHECK_ACCOUNT,
  },
  unauthorized_client: {
    title: 'The service account may not ask for access tokens',
    meaning: ACCOUNT_REFUSED,
    nextSteps: CHECK_ACCOUNT,
  },
  invalid_scope: {
    title: 'The service account may not use the messaging scope',
    meaning: ACCOUNT_REFUSED,
    nextSteps: CHECK_ACCOUNT,
  },
  access_denied: {
    title: 'Google denied the service account an access token',
    meaning: ACCOUNT_REFUSED,
    nextSteps: CHECK_ACCOUNT,
  },
  token_endpoint: {
    title: 'Google’s token service gave no access token',
    meaning:
      'Carillon needs an access token from Google before it can send. The token service answered with the status at the end of the code. The message itself was not sent.',
    nextSteps: [
      'For 5xx and 429: nothing, Carillon tries again. For 4xx: check the token_uri in the stored service account.',
      'Use "Verify" on the FCM credential to see what Google answers now.',
    ],
  },
  token_endpoint_unreachable: {
    title: 'Google’s token service could not be reached',
    meaning:
      'Carillon needs an access token from Google before it can send, and got no connection. The message was not sent.',
    nextSteps: ['Check that the workers can reach oauth2.googleapis.com on port 443 (DNS, firewall, proxy).'],
  },
} satisfies CodeTexts;
