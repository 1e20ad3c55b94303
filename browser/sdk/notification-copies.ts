/** Ids of which the service worker and the pages remember whether they were shown. */
const REMEMBERED = 500;

/** What pages and their service worker say to each other about a notification that may come to both. */
export type CopyMessage =
  /** The worker, before it shows a pushed copy. */
  | { type: 'is-shown'; notificationId: string }
  /** A page that has taken the live copy. */
  | { type: 'shown'; notificationId: string }
  /** The worker, once it shows the pushed copy. */
  | { type: 'pushed'; notificationId: string };

/** Whether a user may be looking: outside pages there is nothing to be hidden behind. */
export function isInFront(): boolean {
  const { document } = globalThis as { document?: { visibilityState: string } };
  return document === undefined || document.visibilityState === 'visible';
}

/** A set that forgets the oldest. */
export class Recent {
  private readonly known = new Set<string>();

  has(id: string): boolean {
    return this.known.has(id);
  }

  add(id: string): void {
    this.known.add(id);
    const [oldest] = this.known;
    if (this.known.size > REMEMBERED && oldest !== undefined) this.known.delete(oldest);
  }
}

/** The page's side of it; outside pages there is nobody to talk to. */
export class NotificationCopies {
  private readonly known = new Recent();
  private readonly shown = new Recent();
  private readonly pushed = new Recent();
  private channel = 'document' in globalThis ? new BroadcastChannel('carillon') : undefined;

  constructor() {
    if (!this.channel) return;
    this.channel.onmessage = ({ data }: { data: unknown }) => {
      const { type, notificationId } = data as CopyMessage;
      if (type === 'pushed') this.pushed.add(notificationId);
      else if (type === 'is-shown' && this.shown.has(notificationId)) this.sayShown(notificationId);
    };
  }

  /** A live copy is here. @returns whether it is the first one, and whether the system shows the pushed one already */
  arrived(notificationId: string): { isFirst: boolean; isPushed: boolean } {
    const isFirst = !this.known.has(notificationId);
    this.known.add(notificationId);
    return { isFirst, isPushed: this.pushed.has(notificationId) };
  }

  /** The page has taken the live copy: the worker need not show its own. */
  taken(notificationId: string): void {
    this.shown.add(notificationId);
    this.sayShown(notificationId);
  }

  close(): void {
    this.channel?.close();
    this.channel = undefined;
  }

  /** What a page behind another one shows, nobody sees. */
  private sayShown(notificationId: string): void {
    const message: CopyMessage = { type: 'shown', notificationId };
    if (isInFront()) this.channel?.postMessage(message);
  }
}
