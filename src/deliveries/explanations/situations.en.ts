import type { ActionName, SituationName, SituationText } from './texts.js';

const CONFIRM = [
  'To know more, have the app report receipts (POST /v1/receipts) when it gets and shows a notification.',
  'On the device, check that notifications are allowed for the app, and no focus mode or battery saver holds them back.',
];
const SEND_AGAIN = ['If it still matters, send the notification again to this device.'];
const NOTHING: readonly string[] = [];
const RECEIVED = 'Nothing more is to be done: the delivery is complete.';

/** Ends and ways of waiting. */
export const SITUATIONS_EN: Readonly<Record<SituationName, SituationText>> = {
  accepted: {
    title: '{Provider} accepted the message, but no receipt has come from the device',
    meaning:
      '{Provider} took the message over. Whether the device got and showed it is not known: it may be off or offline, may not allow notifications, or the app does not report receipts.',
    action: 'Carillon has handed the message over and makes no further attempt.',
    nextSteps: CONFIRM,
  },
  delivered: {
    title: 'Delivered: the device got the message',
    meaning: 'The app reported that the message arrived. It has not reported that it was shown.',
    action: RECEIVED,
    nextSteps: ['If nothing was seen, check that notifications are allowed for the app on this device.'],
  },
  displayed: {
    title: 'Displayed: the device showed the notification',
    meaning: 'The app reported that the notification was shown.',
    action: RECEIVED,
    nextSteps: NOTHING,
  },
  opened: {
    title: 'Opened: the person opened the notification',
    meaning: 'The app reported that the notification was opened.',
    action: RECEIVED,
    nextSteps: NOTHING,
  },
  dismissed: {
    title: 'Dismissed: the notification was shown and put aside',
    meaning: 'The app reported that the person dismissed the notification.',
    action: RECEIVED,
    nextSteps: NOTHING,
  },
  refused_before: {
    title: 'Not sent, because {provider} had refused the same content for other devices: {reason}',
    meaning: '{meaning}',
    action:
      'After 100 equal refusals without one acceptance, Carillon ended the rest of the notification for {provider} unsent: repeating it would only use up quota.',
    nextSteps: NOTHING,
  },
  expired_unsent: {
    title: 'Expired: the time to live ran out before the message could be sent',
    meaning:
      'No attempt was made in time: the delivery waited in the queue, behind a closed gate, or while the notification was paused.',
    action:
      'Carillon ended the delivery as expired, because what comes later than its time to live is not wanted any more.',
    nextSteps: [
      'Look at the notification’s timeline: was it paused, or was a gate closed?',
      'If this happens often, give such notifications a longer ttlSeconds, or a faster lane.',
      ...SEND_AGAIN,
    ],
  },
  expired_after_attempts: {
    title: 'Expired: the time to live ran out between attempts. The latest one: {reason}',
    meaning: '{meaning}',
    action: 'Carillon ended the delivery as expired, because the next attempt would have come after the time to live.',
    nextSteps: ['If this happens often, give such notifications a longer ttlSeconds.', ...SEND_AGAIN],
  },
  cancelled: {
    title: 'Cancelled before it was sent',
    meaning: 'Somebody, or your backend, cancelled the notification before this delivery had its turn.',
    action: 'Carillon sent nothing to this device.',
    nextSteps: [
      'The audit log and the notification’s timeline tell when it was cancelled, and by whom.',
      ...SEND_AGAIN,
    ],
  },
  cancelled_after_attempts: {
    title: 'Cancelled while it waited for another attempt',
    meaning:
      'The earlier attempts had not got through, and then the notification was cancelled. The latest one: {reason}.',
    action: 'Carillon made no further attempt.',
    nextSteps: [
      'The audit log and the notification’s timeline tell when it was cancelled, and by whom.',
      ...SEND_AGAIN,
    ],
  },
  device_deleted: {
    title: 'Not sent: the device was deleted before its turn came',
    meaning: 'The device was removed after the notification’s audience had been fixed.',
    action: 'Carillon left the device out, since there is no address any more.',
    nextSteps: NOTHING,
  },
  device_inactive: {
    title: 'Not sent: the device’s token was already known to be dead or refused',
    meaning: 'Between planning and sending, an answer to another notification showed that this token does not work.',
    action: 'Carillon left the device out, since the message could not have arrived.',
    nextSteps: [
      'Look at the device: its status and invalidReason say what the provider answered.',
      'It becomes active again when the app registers.',
    ],
  },
  user_changed: {
    title: 'Not sent: the device belongs to another user by now',
    meaning:
      'The notification was meant for a user, and the device was given to somebody else, or signed out, before its turn.',
    action: 'Carillon left the device out, so that nobody reads a message that is not theirs.',
    nextSteps: NOTHING,
  },
  acknowledged_live: {
    title: 'Not pushed: the person had already seen it on an open screen',
    meaning: 'The notification went to open screens first, and one of them acknowledged it in time.',
    action: 'Carillon left the push out, so that nobody is told twice.',
    nextSteps: NOTHING,
  },
  poison: {
    title: 'Failed: workers died again and again while sending this delivery',
    meaning:
      'Worker processes ended several times just when they had this delivery in hand. Something about it may be the cause.',
    action: 'Carillon set the delivery aside, so that it cannot stop the others.',
    nextSteps: ['Look at the workers’ logs at the time of the attempts, and at their memory limit.', ...SEND_AGAIN],
  },
  worker_lost: {
    title: 'Unknown: the worker was lost while sending',
    meaning: 'The worker process ended between the request and the answer. The message may have gone out or not.',
    action: 'The notification asked for at most one send (at_most_once), so Carillon did not repeat it.',
    nextSteps: [
      'If a double is acceptable, send it again; or use the default semantics (at_least_once) for such notifications.',
    ],
  },
  unclear: {
    title: 'Unknown: {reason}',
    meaning: '{meaning}',
    action: 'The notification asked for at most one send (at_most_once), so Carillon did not repeat it.',
    nextSteps: [
      'If a double is acceptable, send it again; or use the default semantics (at_least_once) for such notifications.',
    ],
  },
  queued: {
    title: 'Still in the queue: no attempt has been made yet',
    meaning: 'The delivery is planned and waits for its turn behind others of its lane.',
    action: 'Carillon sends it as soon as a worker is free.',
    nextSteps: [
      'If it stays here for more than some seconds, check with GET /v1/system that workers are running and how deep the lane is.',
      'Urgent notifications can use the lane "critical".',
    ],
  },
  sending: {
    title: 'Being sent right now',
    meaning: 'A worker has this delivery in hand.',
    action: 'Carillon is sending it, or waits for the answer of {provider}.',
    nextSteps: NOTHING,
  },
  live_wait: {
    title: 'Waiting to see whether an open screen acknowledges it first',
    meaning: 'The notification goes to open screens first; the push follows only if none of them acknowledges it.',
    action: 'Carillon sends the push at {until} if there is no acknowledgement until then.',
    nextSteps: NOTHING,
  },
  paused: {
    title: 'Held: the notification is paused',
    meaning: 'Somebody, or your backend, paused the notification. Its time to live runs on until {expiresAt}.',
    action: 'Carillon sends nothing of it until it is resumed.',
    nextSteps: ['Resume the notification, or cancel it if it is not wanted any more.'],
  },
  scheduled: {
    title: 'Scheduled: it goes out at {sendAt}',
    meaning: 'The notification was accepted for a later time. Who gets it is decided then.',
    action: 'Carillon waits for that time.',
    nextSteps: ['To send earlier, cancel the notification and send it again without sendAt.'],
  },
  planning: {
    title: 'Still being planned: this device has not had its turn in the audience',
    meaning: 'Carillon is walking the audience of a large notification and has not reached this device yet.',
    action: 'Carillon plans and sends in parts; this device follows.',
    nextSteps: ['If this takes more than some minutes, check with GET /v1/system that workers are running.'],
  },
  retry: {
    title: 'Waiting for another attempt: {reason}',
    meaning: '{meaning}',
    action: 'Carillon tries again at {until}, and goes on trying until the time to live ends at {expiresAt}.',
    nextSteps: NOTHING,
  },
  resuming: {
    title: 'Waiting for another attempt: the credential of {provider} was refused, and works again or was replaced',
    meaning: '{meaning}',
    action: 'Carillon sends the delivery again within seconds.',
    nextSteps: NOTHING,
  },
  quota: {
    title: 'Held until {until}: {provider} limits the sending rate ({code})',
    meaning:
      '{Provider} answered 429: the quota of the whole application is used up. The gate is closed for everything that goes there, whether it was attempted or not.',
    action:
      'Carillon waits for as long as {provider} asked for, and then goes on by itself. The time to live ends at {expiresAt}.',
    nextSteps: [
      'Nothing is needed for this delivery.',
      'If this happens often, spread campaigns over more time, or ask the provider for a higher quota.',
    ],
  },
  outage: {
    title: 'Held: {provider} is failing, and Carillon waits for it to recover ({code})',
    meaning: 'More than half of the recent requests failed, so the gate was closed for everything that goes there.',
    action:
      'Carillon lets a few probes through at {until}, and goes on when they succeed. The time to live ends at {expiresAt}.',
    nextSteps: ['Look at the provider’s status page. Nothing needs to be done in Carillon.'],
  },
  probing: {
    title: 'Held for a moment: Carillon is testing whether {provider} works again ({code})',
    meaning: 'The gate is half open: a few deliveries are sent as probes, the others wait for their result.',
    action: 'Carillon goes on within seconds if the probes succeed, and waits longer if not.',
    nextSteps: NOTHING,
  },
  credential: {
    title: 'Held: the credential for {provider} does not work: {reason}',
    meaning: '{meaning}',
    action:
      'Carillon closed the gate to {provider} for this application, keeps the delivery until {expiresAt}, and tries one push about every five minutes.',
    nextSteps: NOTHING,
  },
  no_credential: {
    title: 'Held: the application has no credential for {provider}',
    meaning: 'The device is registered for {provider}, and no credential for it is stored.',
    action: 'Carillon keeps the delivery until {expiresAt}, and sends it as soon as a credential is stored.',
    nextSteps: ['Store a credential for this provider under the application’s credentials.'],
  },
  gated: {
    title: 'Held: the push service of this browser is closed for now ({code})',
    meaning:
      'Recent requests to this push service failed, so the gate to it was closed. Other push services are not affected.',
    action: 'Carillon tries again at {until}. The time to live ends at {expiresAt}.',
    nextSteps: ['Nothing is needed for this delivery.'],
  },
  log_gone: {
    title: 'Ended, and its log is no longer kept',
    meaning: 'Only the result of this delivery is known: the entries of the log are deleted when they reach their age.',
    action: 'Carillon deleted the details after the configured retention time.',
    nextSteps: NOTHING,
  },
  device_active: {
    title: 'Active: notifications are sent to this device',
    meaning: 'As far as {provider} has told, the token of this device works.',
    action: 'Carillon includes the device whenever an audience means it.',
    nextSteps: NOTHING,
  },
  device_invalid: {
    title: 'Left out since {until}: {reason}',
    meaning: '{meaning}',
    action: 'Carillon plans no notification for this device until the app registers again.',
    nextSteps: NOTHING,
  },
  device_refused: {
    title: 'Set aside since {until}: {reason}',
    meaning: '{meaning}',
    action:
      'Carillon plans no notification for this device until it registers again, or the refusals turn out to be the credential’s fault.',
    nextSteps: NOTHING,
  },
};

