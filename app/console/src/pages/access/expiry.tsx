/** When a key expires: never, after some days, or at a time that was set before. */
import { Field, Select } from "../../components";
import { DAY_MILLISECONDS } from "../../days";
import { day } from "../../format";

export const NEVER = "";
const AFTER_DAYS: Readonly<Record<string, string>> = { 1: "In a day", 7: "In a week", 30: "In 30 days", 90: "In 90 days", 365: "In a year" };

interface ExpiryProps {
  /** A number of days, an ISO time, or NEVER. */
  value: string;
  onChange: (value: string) => void;
  error: string | undefined;
}

export function Expiry({ value, onChange, error }: ExpiryProps) {
  const isTime = value !== NEVER && !(value in AFTER_DAYS);
  const choices = { [NEVER]: "Never", ...(isTime && { [value]: `On ${day(value)}` }), ...AFTER_DAYS };
  return (
    <Field label="Expires" error={error}>
      {(tie) => <Select {...tie} value={value} choices={choices} onChoice={onChange} />}
    </Field>
  );
}

/** The time for the API; null for never. */
export function expiryOf(value: string, now = Date.now()): string | null {
  if (value === NEVER) return null;
  return value in AFTER_DAYS ? new Date(now + Number(value) * DAY_MILLISECONDS).toISOString() : value;
}
