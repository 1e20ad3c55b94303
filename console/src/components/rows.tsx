import { Group, Skeleton, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { type LinkProps, useNavigate } from '@tanstack/react-router';
import { createColumnHelper, type RowData, tableFeatures, useTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, type MouseEvent, type ReactNode, useEffect, useRef } from 'react';
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
  /** Where a row leads. */
  link?: (row: T) => LinkProps;
  /** Shown when there is nothing. */
  empty?: ReactNode;
  /** Default: what is left of the window. */
  height?: CSSProperties['height'];
}

const ROW_HEIGHT = 32;
const OVERSCAN = 12;
const features = tableFeatures({});

/**
 * A list of any length: only the rows in sight exist, in the page and in memory. It is no `<table>`, because such
 * rows could not be laid out at heights of millions of pixels.
 */
export function Rows<T extends RowData>({
  label,
  columns,
  pages,
  link,
  empty,
  height = 'max(320px, calc(100vh - 260px))',
}: RowsProps<T>) {
  const t = useTexts(componentTexts);
  const format = useFormats();
  const isNarrow = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false }) ?? false;
  const shown = columns.filter(({ isExtra }) => !(isNarrow && isExtra));
  const place = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: pages.count,
    getScrollElement: () => place.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
    scrollMargin: ROW_HEIGHT,
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  const { show } = pages;
  useEffect(() => show(first, last));

  if (pages.error && pages.count === 0) return <ProblemAlert error={pages.error} retry={pages.retry} />;
  if (pages.isWhole && pages.count === 0) return <Nothing>{empty ?? t('nothingMatches')}</Nothing>;
  const style = { '--columns': shown.map(({ width }) => width).join(' '), height } as CSSProperties;
  return (
    <div>
      <div
        ref={place}
        className="rows"
        role="table"
        tabIndex={0}
        aria-label={label}
        aria-rowcount={pages.isWhole ? pages.count + 1 : -1}
        style={style}
      >
        <Header columns={shown} />
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {items.map(({ index, start }) => (
            <Row
              key={index}
              index={index}
              top={start - ROW_HEIGHT}
              row={pages.row(index)}
              columns={shown}
              {...(link && { link })}
            />
          ))}
        </div>
      </div>
      <Group justify="space-between" mt={4}>
        <Text size="xs" c="dimmed" role="status">
          {pages.isLoading ? t('loading') : t(pages.isWhole ? 'rows' : 'rowsSoFar', { n: format.number(pages.count) })}
        </Text>
        {pages.error && <ProblemAlert error={pages.error} retry={pages.retry} />}
      </Group>
    </div>
  );
}

function Header<T extends RowData>({ columns }: { columns: readonly Column<T>[] }) {
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
}

interface RowProps<T> {
  index: number;
  top: number;
  row: T | undefined;
  columns: readonly Column<T>[];
  link?: (row: T) => LinkProps;
}

function Row<T>({ index, top, row, columns, link }: RowProps<T>) {
  const navigate = useNavigate();
  const to = row === undefined ? undefined : link?.(row);
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
      style={{ position: 'absolute', top, left: 0, right: 0 }}
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
}
