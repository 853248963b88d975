/** The estimated cost of a project's requests by month and week, for both Home and Usage. Days are in UTC. */
import type { Schemas } from "./api";
import { DAY_MILLISECONDS, daysBefore, month, today, weekday } from "./days";

type UsageDay = Schemas["UsageDay"];

const RATE_DAYS = 7;

export interface Costs {
  thisMonth: number;
  /** This month, if its remaining days cost what the last seven did. */
  forecast: number;
  lastMonth: number;
  /** From Monday to Sunday. */
  lastWeek: number;
  weekBefore: number;
  /** The first and last day of the last week. */
  week: [string, string];
}

export function costsOf(usage: readonly UsageDay[]): Costs {
  const now = today();
  const monday = daysBefore(now, weekday(now) + 7);
  const sunday = daysBefore(monday, -6);
  const sum = (from: string, to: string) =>
    usage.filter(({ day }) => day >= from && day <= to).reduce((total, { estimated_usd }) => total + estimated_usd, 0);
  const monthStart = `${now.slice(0, 7)}-01`;
  const monthBefore = daysBefore(monthStart, 1);
  const { days, past } = month();
  const thisMonth = sum(monthStart, now);
  return {
    thisMonth,
    forecast: thisMonth + (days - past) * dailyCost(usage, sum, now),
    lastMonth: sum(`${monthBefore.slice(0, 7)}-01`, monthBefore),
    lastWeek: sum(monday, sunday),
    weekBefore: sum(daysBefore(monday, 7), daysBefore(monday, 1)),
    week: [monday, sunday],
  };
}

/** The cost of a day at the rate of the last seven, or of all days of a younger project. */
function dailyCost(usage: readonly UsageDay[], sum: (from: string, to: string) => number, now: string): number {
  const start = daysBefore(now, RATE_DAYS);
  const oldest = usage.reduce((first, { day }) => (day < first ? day : first), now);
  const first = oldest > start ? oldest : start;
  const length = (Date.now() - Date.parse(first)) / DAY_MILLISECONDS;
  return sum(first, now) / Math.max(1, length);
}
