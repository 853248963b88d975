/** The columns of the file: what they hold, and what they become. */
import { Badge, type Column, DataTable, Select } from "../../components";
import type { Preview } from "../../imports";
import { FIELDS, fieldName, mappedTo, type Options, propertyOf, withMapping } from "./fields";

type FileColumn = Preview["columns"][number];
const EXAMPLES = 3;

interface ColumnsProps {
  columns: readonly FileColumn[];
  options: Options;
  onChange: (options: Options) => void;
}

export function Columns({ columns, options, onChange }: ColumnsProps) {
  const ignored = columns.filter((column) => column.ignored !== null && column.ignored !== undefined);
  const table: Column<FileColumn>[] = [
    {
      header: "Column",
      cell: (column) => (
        <>
          <span class="row"><strong class="mono">{column.name}</strong><Use column={column} /></span>
          <span class="muted small import-cells">{examples(column)}</span>
        </>
      ),
    },
    {
      header: "Becomes",
      cell: (column) => (
        <Select
          aria-label={`What ${column.name} becomes`}
          value={mappedTo(options, column.name)}
          choices={choices(column, mappedTo(options, column.name))}
          onChoice={(ours) => onChange(withMapping(options, column.name, ours))}
        />
      ),
    },
  ];
  return (
    <div class="stack tight import-columns">
      <h3>Columns</h3>
      <DataTable label="Columns of the file" columns={table} rows={columns} rowKey={(column) => column.name} />
      {ignored.length > 0 && <p class="muted small">Ignored: {ignored.map(({ name, ignored: why }) => (why ? `${name} (${why})` : name)).join(", ")}.</p>}
    </div>
  );
}

function Use({ column: { means, ignored } }: { column: FileColumn }) {
  if (means.length) return <Badge tone="good">used</Badge>;
  return ignored === null || ignored === undefined ? <Badge>undecided</Badge> : <Badge tone="warn">ignored</Badge>;
}

function examples(column: FileColumn): string {
  const filled = column.cells.filter((cell): cell is string => Boolean(cell?.trim()));
  return [...new Set(filled)].slice(0, EXAMPLES).join(", ") || "empty";
}

/** Without a mapping a column becomes what was recognized. */
function choices({ name, means, ignored }: FileColumn, mapped: string): Record<string, string> {
  const unused = ignored === null || ignored === undefined ? "Decided with the rest" : "Not used";
  const own = mapped ? "As recognized" : means.map(fieldName).join(", ") || unused;
  return { "": own, ...FIELDS, [propertyOf(name)]: `Property “${name}”` };
}
