import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

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
  refreshMs?: number;
}

export interface Pages<T> {
  /** Rows that can be reached so far; the last page may turn out shorter. */
  count: number;
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
  cursors: (string | undefined)[];
  /** Rows of each page that was read. */
  lengths: number[];
  isWhole: boolean;
}

const beginning = (identity: string): State => ({ identity, cursors: [undefined], lengths: [], isWhole: false });

/** Milliseconds that a page out of sight is remembered: enough to turn back, too little to pile up. */
const FORGET_MS = 5_000;

/**
 * A list of any length, of which only what is in sight is kept: of the rest just the cursors, some 100 bytes a page. That is
 * how 100,000 rows can be scrolled through in constant memory.
 */
export function usePages<T>({ key, pageSize, load, refreshMs }: PagesOptions<T>): Pages<T> {
  const client = useQueryClient();
  const identity = JSON.stringify(key);
  const [state, setState] = useState(() => beginning(identity));
  const [sight, setSight] = useState({ first: 0, last: 0 });
  const own = state.identity === identity ? state : beginning(identity);

  const starts = startsOf(own.lengths, own.cursors.length, pageSize);
  const pageAt = (index: number) =>
    Math.max(
      0,
      starts.findLastIndex((start) => start <= index),
    );
  const from = pageAt(sight.first);
  const to = Math.min(pageAt(sight.last), own.cursors.length - 1);
  const wanted = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const answers = useQueries({
    queries: wanted.map((page) => ({
      queryKey: [...key, 'page', own.cursors[page] ?? null],
      queryFn: ({ signal }: { signal: AbortSignal }) => load(own.cursors[page], signal),
      gcTime: FORGET_MS,
      staleTime: 60_000,
      ...(refreshMs !== undefined && page === 0 && { refetchInterval: refreshMs, staleTime: 0 }),
    })),
  });

  const first = from === 0 ? answers[0]?.data : undefined;
  const last = answers.at(-1)?.data;
  const isAtEnd = to === own.cursors.length - 1;
  useEffect(() => {
    // The head was looked at again and has grown: what follows begins elsewhere now.
    if (first && own.lengths.length > 0 && (own.cursors[1] ?? null) !== first.nextCursor) {
      setState({ identity, ...headOf(first) });
    } else if (last && isAtEnd && !own.isWhole) {
      const lengths = [...own.lengths, last.items.length];
      const { nextCursor } = last;
      if (nextCursor === null) setState({ ...own, lengths, isWhole: true });
      else setState({ ...own, lengths, cursors: [...own.cursors, nextCursor] });
    }
  });

  const known = own.isWhole ? own.lengths.reduce((sum, length) => sum + length, 0) : (starts.at(-1) ?? 0);
  return {
    count: own.isWhole ? known : known + (own.lengths.length === 0 ? 0 : pageSize),
    isWhole: own.isWhole,
    isLoading: answers.some(({ isPending }) => isPending) && own.lengths.length === 0,
    error: answers.find(({ error }) => error)?.error ?? null,
    row(index) {
      const page = pageAt(index);
      return answers[page - from]?.data?.items[index - (starts[page] ?? 0)];
    },
    show(first, lastInSight) {
      if (first !== sight.first || lastInSight !== sight.last) setSight({ first, last: lastInSight });
    },
    retry: () => void client.refetchQueries({ queryKey: key }),
  };
}

function headOf({ items, nextCursor }: ListPage<unknown>): Omit<State, 'identity'> {
  const isWhole = nextCursor === null;
  return { cursors: isWhole ? [undefined] : [undefined, nextCursor], lengths: [items.length], isWhole };
}

/** Where each page begins; a search may answer short pages, so lengths are those that were seen. */
function startsOf(lengths: readonly number[], pages: number, pageSize: number): number[] {
  const starts = [0];
  for (let page = 1; page < pages; page += 1) starts.push((starts[page - 1] ?? 0) + (lengths[page - 1] ?? pageSize));
  return starts;
}