/** What followed from one provider call. */
export const ACTIONS_EN: Readonly<Record<ActionName, string>> = {
  accepted: 'Carillon has handed the message over and makes no further attempt.',
  retry_not_processed: 'The message certainly did not go out, so Carillon tries again at {until}.',
  retry_unavailable: 'Carillon tries again at {until}: not sooner than {provider} asks for, with growing pauses.',
  retry_ambiguous:
    'Carillon tries again at {until}. Should the first message have arrived after all, the repeat replaces it on the device by its collapse key.',
  retry_throttled:
    'Carillon waits until {until}, as {provider} asked or documents. Waiting for a quota does not count as a failure.',
  ended_expired: 'The next attempt would have come after the time to live, so Carillon ended the delivery as expired.',
  ended_unknown:
    'The notification asked for at most one send (at_most_once), so Carillon did not repeat it and left the result open.',
  token_invalid:
    'Carillon ended the delivery without a repeat and took the device out of later audiences, unless it had registered again in the meantime.',
  token_refused:
    'Carillon ended the delivery without a repeat and set the device aside until it registers again. If many tokens are refused at once, Carillon suspects the credential instead and keeps the devices.',
  message_invalid:
    'Carillon ended the delivery without a repeat, since the same content would be refused again. The device stays active.',
  credential_invalid:
    'Carillon marked the credential as broken, closed the gate to {provider} for this application, and keeps the delivery waiting instead of failing it.',
  gated: 'Carillon did not call the push service and put the delivery off until {until}.',
};
