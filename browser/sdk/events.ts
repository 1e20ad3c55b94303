import type { Message, TransportName } from './line.js';

export interface MessageContext {
  transport: TransportName;
  /** It came while the client was catching up. */
  isReplay: boolean;
}

/** What throws, or rejects, is reported as `error`; the other handlers get the message nevertheless. */
export type MessageHandler = (message: Message, context: MessageContext) => unknown;

export interface Status {
  /** `idle`: not connected, by choice; `waiting`: before the next try; `closed`: over for good. */
  state: 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';
  /** Of the open connection. */
  transport?: TransportName;
  retryInMs?: number;
}

export interface CarillonEvents {
  status: Status;
  /** What lies after `from`, up to `to`, is lost: load the state anew. `from` null: it is not known since when. */
  gap: { channel: string; from: string | null; to: string };
  /** Once for each, whichever way it came first. `isPushed`: the system already shows the copy that was pushed. */
  notification: { notificationId: string; message: Message; isPushed: boolean };
  expiring: { secondsLeft: number };
  /** The service ended the connection, or this client gives up; `status` says which. */
  closed: { reason: string };
  error: CarillonError;
}

/** `code` is the service's own, or `publish_unavailable`, `token_unavailable`, `handler_failed`. */
export class CarillonError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

type Listener = (value: never) => void;

/** Tells whoever listens. */
export class Emitter {
  private readonly listeners = new Map<keyof CarillonEvents, Set<Listener>>();

  on<Name extends keyof CarillonEvents>(name: Name, listener: (value: CarillonEvents[Name]) => void): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners.add(listener as Listener));
    return () => void listeners.delete(listener as Listener);
  }

  emit<Name extends keyof CarillonEvents>(name: Name, value: CarillonEvents[Name]): void {
    const listeners = this.listeners.get(name);
    // What is lost or broken is never passed over in silence.
    if ((name === 'gap' || name === 'error') && !listeners?.size) console.warn(`carillon: ${name}`, value);
    for (const listener of listeners ?? []) {
      try {
        listener(value as never);
      } catch (error) {
        console.error(`carillon: a listener of "${name}" failed`, error);
      }
    }
  }
}
