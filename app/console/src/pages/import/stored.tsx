/** The first rows as they would be stored. */
import { Badge, type Column, DataTable } from "../../components";
import type { Preview } from "../../imports";
import { FIELDS, inSentence, inWords } from "./fields";

type Row = Preview["rows"][number];
const ORDER = Object.keys(FIELDS);
const KINDS: Readonly<Record<string, string>> = { events: "event", items: "item", users: "user" };

const COLUMNS: Column<Row>[] = [
  { header: "Line", cell: (row) => <span class="number">{row.line}</span> },
  { header: "Is stored as", cell: (row) => <Records row={row} /> },
];

export function Stored({ rows }: { rows: readonly Row[] }) {
  return (
    <div class="stack tight">
      <h3>First rows as they would be stored</h3>
      <DataTable label="First rows as they would be stored" columns={COLUMNS} rows={rows} rowKey={(row) => String(row.line)} />
    </div>
  );
}

function Records({ row }: { row: Row }) {
  if (row.reason) return <span class="tone-bad">Rejected: {inWords(row.reason)}</span>;
  if (row.skipped) return <span class="muted">Skipped: it {row.skipped}</span>;
  return (
    <ul class="import-records">
      {row.records.map(({ kind, fields }, position) => (
        <li key={position}>
          <Badge tone={kind === "events" ? "accent" : "neutral"}>{KINDS[kind] ?? kind}</Badge>
          {flat(fields).map(([name, value]) => (
            <span key={name}><span class="muted">{inSentence(name)}</span> {value}</span>
          ))}
        </li>
      ))}
    </ul>
  );
}

function flat(fields: Readonly<Record<string, unknown>>): [string, string][] {
  const ordered = Object.entries(fields).toSorted(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b));
  return ordered.flatMap(([name, value]): [string, string][] => {
    if (name === "properties" && value && typeof value === "object") {
      return Object.entries(value).map(([property, each]) => [`properties.${property}`, text(each)]);
    }
    return [[name, text(value)]];
  });
}

function text(value: unknown): string {
  if (Array.isArray(value)) return value.map(text).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
