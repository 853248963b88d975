/** Our fields in words, and the options that decide how a file is read. */
import type { Schemas } from "../../api";
import { count } from "../../format";
import type { Choice, ImportRequest } from "../../imports";

export type Options = Partial<ImportRequest>;

export const FIELDS: Readonly<Record<string, string>> = {
  user_id: "User",
  session_id: "Session",
  item_id: "Item",
  event_type: "Event type",
  value: "Value",
  timestamp: "Time",
  event_id: "Event id",
  title: "Title",
  categories: "Categories",
  hidden: "Hidden",
  expires_at: "Expires",
  properties: "Properties",
};
const PROPERTY = "properties.";
export const RECORDS = {
  "": "What the columns say",
  events: "Events",
  items: "Items",
  users: "Users",
  "events,items": "Events and facts of their items",
} as const;

const ASSUMED: Readonly<Record<string, string>> = { liked: "Event type: like or dislike", quantity: "Sign of the value" };

/** User, or Property “price”. */
export function fieldName(ours: string): string {
  if (ours.startsWith(PROPERTY)) return `Property “${ours.slice(PROPERTY.length)}”`;
  return FIELDS[ours] ?? ASSUMED[ours] ?? ours;
}

/** user, or property “price”: inside a sentence. */
export function inSentence(ours: string): string {
  const name = fieldName(ours);
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** The field that the user mapped a column to. */
export function mappedTo(options: Options, column: string): string {
  return Object.entries(options.columns ?? {}).find(([, theirs]) => theirs === column)?.[0] ?? "";
}

/** Maps a column to a field; an empty one takes its mapping back. */
export function withMapping(options: Options, column: string, ours: string): Options {
  const others = Object.entries(options.columns ?? {}).filter(([field, theirs]) => theirs !== column && field !== ours);
  return { ...options, columns: Object.fromEntries(ours ? [...others, [ours, column]] : others) };
}

/** 38 events, with facts of their items in 36 rows. */
export function recordsIn({ kind, records }: Schemas["ImportSummary"]): string {
  const { items = 0, ...others } = records;
  const counted = Object.entries(kind === "events,items" ? others : records).filter(([, number]) => number > 0);
  const listed = counted.map(([name, number]) => `${count(number)} ${number === 1 ? name.slice(0, -1) : name}`).join(" and ");
  return kind === "events,items" && items > 0 ? `${listed || "no events"}, with facts of items in ${count(items)} rows` : listed;
}

/** Why rows were rejected, with how many rows each. */
export function reasonsIn({ reasons }: Schemas["ImportSummary"]): string {
  return Object.entries(reasons).map(([reason, number]) => `${inWords(reason)} (${count(number)})`).join("; ");
}

export function propertyOf(column: string): string {
  return PROPERTY + column;
}

/** What a choice does, for its button. */
export function choiceName(choice: Choice): string {
  if (choice.columns) {
    return Object.entries(choice.columns).map(([ours, theirs]) => `Read “${theirs}” as ${inSentence(ours)}`).join(", ");
  }
  return choice.records ? loading(choice.records) : `All events are “${choice.event_type}”`;
}

/** What is done with records of these kinds. */
function loading(records: string): string {
  return records === "events,items" ? "Load events and facts of their items" : `Load ${records} only`;
}

export function withChoice(options: Options, choice: Choice): Options {
  return {
    ...options,
    ...(choice.records && { records: choice.records as NonNullable<Options["records"]> }),
    ...(choice.event_type && { event_type: choice.event_type }),
    columns: { ...options.columns, ...choice.columns },
  };
}

const BELOW = "under “How the file is read”";

/** The time formats that a message of the API offers, such as `%d/%m/%Y`. */
export function formsIn(text: string): string[] {
  return text.includes("the day or the month first") ? [...text.matchAll(/--date-format "([^"]+)"/g)].map(([, form = ""]) => form) : [];
}

/** What a time format means, with December 31 as the example. */
export function formName(form: string): string {
  return form.startsWith("%d") ? "The day is first: 31/12" : "The month is first: 12/31";
}

/** A message of the API without JSON and command-line options, which the page has buttons and fields for. */
export function inWords(text: string): string {
  return text
    .replaceAll(/"columns": \{"((?:[^"\\]|\\.)*)": "((?:[^"\\]|\\.)*)"\}/g, (_, ours: string, theirs: string) => `“${theirs}” as ${inSentence(ours)}`)
    .replaceAll(/"records": "([^"]*)"/g, (_, records: string) => `“${loading(records)}”`)
    .replaceAll(/"event_type": "([^"]*)"/g, "“$1”")
    .replaceAll("“YOUR_COLUMN”", "another column")
    .replaceAll('--encoding NAME (in a job: "encoding")', `Encoding, ${BELOW}`)
    .replaceAll(/name its form in codes of strptime, for example --date-format "[^"]*"/g, `write their form as Form of times, ${BELOW}`)
    .replaceAll(/name the form, --date-format "[^"]*" or --date-format "[^"]*"/g, `choose one, or write their form as Form of times, ${BELOW}`)
    .replaceAll(/name the unit: --time-unit \w+/g, `choose the Unit of times that are numbers, ${BELOW}`)
    .replaceAll("name it: --decimal ,", `choose the Decimal sign, ${BELOW}`)
    .replaceAll(/ \(in a job: \w+\)/g, "")
    .replaceAll(/(^|; |\bno )(user_id|session_id|item_id|event_type|event_id|expires_at|timestamp):/g, (_, before: string, ours: string) => `${before}${inSentence(ours)}:`)
    .replaceAll("`", "");
}
