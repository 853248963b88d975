/** Usage summed by day, week or month. */
import type { Schemas } from "../../api";
import { daysBefore, lastDays, today, weekday } from "../../days";

type UsageDay = Schemas["UsageDay"];

export const PERIODS = { day: "By day", week: "By week", month: "By month" } as const;
export type Period = keyof typeof PERIODS;
export const NUMBERS = ["requests", "events", "recommendations", "read_units", "write_units", "estimated_usd"] as const;

export type Sum = { name: string } & Record<(typeof NUMBERS)[number], number>;

const DAYS = 30;
const WEEKS = 26;
const MONTHS = 12;

/** The sums of the last periods, oldest first; weeks and months are named by their first day. */
export function periodsOf(usage: readonly UsageDay[], period: Period): Sum[] {
  const sums = new Map(namesOf(period).map((name) => [name, empty(name)]));
  for (const used of usage) {
    const sum = sums.get(nameOf(used.day, period));
    if (sum) for (const number of NUMBERS) sum[number] += used[number];
  }
  return [...sums.values()];
}

function namesOf(period: Period): string[] {
  if (period === "day") return lastDays(DAYS);
  const names = [nameOf(today(), period)];
  for (let missing = (period === "week" ? WEEKS : MONTHS) - 1; missing > 0; missing -= 1) {
    names.unshift(nameOf(daysBefore(names[0] ?? today(), 1), period));
  }
  return names;
}

function nameOf(day: string, period: Period): string {
  if (period === "day") return day;
  return period === "week" ? daysBefore(day, weekday(day)) : `${day.slice(0, 7)}-01`;
}

function empty(name: string): Sum {
  return { name, requests: 0, events: 0, recommendations: 0, read_units: 0, write_units: 0, estimated_usd: 0 };
}
