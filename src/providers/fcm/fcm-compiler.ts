import { type App, initializeApp } from 'firebase-admin/app';
import { getMessaging, type TokenMessage } from 'firebase-admin/messaging';

/** What firebase-admin found wrong with a message, in its own words. */
export class FcmMessageError extends Error {
  override readonly name = 'FcmMessageError';
}

/**
 * firebase-admin copies plain objects before it checks and translates them, but takes an instance of a class as it is.
 * So `send()` translates this one in place, synchronously, before it asks for an access token.
 */
class InPlaceMessage {
  constructor(message: TokenMessage) {
    Object.assign(this, structuredClone(message));
  }
}

let app: App | undefined;

/** An app that can send nothing: whoever asks it for an access token is refused. */
function compileOnlyApp(): App {
  app ??= initializeApp(
    {
      projectId: 'compile-only',
      credential: { getAccessToken: () => Promise.reject(new Error('this app only compiles')) },
    },
    'carillon-compiler',
  );
  return app;
}

/**
 * Checks and translates a message with firebase-admin's own public `send()`, which ends at the refused access token
 * without a single byte on the network.
 *
 * `test/contract/fcm-compiler.spec.ts` fails when a new version copies instances or asks for the token earlier.
 *
 * @param message firebase-admin's form, with whatever stands for the token
 * @returns the `message` of the REST request
 * @throws FcmMessageError
 */
export function compileWithFirebase(message: TokenMessage): Record<string, unknown> {
  const inPlace = new InPlaceMessage(message) as TokenMessage;
  let sending: Promise<unknown>;
  try {
    sending = getMessaging(compileOnlyApp()).send(inPlace);
  } catch (error) {
    throw new FcmMessageError(error instanceof Error ? error.message : String(error));
  }
  sending.catch(() => undefined);
  // Drops what is undefined, turns nested values into plain ones.
  return JSON.parse(JSON.stringify(inPlace)) as Record<string, unknown>;
}
