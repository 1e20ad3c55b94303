import { Table } from '@mantine/core';
import type { ReactNode } from 'react';
import { Nothing } from './page.js';
import type { Column } from './rows.js';

interface ShortTableProps<T> {
  /** Names the table for screen readers. */
  label: string;
  /** The first one heads its row. */
  columns: readonly Omit<Column<T>, 'width'>[];
  rows: readonly T[];
  keyOf(row: T): string;
  /** Shown when there is nothing. */
  empty?: ReactNode;
}

/** A table of a few dozen rows at most; longer lists are `Rows`. */
export function ShortTable<T>({ label, columns, rows, keyOf, empty }: ShortTableProps<T>) {
  if (rows.length === 0) return <Nothing>{empty}</Nothing>;
  const [head, ...others] = columns.map((column) => ({
    ...column,
    look: {
      ...(column.isExtra && { visibleFrom: 'sm' as const }),
      ta: column.isNumber ? ('right' as const) : ('left' as const),
    },
  }));
  if (!head) return null;
  return (
    <Table aria-label={label} fz={13} verticalSpacing={6} horizontalSpacing={8}>
      <Table.Thead>
        <Table.Tr>
          {[head, ...others].map(({ id, header, look }) => (
            <Table.Th key={id} {...look} scope="col" c="dimmed" fz={12}>
              {header}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Table.Tr key={keyOf(row)}>
            <Table.Th {...head.look} scope="row" fw={500} style={{ overflowWrap: 'anywhere', minWidth: '5em' }}>
              {head.cell(row)}
            </Table.Th>
            {others.map(({ id, look, cell }) => (
              <Table.Td key={id} {...look}>
                {cell(row)}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
