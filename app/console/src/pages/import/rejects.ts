/** Rejected rows as a table, to correct in a spreadsheet and import again. */

/** A line of a file of rejects; a row that could not be divided into cells is text. */
interface Reject {
  line: number;
  reason: string;
  row: Readonly<Record<string, unknown>> | string;
}

/** The rows as CSV, with their lines and reasons in front. */
export function csvOf(jsonLines: string): string {
  const rejects = jsonLines.split("\n").filter(Boolean).map((line): Reject => JSON.parse(line));
  const records = rejects.map(({ line, reason, row }) => ({ "rejected line": line, "rejected because": reason, ...(typeof row === "string" ? { "whole row": row } : row) }));
  const names = [...new Set(records.flatMap(Object.keys))];
  const rows = records.map((record: Readonly<Record<string, unknown>>) => names.map((name) => cellOf(record[name])));
  return [names.map(cellOf), ...rows].map((cells) => `${cells.join(",")}\r\n`).join("");
}

function cellOf(value: unknown): string {
  const text = typeof value === "string" ? value : value == null ? "" : JSON.stringify(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
