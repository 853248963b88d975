/** Days in UTC, by which usage and outcomes are counted. */

export const DAY_MILLISECONDS = 86_400_000;

/** Today as 2026-11-28. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** The `number` days that end with `last`, oldest first. */
export function lastDays(number: number, last = today()): string[] {
  return Array.from({ length: number }, (_, index) => daysBefore(last, number - 1 - index));
}

/** The length of this month in days, and how much of it is over. */
export function month(): { days: number; past: number } {
  const now = new Date();
  const start = Date.UTC(now.getUTCFullYear(), now.getUTCMonth());
  const end = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1);
  return { days: (end - start) / DAY_MILLISECONDS, past: (now.getTime() - start) / DAY_MILLISECONDS };
}

/** The day `number` days before another; a negative number counts forward. */
export function daysBefore(day: string, number: number): string {
  return new Date(Date.parse(day) - number * DAY_MILLISECONDS).toISOString().slice(0, 10);
}

/** The number of days since Monday. */
export function weekday(day: string): number {
  return (new Date(day).getUTCDay() + 6) % 7;
}
