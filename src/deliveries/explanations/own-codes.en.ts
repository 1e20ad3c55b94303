import type { CodeTexts } from './texts.js';

const REACHABLE = [
  'Check that the workers can reach {provider} on its port (DNS, firewall, outgoing proxy).',
  'Carillon tries again by itself.',
];
const RARE = ['Nothing: Carillon tries again by itself. If it happens often, look at the workers’ logs.'];
const OVERLOADED = [
  'Nothing: Carillon tries again by itself. If it happens often, the machine or its network is too slow for this load.',
];
const NO_ANSWER = [
  'Nothing: this happens now and then. If it happens often, check the network between the workers and {provider}.',
];
const ADDRESS = ['Check the addresses that are configured for {provider}.'];
const REDIRECTED = {
  title: '{Provider} redirected the request',
  meaning:
    'Carillon does not follow redirects. Something between Carillon and {provider}, such as a proxy, may have answered.',
  nextSteps: ADDRESS,
};

/** Codes of Carillon’s own: why a request did not reach a provider, or came back without an answer. */
export const OWN_CODES_EN = {
  '301': REDIRECTED,
  '302': REDIRECTED,
  '307': REDIRECTED,
  '308': REDIRECTED,
  '500': {
    title: '{Provider} had an internal error',
    meaning: 'The fault is on the other side. Device and message are not the problem.',
    nextSteps: RARE,
  },
  '502': {
    title: 'A gateway in front of {provider} failed',
    meaning: 'A gateway answered instead of {provider}, so it is not known whether the message was taken.',
    nextSteps: NO_ANSWER,
  },
  '503': {
    title: '{Provider} is temporarily unavailable',
    meaning: '{Provider} could not take the message at this moment. Device and message are not the problem.',
    nextSteps: RARE,
  },
  '504': {
    title: 'A gateway in front of {provider} got no answer in time',
    meaning: 'A gateway answered instead of {provider}, so it is not known whether the message was taken.',
    nextSteps: NO_ANSWER,
  },
  timeout: {
    title: '{Provider} did not answer in time',
    meaning: 'The request went out, and no answer came. It is not known whether the message was taken.',
    nextSteps: NO_ANSWER,
  },
  reset: {
    title: 'The connection broke before {provider} answered',
    meaning: 'The request went out, then the connection was reset. It is not known whether the message was taken.',
    nextSteps: NO_ANSWER,
  },
  closed: {
    title: 'The connection was closed before {provider} answered',
    meaning: 'The request went out, then the connection was closed. It is not known whether the message was taken.',
    nextSteps: NO_ANSWER,
  },
  timeout_before_send: {
    title: 'The message did not get its turn in time',
    meaning:
      'The time for one request was over before it could be sent, for example while waiting for an access token.',
    nextSteps: OVERLOADED,
  },
  queue_full: {
    title: 'Too many messages were waiting for a connection to {provider}',
    meaning: 'All connections were busy and the queue for them was full. The message was not sent.',
    nextSteps: OVERLOADED,
  },
  queue_timeout: {
    title: 'No connection to {provider} became free in time',
    meaning: 'All connections were busy for as long as one request may take. The message was not sent.',
    nextSteps: OVERLOADED,
  },
  connection_limit: {
    title: 'Too many connections to other push services were open',
    meaning: 'Carillon limits how many push services it is connected to at the same time. The message was not sent.',
    nextSteps: OVERLOADED,
  },
  dns: {
    title: 'The host name of {provider} could not be resolved',
    meaning: 'DNS gave no address. The message was not sent.',
    nextSteps: REACHABLE,
  },
  connect: {
    title: '{Provider} could not be reached',
    meaning: 'No connection could be made. The message was not sent.',
    nextSteps: REACHABLE,
  },
  connect_timeout: {
    title: '{Provider} could not be reached in time',
    meaning: 'Making a connection took too long. The message was not sent.',
    nextSteps: REACHABLE,
  },
  tls: {
    title: 'No secure connection to {provider} could be made',
    meaning: 'The TLS handshake failed: the certificate is not trusted or does not fit. The message was not sent.',
    nextSteps: ['Check PROVIDER_CA_FILE if hosts are overridden, and whether a proxy opens TLS connections.'],
  },
  no_h2: {
    title: '{Provider} does not speak HTTP/2 here',
    meaning: 'The other side did not agree to HTTP/2, which this provider needs. Usually a proxy is in between.',
    nextSteps: ['Let the workers reach the provider without a proxy that breaks HTTP/2.'],
  },
  address_refused: {
    title: 'The host of the endpoint leads to a private address',
    meaning: 'Carillon connects to public addresses only, so that an endpoint cannot reach into your network.',
    nextSteps: ['If the host is yours and meant to be reached, set WEBPUSH_ALLOW_INSECURE=true on test systems only.'],
  },
  insecure: {
    title: 'The address is not https',
    meaning: 'Carillon sends only over https. The message was not sent.',
    nextSteps: ADDRESS,
  },
  invalid_origin: {
    title: 'The address of {provider} is not valid',
    meaning: 'The configured address or the endpoint cannot be used. The message was not sent.',
    nextSteps: ADDRESS,
  },
  invalid_request: {
    title: 'The request could not be built for the wire',
    meaning: 'A header or the path holds characters that HTTP does not allow. The message was not sent.',
    nextSteps: ['Check overrides and collapseKey for unusual characters.'],
  },
  refused_stream: {
    title: '{Provider} did not take up the request',
    meaning: 'The other side refused the stream before processing it. The message was certainly not sent.',
    nextSteps: RARE,
  },
  goaway: {
    title: '{Provider} closed the connection before taking the request',
    meaning: 'Servers close connections now and then. The message was certainly not sent.',
    nextSteps: RARE,
  },
  unsent: {
    title: 'The connection to {provider} broke before the request was written',
    meaning: 'No byte of it went out. The message was certainly not sent.',
    nextSteps: RARE,
  },
  shutdown: {
    title: 'The worker was stopping',
    meaning: 'The worker shut down before the request went out. Another one takes over.',
    nextSteps: [],
  },
  provider_token_timeout: {
    title: 'No access token was ready in time',
    meaning: 'Fetching a token for {provider} took too long. The message was not sent.',
    nextSteps: [
      'Use "Verify" on the credential; check the connection of the workers to Postgres and to the token service.',
    ],
  },
  provider_token_unavailable: {
    title: 'No access token could be made',
    meaning: 'Carillon could not make or load a token for {provider}. The message was not sent.',
    nextSteps: ['Look at the workers’ logs; check the connection to Postgres, and use "Verify" on the credential.'],
  },
  simulator_not_configured: {
    title: 'The credential is for the simulator, and none is running',
    meaning: 'A simulated credential talks only to the simulator, whose address is not configured here.',
    nextSteps: ['Store a real credential, or run the simulator that comes with Carillon.'],
  },
  no_credential: {
    title: 'The application has no credential for this provider',
    meaning: 'Without a credential nothing can be sent there.',
    nextSteps: ['Store a credential for this provider. Waiting deliveries then go out by themselves.'],
  },
} satisfies CodeTexts;

