import { Group, Skeleton, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { type LinkProps, useNavigate } from '@tanstack/react-router';
import { createColumnHelper, type RowData, tableFeatures, useTable } from '@tanstack/react-table';
import {
  type CSSProperties,
  type MouseEvent,
  memo,
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useFormats } from '../i18n/format.js';
import { useTexts } from '../i18n/language.js';
import { componentTexts } from './components.i18n.js';
import { RouteLink } from './links.js';
import { Nothing } from './page.js';
import { ProblemAlert } from './problem-alert.js';
import type { Pages } from './use-pages.js';

/** One column of a list. The first one holds the link of its row. */
export interface Column<T> {
  id: string;
  header: string;
  cell(row: T): ReactNode;
  /** Of the grid, such as `120px` or `minmax(160px, 2fr)`. */
  width: string;
  isNumber?: boolean;
  /** Left out on a phone. */
  isExtra?: boolean;
}

interface RowsProps<T> {
  /** Names the table for screen readers. */
  label: string;
  columns: readonly Column<T>[];
  pages: Pages<T>;
  /** Where a row leads; undefined: nowhere. */
  link?: (row: T) => LinkProps | undefined;
  /** Shown when there is nothing. */
  empty?: ReactNode;
  /** At most; a number is pixels. Default: what is left of the window. */
  height?: string | number;
}

/** Pixels. */
const ROW_HEIGHT = 32;
/** Rows that exist on either side of those in sight. */
const OVERSCAN = 12;
/** Pixels. Chromium's and Safari's least; Firefox takes less. */
const MAX_ELEMENT_HEIGHT = 33_554_428;
const features = tableFeatures({});

/**
 * A list of any length: only the rows in sight exist, in the page and in memory. It is no `<table>`, because such
 * rows could not be laid out at heights of millions of pixels.
 */
export function Rows<T extends RowData>({ pages, empty, ...table }: RowsProps<T>) {
  const t = useTexts(componentTexts);
  const format = useFormats();
  if (pages.error && pages.known === 0) return <ProblemAlert error={pages.error} retry={pages.retry} />;
  if (pages.isWhole && pages.count === 0) return <Nothing>{empty ?? t('nothingMatches')}</Nothing>;
  const n = format.number(pages.known);
  const most = mostRows();
  return (
    <div>
      <Table key={pages.identity} pages={pages} count={Math.min(pages.count, most)} {...table} />
      <Group justify="space-between" mt={4}>
        <Text size="xs" c="dimmed" role="status">
          {pages.isLoading ? t('loading') : t(pages.isWhole ? 'rows' : 'rowsSoFar', { n })}
          {pages.count > most && ` ${t('rowsMost', { n: format.number(most) })}`}
        </Text>
        {pages.error && <ProblemAlert error={pages.error} retry={pages.retry} />}
      </Group>
    </div>
  );
}

interface TableProps<T> extends Omit<RowsProps<T>, 'empty'> {
  /** Rows that can be scrolled to. */
  count: number;
}

function Table<T extends RowData>({ label, columns, pages, count, link, height }: TableProps<T>) {
  const isNarrow = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false }) ?? false;
  const shown = useMemo(() => columns.filter(({ isExtra }) => !(isNarrow && isExtra)), [columns, isNarrow]);
  // Only what a row says makes it anew: `link` is another function each time, and does the same.
  const latestLink = useRef(link);
  latestLink.current = link;
  const linkOf = useCallback((row: T) => latestLink.current?.(row), []);
  const place = useRef<HTMLDivElement>(null);
  const { top, visible } = useSight(place);
  const last = Math.min(count, top + visible) - 1;
  const first = Math.max(0, Math.min(top, last));
  const { show } = pages;
  useEffect(() => show(first, last));
  const from = Math.max(0, first - OVERSCAN);
  const to = Math.min(count, last + 1 + OVERSCAN);
  const most = typeof height === 'number' ? `${height}px` : (height ?? 'max(320px, calc(100vh - 260px))');
  const style = {
    '--columns': shown.map(({ width }) => width).join(' '),
    height: `min(${most}, ${(count + 1) * ROW_HEIGHT + 2}px)`,
  } as CSSProperties;
  return (
    <div
      ref={place}
      className="rows"
      role="table"
      tabIndex={0}
      aria-label={label}
      aria-rowcount={pages.isWhole ? count + 1 : -1}
      style={style}
    >
      <Header columns={shown} />
      <div role="rowgroup" style={{ height: count * ROW_HEIGHT, position: 'relative' }}>
        {Array.from({ length: to - from }, (_, i) => from + i).map((index) => (
          <Row key={index} index={index} row={pages.row(index)} columns={shown} link={linkOf} />
        ))}
      </div>
    </div>
  );
}

