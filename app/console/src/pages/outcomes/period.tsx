/** The days that are looked at. */
import { Input } from "../../components";
import { daysBefore, today } from "../../days";

export const PERIODS = { 7: "7 days", 14: "14 days", 30: "30 days", 90: "90 days" } as const;
const KEPT_DAYS = 90;

/** `<LastDay value="2026-11-28" onDay={setLast} />`; undefined means today. */
export function LastDay({ value, onDay }: { value: string; onDay: (day: string | undefined) => void }) {
  return (
    <label class="row small muted">
      up to
      <Input class="outcome-day" type="date" value={value} min={daysBefore(today(), KEPT_DAYS - 1)} max={today()} onChange={(event) => onDay(event.currentTarget.value || undefined)} />
    </label>
  );
}