const UNKNOWN_CODE = ['Look the code up in the documentation of {provider}; the attempt also holds its text.'];

/** What outcomes mean whose code nobody wrote a text for. */
export const OUTCOMES_EN = {
  accepted: {
    title: '{Provider} accepted the message',
    meaning: '{Provider} took the message over. Whether and when the device shows it, only the device can tell.',
    nextSteps: [],
  },
  not_processed: {
    title: 'The request did not reach {provider} ({code})',
    meaning: 'The message was certainly not sent.',
    nextSteps: RARE,
  },
  unavailable: {
    title: '{Provider} could not take the message ({code})',
    meaning: '{Provider} answered with an error of its own. Device and message are not the problem.',
    nextSteps: RARE,
  },
  ambiguous: {
    title: '{Provider} gave no clear answer ({code})',
    meaning: 'It is not known whether the message was taken.',
    nextSteps: NO_ANSWER,
  },
  throttled: {
    title: '{Provider} limits the sending rate ({code})',
    meaning: 'Too many messages went out in a short time, for the whole application or for this device.',
    nextSteps: ['Nothing is needed for this delivery. If it happens often, spread messages over more time.'],
  },
  token_invalid: {
    title: 'The device token is dead ({code})',
    meaning: '{Provider} no longer knows this device.',
    nextSteps: ['Nothing on the server: the app registers again when it is opened the next time.'],
  },
  token_refused: {
    title: 'The device token does not belong to this credential ({code})',
    meaning: 'The token may be alive elsewhere: in another project, environment, app or key.',
    nextSteps: ['Compare the credential with the build of the app that registered this device.'],
  },
  message_invalid: {
    title: '{Provider} refused the message ({code})',
    meaning: '{Provider} did not take the content or a header of the request. The device is not the problem.',
    nextSteps: UNKNOWN_CODE,
  },
  credential_invalid: {
    title: '{Provider} did not accept the credential ({code})',
    meaning: 'The credential of the application was refused. The device is not the problem.',
    nextSteps: ['Use "Verify" on the credential, correct or replace it. Waiting deliveries then go out by themselves.'],
  },
  gated: {
    title: 'The push service was not called: it is closed for now',
    meaning: 'Sending to this push service is suspended after its recent answers.',
    nextSteps: [],
  },
} satisfies CodeTexts;