/**
 * Which rows an element that scrolls shows. Rows are all of one height, so this is a division; a library that measures
 * each row would keep a list of them all.
 */
function useSight(place: RefObject<HTMLElement | null>): { top: number; visible: number } {
  const [top, setTop] = useState(0);
  const [visible, setVisible] = useState(1);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const look = () => {
      setTop(Math.floor(element.scrollTop / ROW_HEIGHT));
      setVisible(Math.ceil(element.clientHeight / ROW_HEIGHT));
    };
    look();
    element.addEventListener('scroll', look, { passive: true });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', look);
      observer.disconnect();
    };
  }, [place]);
  return { top, visible };
}

let measured: number | undefined;

/** Rows that fit into the highest element which this browser lays out, measured once. A million in Chromium. */
function mostRows(): number {
  if (measured === undefined) {
    const probe = document.createElement('div');
    probe.style.position = 'absolute';
    probe.style.visibility = 'hidden';
    probe.style.height = `${MAX_ELEMENT_HEIGHT}px`;
    const frame = document.createElement('div');
    frame.style.position = 'absolute';
    frame.style.overflow = 'hidden';
    frame.style.height = '0';
    frame.append(probe);
    document.body.append(frame);
    // The header lies above the rows, within the same height.
    measured = Math.floor(probe.getBoundingClientRect().height / ROW_HEIGHT) - 2;
    frame.remove();
  }
  return measured;
}

const Header = memo(function Header<T extends RowData>({ columns }: { columns: readonly Column<T>[] }) {
  const helper = createColumnHelper<typeof features, T>();
  const table = useTable({
    features,
    columns: columns.map(({ id, header }) => helper.display({ id, header })),
    data: [],
  });
  return (
    <div role="rowgroup">
      {table.getHeaderGroups().map((group) => (
        <div role="row" key={group.id} aria-rowindex={1}>
          {group.headers.map((header, i) => (
            <div role="columnheader" key={header.id} data-number={columns[i]?.isNumber || undefined}>
              <table.FlexRender header={header} />
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}) as <T>(props: { columns: readonly Column<T>[] }) => ReactNode;

interface RowProps<T> {
  index: number;
  row: T | undefined;
  columns: readonly Column<T>[];
  link: (row: T) => LinkProps | undefined;
}

const Row = memo(function Row<T>({ index, row, columns, link }: RowProps<T>) {
  const navigate = useNavigate();
  const to = row === undefined ? undefined : link(row);
  function follow(event: MouseEvent<HTMLElement>) {
    const isOnControl = event.target instanceof Element && event.target.closest('a, button') !== null;
    if (to && !isOnControl && getSelection()?.isCollapsed !== false) void navigate(to);
  }
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the link in the first cell is what keyboards use
    <div
      role="row"
      aria-rowindex={index + 2}
      data-link={to ? true : undefined}
      onClick={follow}
      style={{ position: 'absolute', top: index * ROW_HEIGHT, left: 0, right: 0 }}
    >
      {columns.map(({ id, cell, isNumber }, i) => (
        <div role="cell" key={id} data-number={isNumber || undefined}>
          {row === undefined ? (
            <Skeleton height={10} />
          ) : to && i === 0 ? (
            <RouteLink {...to}>{cell(row)}</RouteLink>
          ) : (
            cell(row)
          )}
        </div>
      ))}
    </div>
  );
}) as <T>(props: RowProps<T>) => ReactNode;
