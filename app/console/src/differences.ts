/** Differences of outcomes in words. */
import type { Schemas } from "./api";
import { count, decimal, percent } from "./format";

export type Difference = Pick<Schemas["DifferenceView"], "difference" | "low" | "high" | "verdict">;

/** What is measured for each item shown. */
export interface Measure {
  field: "click_through" | "conversion" | "revenue_per_impression";
  label: string;
  /** What there is more or less of: "clicks". */
  of: string;
  /** "fewer" for what can be counted, else "less". */
  less: string;
  /** A value per item shown. */
  format: (value: number | null | undefined) => string;
}

const PER = 1_000;
const MOST_TIMES = 30;

export const MEASURES: readonly [Measure, Measure, Measure] = [
  { field: "click_through", label: "Click-through", of: "clicks", less: "fewer", format: (value) => percent(value, 1) },
  { field: "conversion", label: "Conversion", of: "purchases", less: "fewer", format: (value) => percent(value, 2) },
  { field: "revenue_per_impression", label: "Revenue per item shown", of: "revenue", less: "less", format: (value) => decimal(value, 2) },
];

/** "B gets 3.1 to 12 more clicks per 1,000 items shown than A (about +18%)." */
export function differenceInWords(name: string, against: string, measure: Measure, difference: Difference, base?: number): string {
  const { difference: value, low, high, verdict } = difference;
  const per = `per ${count(PER)} items shown`;
  if (verdict === "undecided") {
    return `No clear difference in ${measure.of}: ${name} gets between ${oneSided(low, measure)} and ${oneSided(high, measure)} ${per} than ${against}.`;
  }
  const [near, far] = verdict === "better" ? [low, high] : [-high, -low];
  const about = base ? ` (about ${value > 0 ? "+" : ""}${percent(value / base, 0)})` : "";
  return `${name} gets ${perThousand(near)} to ${perThousand(far)} ${verdict === "better" ? "more" : measure.less} ${measure.of} ${per} than ${against}${about}.`;
}

/** How much more is needed to be sure of a difference as large as it is now. */
export function dataNeeded(measure: Measure, { difference, low, high, verdict }: Difference): string | undefined {
  if (verdict !== "undecided") return undefined;
  const times = difference ? Math.ceil(((high - low) / 2 / difference) ** 2) : Infinity;
  const now = `${perThousand(Math.abs(difference))} ${difference < 0 ? measure.less : "more"} ${measure.of} per ${count(PER)} items shown`;
  if (times > MOST_TIMES) return `More data is needed: the interval is far wider than the difference so far, ${now}.`;
  return `More data is needed: about ${Math.max(2, times)} times as much, if the difference stays at ${now}.`;
}

function oneSided(bound: number, { less }: Measure): string {
  return `${perThousand(Math.abs(bound))} ${bound < 0 ? less : "more"}`;
}

function perThousand(value: number): string {
  const scaled = value * PER;
  return Math.abs(scaled) >= 10 ? count(scaled) : decimal(scaled, 1);
}
