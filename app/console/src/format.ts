/** Numbers, times and money as the reader's language writes them. */

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "narrow" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
/** Units, their seconds, and from how many on they are used. */
const STEPS: [Intl.RelativeTimeFormatUnit, number, number][] = [
  ["year", 31_557_600, 2],
  ["month", 2_629_800, 2],
  ["day", 86_400, 1],
  ["hour", 3_600, 1],
  ["minute", 60, 1],
  ["second", 1, 1],
];
const LEAST_DOLLARS = 0.0001;
export const NOTHING = "–";

/** 12,345 */
export function count(value: number | null | undefined): string {
  return value == null ? NOTHING : whole.format(value);
}

/** 12.3K */
export function short(value: number | null | undefined): string {
  return value == null ? NOTHING : compact.format(value);
}

/** 0.123, with `digits` digits after the point; zero has no sign. */
export function decimal(value: number | null | undefined, digits = 3): string {
  return value == null
    ? NOTHING
    : value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: "negative" });
}

/** 12.3% for a share from 0 to 1. */
export function percent(share: number | null | undefined, digits = 1): string {
  return share == null
    ? NOTHING
    : share.toLocaleString(undefined, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: "negative" });
}

/** 12% for a share from 0 to 1, <1% for one that is not zero. */
export function wholePercent(share: number): string {
  return share !== 0 && Math.abs(share) < 0.005 ? `<${percent(0.01, 0)}` : percent(share, 0);
}

/** US dollars; less than ten cents have two significant digits. */
export function dollars(value: number | null | undefined): string {
  if (value == null) return NOTHING;
  const digits = value !== 0 && Math.abs(value) < 0.1 ? { maximumSignificantDigits: 2 } : {};
  return value.toLocaleString(undefined, { style: "currency", currency: "USD", ...digits });
}

/** US dollars; <$0.0001 for less, but not nothing. */
export function roughDollars(value: number): string {
  return value > 0 && value < LEAST_DOLLARS ? `<${dollars(LEAST_DOLLARS)}` : dollars(value);
}

/** An item's price, which is a number without a currency, or a text. */
export function price(value: unknown): string {
  if (typeof value === "number") return decimal(value, 2);
  return typeof value === "string" ? value : "";
}

/** Nov 28, 2026, 7:05 PM */
export function time(value: string | Date | null | undefined): string {
  return value == null ? NOTHING : moment.format(new Date(value));
}

/** Nov 28, 2026 */
export function day(value: string | Date | null | undefined): string {
  return value == null ? NOTHING : calendar.format(new Date(value));
}

/** 5 min. ago, as short as the language allows */
export function ago(value: string | Date | null | undefined, now = Date.now()): string {
  if (value == null) return NOTHING;
  const seconds = (new Date(value).getTime() - now) / 1000;
  const [unit, length] = STEPS.find(([, step, least]) => Math.abs(seconds) >= least * step) ?? ["second", 1];
  return relative.format(Math.round(seconds / length), unit);
}

/** 1 min 20 s */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null) return NOTHING;
  if (seconds < 60) return `${decimal(seconds, seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 1.2 MB */
export function bytes(size: number | null | undefined): string {
  if (size == null) return NOTHING;
  const power = Math.min(4, Math.floor(Math.log10(Math.max(1, size)) / 3));
  return `${decimal(size / 1000 ** power, power ? 1 : 0)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

/** 980 events, 1 item: the amounts by kind that are not zero. */
export function amounts(byKind: Readonly<Record<string, number>>): string {
  return Object.entries(byKind)
    .filter(([, number]) => number > 0)
    .map(([kind, number]) => `${count(number)} ${(number === 1 ? kind.replace(/s$/, "") : kind).replaceAll("_", " ")}`)
    .join(", ");
}
