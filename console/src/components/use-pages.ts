import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';

/** One answer of a list of the API. */
export interface ListPage<T> {
  items: T[];
  nextCursor: string | null;
}

export interface PagesOptions<T> {
  /** Tells this list from all others, its filters included. */
  key: readonly unknown[];
  pageSize: number;
  load(cursor: string | undefined, signal: AbortSignal): Promise<ListPage<T>>;
  /** Milliseconds between looking again at what is in sight; default: never. */
  refreshMs?: number | undefined;
}

export interface Pages<T> {
  /** Another one is another list, which is looked at from its beginning. */
  identity: string;
  /** Rows that can be reached so far, those of a page that is not read yet included. */
  count: number;
  /** Rows that have been read. */
  known: number;
  /** No further pages exist. */
  isWhole: boolean;
  isLoading: boolean;
  error: Error | null;
  row(index: number): T | undefined;
  /** Tells which rows are in sight; pages away from them are forgotten. */
  show(first: number, last: number): void;
  retry(): void;
}

interface State {
  identity: string;
  /** Where each page that can be reached begins. */
  cursors: readonly (string | undefined)[];
  /** Rows of each page that was read. A search may answer short pages. */
  lengths: readonly number[];
}

const beginning = (identity: string): State => ({ identity, cursors: [undefined], lengths: [] });

/** Milliseconds that a page out of sight is remembered: enough to turn back, too little to pile up. */
const FORGET_MS = 1_000;

/**
 * A list of any length, of which only what is in sight is kept, and a page before and after it: of the rest just the
 * cursors, some 100 bytes a page. That is how 100,000 rows can be scrolled through in constant memory.
 */
export function usePages<T>({ key, pageSize, load, refreshMs }: PagesOptions<T>): Pages<T> {
  const client = useQueryClient();
  const identity = JSON.stringify(key);
  const [state, setState] = useState(() => beginning(identity));
  const [sight, setSight] = useState({ first: 0, last: 0 });
  // A function knows the rows of the render that made it. Were each page read by a function of its own render, every one
  // would hold the page before it, and so on back to the first.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key names all that a list depends on
  const read = useMemo(() => load, [identity]);
  const own = state.identity === identity ? state : beginning(identity);
  const { cursors, lengths } = own;
  const starts = useMemo(() => startsOf(lengths), [lengths]);
  const pageAt = (index: number) =>
    Math.min(
      starts.findLastIndex((start) => start <= index),
      cursors.length - 1,
    );
  const [from, to] = [pageAt(sight.first), pageAt(sight.last)];
  const before = Math.max(0, from - 1);
  const wanted = range(before, Math.min(cursors.length - 1, to + 1));
  const answers = useQueries({
    queries: wanted.map((page) => ({
      queryKey: [...key, 'page', cursors[page] ?? null],
      queryFn: reader(read, cursors[page]),
      gcTime: FORGET_MS,
      staleTime: 60_000,
      ...(refreshMs !== undefined && page >= from && page <= to && { refetchInterval: refreshMs }),
    })),
  });

  useEffect(() => {
    for (const [i, page] of wanted.entries()) {
      const answer = answers[i]?.data;
      if (!answer || agrees(own, page, answer)) continue;
      // New, or not what it was: where the pages after it begin is known from here on only.
      setState({
        identity,
        cursors: [...cursors.slice(0, page + 1), ...(answer.nextCursor === null ? [] : [answer.nextCursor])],
        lengths: [...lengths.slice(0, page), answer.items.length],
      });
      return;
    }
  });

  const isWhole = lengths.length === cursors.length;
  const known = starts[lengths.length] ?? 0;
  return {
    identity,
    count: isWhole ? known : known + pageSize,
    known,
    isWhole,
    isLoading: lengths.length === 0 && answers.some(({ isPending }) => isPending),
    error: answers.find(({ error }) => error)?.error ?? null,
    row(index) {
      const page = pageAt(index);
      return answers[page - before]?.data?.items[index - (starts[page] ?? 0)];
    },
    show(first, last) {
      if (first !== sight.first || last !== sight.last) setSight({ first, last });
    },
    retry: () => void client.refetchQueries({ queryKey: key, type: 'active' }),
  };
}

function reader<T>(load: PagesOptions<T>['load'], cursor: string | undefined) {
  return ({ signal }: { signal: AbortSignal }) => load(cursor, signal);
}

function agrees({ cursors, lengths }: State, page: number, { items, nextCursor }: ListPage<unknown>): boolean {
  return lengths[page] === items.length && (cursors[page + 1] ?? null) === nextCursor;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Where each page begins, and after them where the next one would. */
function startsOf(lengths: readonly number[]): number[] {
  const starts = [0];
  for (const length of lengths) starts.push((starts.at(-1) ?? 0) + length);
  return starts;
}
