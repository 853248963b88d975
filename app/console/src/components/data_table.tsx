/** A table of records: sortable, with a button for the next page, and cards on a phone. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Button, ErrorNote, Loading } from "./basics";
import { Icon } from "./icons";

export interface Column<Row> {
  header: string;
  cell: (row: Row) => ComponentChildren;
  /** Makes the column sortable. */
  sort?: (row: Row) => string | number;
  align?: "right";
}

interface DataTableProps<Row> {
  /** What the table holds, for screen readers. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[] | undefined;
  rowKey: (row: Row) => string;
  /** Shown in place of a table without rows. */
  empty?: ComponentChildren;
  isLoading?: boolean;
  error?: unknown;
  reload?: () => void;
  hasMore?: boolean;
  more?: () => void;
}

/** `<DataTable label="Items" columns={columns} rowKey={(item) => item.item_id} empty={<Empty … />} {...usePages(…)} />` */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowKey, empty, isLoading, error, reload, hasMore, more } = props;
  const [order, setOrder] = useState<{ column: number; descending: boolean }>();
  if (!rows?.length) {
    if (error) return <ErrorNote error={error} retry={reload} />;
    if (isLoading) return <Loading lines={5} />;
    return <>{empty}{hasMore && <div class="row further"><Button onClick={more}>Look further back</Button></div>}</>;
  }
  const sort = order && columns[order.column]?.sort;
  const shown = sort ? rows.toSorted((a, b) => compare(sort(a), sort(b)) * (order.descending ? -1 : 1)) : rows;

  function choose(column: number): void {
    setOrder((before) => ({ column, descending: before?.column === column && !before.descending }));
  }

  return (
    <div class="stack tight">
      <ErrorNote error={error} retry={reload} />
      <div class="table" role="region" aria-label={label} tabIndex={0}>
        <table aria-label={label}>
          <thead>
            <tr>
              {columns.map(({ header, sort: sortable, align }, column) => {
                const isSorted = order?.column === column;
                const direction = order?.descending ? "descending" : "ascending";
                return (
                  <th key={header} scope="col" class={align} aria-sort={isSorted ? direction : undefined}>
                    {sortable ? (
                      <button type="button" onClick={() => choose(column)}>
                        {header}
                        {isSorted && <Icon name={order.descending ? "down" : "up"} size={13} />}
                      </button>
                    ) : (
                      header || <span class="hidden-text">Actions</span>
                    )}
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={rowKey(row)}>
                {columns.map(({ header, cell, align }) => (
                  <td key={header} class={align} data-header={header}>{cell(row)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {hasMore && <Button onClick={more} busy={isLoading}>Load more</Button>}
    </div>
  );
}

function compare(a: string | number, b: string | number): number {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}
