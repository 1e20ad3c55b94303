import { formatId, type Position } from './position.js';

/** Event of the message that stands for those which can no longer be replayed. */
export const GAP_EVENT = 'gap';

/** One entry of a channel's log, as it is stored. */
export interface LogEntry {
  seq: number;
  event: string;
  /** JSON text. */
  data: string;
  at: Date;
}

/** What one look at a log found after some position: consecutive entries where nothing was trimmed. */
export interface LogPage {
  epoch: string;
  /** Number of the newest message; 0 when there was none yet. */
  lastSeq: number;
  entries: readonly LogEntry[];
  /** There may be more behind the last entry than what was trimmed. */
  hasMore: boolean;
}

/** A message as readers get it. Made once per process, whoever reads it. */
export class StreamMessage {
  /** `{ id, channel, event, data, at }` as JSON text, on one line. */
  readonly json: string;
  /** As a server-sent event without its `id` line. */
  readonly frame: string;
  /** Of the frame. */
  readonly bytes: number;
  /** The beginning of a Socket.IO packet: the event `message` and its first argument. */
  readonly packet: string;

  constructor(
    readonly channel: string,
    readonly position: Position,
    readonly event: string,
    data: string,
    at: Date,
  ) {
    const id = formatId(position);
    this.json = `{"id":"${id}","channel":${JSON.stringify(channel)},"event":${JSON.stringify(event)},"data":${data},"at":"${at.toISOString()}"}`;
    this.frame = `event: ${event}\ndata: ${this.json}\n\n`;
    this.packet = `2["message",${this.json}`;
    this.bytes = Buffer.byteLength(this.frame);
  }
}

/** Messages to hand on, and where the reader is after them. */
export interface Continuation {
  messages: readonly StreamMessage[];
  position: Position;
  /** It is known that more follows. */
  hasMore: boolean;
}

/** Announces that what lies after `from`, up to and including `to`, is lost to this reader. `from` null: it had no position yet. */
export function gapMessage(channel: string, from: Position | null, to: Position, at: Date): StreamMessage {
  const data = JSON.stringify({ from: from && formatId(from), to: formatId(to) });
  return new StreamMessage(channel, to, GAP_EVENT, data, at);
}

/**
 * The messages after a position, given what the log had there. Whatever is missing in between becomes a gap.
 *
 * @param page read after `after.seq` when its epoch is the log's, else from the log's first entry
 */
export function continueAfter(channel: string, after: Position, page: LogPage, now: Date): Continuation {
  const { epoch, lastSeq, entries } = page;
  const messages: StreamMessage[] = [];
  let position = after;
  const skipTo = (seq: number): void => {
    const to = { epoch, seq };
    messages.push(gapMessage(channel, position, to, now));
    position = to;
  };
  if (after.epoch !== epoch) {
    const beforeFirst = (entries[0]?.seq ?? lastSeq + 1) - 1;
    // Who asked for whatever is still there misses nothing by what is not.
    if (after.seq === 0 && after.epoch === '0') position = { epoch, seq: beforeFirst };
    else skipTo(beforeFirst);
  } else if (after.seq > lastSeq) {
    // From the future: the log was put back to an earlier state. What it has the reader saw before.
    skipTo(lastSeq);
    return { messages, position, hasMore: false };
  }
  for (const entry of entries) {
    if (entry.seq <= position.seq) continue;
    if (entry.seq !== position.seq + 1) skipTo(entry.seq - 1);
    position = { epoch, seq: entry.seq };
    messages.push(new StreamMessage(channel, position, entry.event, entry.data, entry.at));
  }
  if (!page.hasMore && position.seq < lastSeq) skipTo(lastSeq);
  return { messages, position, hasMore: page.hasMore };
}
