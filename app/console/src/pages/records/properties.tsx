/** Properties of items and users: shown, and edited row by row. */
import { useState } from "preact/hooks";
import { Button, Input, Select } from "../../components";

type Kind = "text" | "number" | "boolean" | "json";
const KINDS: Record<Kind, string> = { text: "Text", number: "Number", boolean: "True or false", json: "JSON" };
const TRUTH = ["true", "false"] as const;

export interface PropertyRow {
  id: number;
  name: string;
  kind: Kind;
  text: string;
}

let next = 0;

export function rowsOf(properties: Readonly<Record<string, unknown>>): PropertyRow[] {
  return Object.entries(properties).map(([name, value]) => {
    const kind = typeof value === "string" ? "text" : typeof value === "number" ? "number" : typeof value === "boolean" ? "boolean" : "json";
    return { id: next++, name, kind, text: typeof value === "string" ? value : JSON.stringify(value) };
  });
}

/** What is wrong with a row; undefined if nothing. */
export function faultOf(row: PropertyRow, rows: readonly PropertyRow[]): string | undefined {
  if (!row.name) return "Give the property a name.";
  if (rows.some((other) => other.id !== row.id && other.name === row.name)) return `There are two properties ${row.name}.`;
  if (row.kind === "number" && (!row.text.trim() || !Number.isFinite(Number(row.text)))) return `${row.name} is not a number such as 24.5.`;
  if (row.kind === "json") {
    try {
      JSON.parse(row.text);
    } catch {
      return `${row.name} is not JSON such as ["red", "blue"].`;
    }
  }
  return undefined;
}

/** The properties that valid rows describe. */
export function propertiesOf(rows: readonly PropertyRow[]): Record<string, unknown> {
  return Object.fromEntries(rows.map(({ name, kind, text }) => [name, kind === "text" ? text : kind === "number" ? Number(text) : JSON.parse(text)]));
}

export function PropertyEditor({ rows, onChange, isChecked }: { rows: readonly PropertyRow[]; onChange: (rows: PropertyRow[]) => void; isChecked: boolean }) {
  function change(id: number, part: Partial<PropertyRow>): void {
    onChange(rows.map((row) => (row.id === id ? { ...row, ...part } : row)));
  }

  function choose(row: PropertyRow, kind: Kind): void {
    change(row.id, { kind, text: kind === "boolean" && !TRUTH.includes(row.text as "true") ? "true" : row.text });
  }

  return (
    <fieldset class="properties-editor">
      <legend>Properties</legend>
      {rows.map((row) => {
        const fault = isChecked ? faultOf(row, rows) : undefined;
        return (
          <div key={row.id} class="property-row">
            <Input aria-label="Name of the property" placeholder="Name" value={row.name} onText={(name) => change(row.id, { name })} />
            <Select aria-label={`Type of ${row.name || "the property"}`} choices={KINDS} value={row.kind} onChoice={(kind) => choose(row, kind as Kind)} />
            {row.kind === "boolean" ? (
              <Select aria-label={`Value of ${row.name}`} choices={TRUTH} value={row.text} onChoice={(text) => change(row.id, { text })} />
            ) : (
              <Input aria-label={`Value of ${row.name || "the property"}`} aria-invalid={fault ? true : undefined} placeholder="Value" value={row.text} onText={(text) => change(row.id, { text })} />
            )}
            <Button kind="quiet" icon="trash" label={`Remove ${row.name || "the property"}`} onClick={() => onChange(rows.filter((other) => other !== row))} />
            {fault && <p class="small tone-bad">{fault}</p>}
          </div>
        );
      })}
      <div><Button small icon="plus" onClick={() => onChange([...rows, { id: next++, name: "", kind: "text", text: "" }])}>Add property</Button></div>
    </fieldset>
  );
}

const LONG = 160;

export function PropertyList({ properties }: { properties: Readonly<Record<string, unknown>> }) {
  const entries = Object.entries(properties);
  if (!entries.length) return <p class="muted">No properties.</p>;
  return (
    <dl class="properties">
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd><Value value={value} /></dd>
        </div>
      ))}
    </dl>
  );
}

function Value({ value }: { value: unknown }) {
  const [isOpen, setOpen] = useState(false);
  const text = typeof value === "string" ? value : Array.isArray(value) && value.every((each) => typeof each === "string") ? value.join(", ") : JSON.stringify(value);
  if (text.length <= LONG) return <>{text}</>;
  return (
    <>
      {isOpen ? text : `${text.slice(0, LONG)}…`}{" "}
      <button type="button" class="link small" onClick={() => setOpen(!isOpen)}>{isOpen ? "Show less" : "Show all"}</button>
    </>
  );
}
