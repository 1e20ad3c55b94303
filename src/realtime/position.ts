import { createHash } from 'node:crypto';

/** Where a reader of a channel's log is: after the message with this number. Numbers count from 1 in each epoch. */
export interface Position {
  /** 12 hexadecimal digits, drawn when the log is new: another one means that the old log is lost. */
  epoch: string;
  seq: number;
}

/** Before everything that is still kept, whatever the epoch. */
export const BEGINNING: Position = { epoch: '0', seq: 0 };

/** Cursor that stands for {@link BEGINNING} in every channel. */
export const CURSOR_OF_BEGINNING = 'start';

const ID = /^([0-9a-f]{12}|0)-(\d{1,15})$/;
const ENTRY = /^([A-Za-z0-9_-]{8})\.((?:[0-9a-f]{12}|0)-\d{1,15})$/;
const TAG_CHARACTERS = 8;
/** Channels that one stream may follow, and so the entries of its cursor. */
export const MAX_CHANNELS = 50;
/** Characters of the longest cursor. */
export const MAX_CURSOR_CHARACTERS = MAX_CHANNELS * (TAG_CHARACTERS + 1 + 12 + 1 + 15 + 1);

/** `<epoch>-<seq>`: the id of the message at this position. */
export function formatId({ epoch, seq }: Position): string {
  return `${epoch}-${seq}`;
}

/** @returns undefined for what is not an id */
export function parseId(id: string): Position | undefined {
  const [, epoch, seq] = ID.exec(id) ?? [];
  return epoch === undefined || seq === undefined ? undefined : { epoch, seq: Number(seq) };
}

/** What a channel is called in cursors: 8 characters, however long its name is. */
export function tagOf(channel: string): string {
  return createHash('sha256').update(channel).digest('base64url').slice(0, TAG_CHARACTERS);
}

/** Positions of a stream's channels by their tag. */
export type Cursor = ReadonlyMap<string, Position>;

/**
 * Reads a cursor: `<tag>.<id of the last message>` of each channel, joined by `~`, or `start`.
 *
 * @returns undefined for what is not a cursor; an empty text is an empty cursor
 */
export function parseCursor(text: string): Cursor | 'start' | undefined {
  if (text === CURSOR_OF_BEGINNING) return 'start';
  const positions = new Map<string, Position>();
  if (text === '') return positions;
  if (text.length > MAX_CURSOR_CHARACTERS) return undefined;
  for (const entry of text.split('~')) {
    const [, tag, id] = ENTRY.exec(entry) ?? [];
    const position = id === undefined ? undefined : parseId(id);
    if (tag === undefined || position === undefined) return undefined;
    positions.set(tag, position);
  }
  return positions;
}

/** The position that a cursor gives to a channel; undefined: the cursor does not know the channel. */
export function positionIn(cursor: Cursor | 'start', channel: string): Position | undefined {
  return cursor === 'start' ? BEGINNING : cursor.get(tagOf(channel));
}

/** The cursor that {@link parseCursor} reads. */
export function formatCursor(entries: Iterable<readonly [tag: string, position: Position]>): string {
  let text = '';
  for (const [tag, { epoch, seq }] of entries) text += `${text === '' ? '' : '~'}${tag}.${epoch}-${seq}`;
  return text;
}
