/** The estimated cost of a project's requests by month and week, for both Home and Usage. Days are in UTC. */
import type { Schemas } from "./api";
import { DAY_MILLISECONDS, daysBefore, month, today, weekday } from "./days";

type UsageDay = Schemas["UsageDay"];

const RATE_DAYS = 7;

export interface Costs {
  thisMonth: number;
  /** This month, if its remaining days cost what the last ones did. */
  forecast: number;
  /** How many days the forecast is based on, at most seven; 1 if the project is new today. */
  forecastDays: number;
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
  const first = firstOfRate(usage, now);
  const length = Math.max(1, (Date.now() - Date.parse(first)) / DAY_MILLISECONDS);
  return {
    thisMonth,
    forecast: thisMonth + ((days - past) * sum(first, now)) / length,
    forecastDays: Math.ceil(length),
    lastMonth: sum(`${monthBefore.slice(0, 7)}-01`, monthBefore),
    lastWeek: sum(monday, sunday),
    weekBefore: sum(daysBefore(monday, 7), daysBefore(monday, 1)),
    week: [monday, sunday],
  };
}

/** The first of the last seven days with today, or the first day of a younger project. */
function firstOfRate(usage: readonly UsageDay[], now: string): string {
  const start = daysBefore(now, RATE_DAYS - 1);
  const oldest = usage.reduce((first, { day }) => (day < first ? day : first), now);
  return oldest > start ? oldest : start;
}

/** What the forecast is based on. */
export function rateInWords({ forecastDays }: Costs): string {
  return forecastDays === 1 ? "If every day costs what today has cost so far" : `At the rate of the last ${forecastDays} days`;
}
