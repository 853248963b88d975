/** The days that are looked at. */
import { Input } from "../../components";

export const PERIODS = { 7: "7 days", 14: "14 days", 30: "30 days", 90: "90 days" } as const;
const DAY_MILLISECONDS = 86_400_000;
const KEPT_DAYS = 90;

/** `<LastDay value="2026-11-28" onDay={setLast} />`; undefined stands for today. */
export function LastDay({ value, onDay }: { value: string; onDay: (day: string | undefined) => void }) {
  const today = day(Date.now());
  return (
    <label class="row small muted">
      up to
      <Input class="outcome-day" type="date" value={value} min={day(Date.now() - (KEPT_DAYS - 1) * DAY_MILLISECONDS)} max={today} onChange={(event) => onDay(event.currentTarget.value || undefined)} />
    </label>
  );
}

/** So many days up to one of them, oldest first. */
export function daysUpTo(last: string, number: number): string[] {
  const end = Date.parse(last);
  return Array.from({ length: number }, (_, index) => day(end - (number - 1 - index) * DAY_MILLISECONDS));
}

function day(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}
