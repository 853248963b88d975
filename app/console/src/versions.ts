/** How the console names model versions and measures them. */
import type { Schemas } from "./api";

export type Version = Schemas["VersionView"];

const ID = /^v(\d{4})(\d\d)(\d\d)T\d+-(\w+)$/;
const calendar = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", timeZone: "UTC" });

/** "Nov 28 · 6051" for v20261128T182929077658-6051; other ids are unchanged. */
export function versionName(id: string): string {
  const [, year, month, day, end] = ID.exec(id) ?? [];
  return end ? `${calendar.format(new Date(`${year}-${month}-${day}`))} · ${end}` : id;
}

/** A measured value with the bounds of its 95 % interval, if they were measured. */
export interface Estimate {
  value: number;
  low?: number;
  high?: number;
}

/** A metric of a version, such as "ndcg" or "popularity_ndcg". */
export function metricOf(version: Version, name: string): Estimate | undefined {
  const [value, margin] = [version.metrics[name], version.metrics[`${name}_margin`]];
  if (typeof value !== "number") return undefined;
  return typeof margin === "number" ? { value, low: Math.max(0, value - margin), high: Math.min(1, value + margin) } : { value };
}

/**
 * The difference of two independent estimates with its 95 % interval (MOVER: Zou and Donner, Statistics in Medicine 27,
 * 2008). Estimates of the same users depend on each other, which makes the interval too wide rather than too narrow.
 */
export function differenceOf(one: Estimate, other: Estimate): Required<Estimate> | undefined {
  const { low, high, value } = one;
  if (low === undefined || high === undefined || other.low === undefined || other.high === undefined) return undefined;
  const difference = value - other.value;
  return {
    value: difference,
    low: difference - Math.hypot(value - low, other.high - other.value),
    high: difference + Math.hypot(high - value, other.value - other.low),
  };
}
