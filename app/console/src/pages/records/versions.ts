/** Reads records with their ETags, and merges an edit with a change that someone else made at the same time. */
import { SerendipError } from "../../api";

export interface Versioned<Data> {
  data: Data;
  /** For `If-Match`. */
  tag: string;
}

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** `const item = await versioned(api.raw.GET("/v1/items/{item_id}", …))`; throws a `SerendipError` if it was refused. */
export async function versioned<Data>(sent: Promise<Answer<Data>>): Promise<Versioned<Data>> {
  const { data, error, response } = await sent;
  if (data === undefined) throw SerendipError.of(response, error);
  return { data, tag: response.headers.get("ETag") ?? "*" };
}

/** The fields of a record by name; a property is a field of its own. */
export type Fields = Readonly<Record<string, unknown>>;
const PROPERTY = "property ";

interface HasProperties {
  properties: Readonly<Record<string, unknown>>;
}

export function fieldsOf(record: HasProperties & object): Fields {
  const { properties, ...others } = record;
  return { ...others, ...Object.fromEntries(Object.entries(properties).map(([name, value]) => [PROPERTY + name, value])) };
}

export function recordOf(fields: Fields): Record<string, unknown> & { properties: Record<string, unknown> } {
  const record: Record<string, unknown> = {};
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith(PROPERTY)) properties[name.slice(PROPERTY.length)] = value;
    else record[name] = value;
  }
  return { ...record, properties };
}

/** The names of the fields that differ. */
export function differences(first: Fields, second: Fields): string[] {
  return [...new Set([...Object.keys(first), ...Object.keys(second)])].filter((name) => !isSame(first[name], second[name]));
}

/** Their record, with the edits from `base` to `mine` applied. */
export function combined(base: Fields, theirs: Fields, mine: Fields): Fields {
  const fields: Record<string, unknown> = { ...theirs };
  for (const name of differences(base, mine)) {
    if (name in mine) fields[name] = mine[name];
    else delete fields[name];
  }
  return fields;
}

function isSame(first: unknown, second: unknown): boolean {
  return JSON.stringify(first) === JSON.stringify(second);
}
