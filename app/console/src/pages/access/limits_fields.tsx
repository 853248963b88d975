/** The three numbers of a limit, as inputs and in words. */
import type { Schemas } from "../../api";
import { Field, fieldError, Input } from "../../components";
import { count } from "../../format";

type Limits = Schemas["LimitsView"];

/** Numbers as they were typed; empty means no limit. */
export interface LimitsText {
  rate: string;
  burst: string;
  quota: string;
}

export const NO_LIMITS: LimitsText = { rate: "", burst: "", quota: "" };
const NOTHING_SET: LimitsText = { rate: "No limit", burst: "Same", quota: "No limit" };

interface LimitsFieldsProps {
  value: LimitsText;
  onChange: (value: LimitsText) => void;
  error: unknown;
  /** The pointer of the limits in the body: `/limits` or `/user_limits`. */
  pointer?: string;
  /** The limits that apply if all are empty. */
  usual?: LimitsText;
}

export function LimitsFields({ value, onChange, error, pointer = "/limits", usual }: LimitsFieldsProps) {
  const isEmpty = !value.rate && !value.burst && !value.quota;
  const hint = usual && isEmpty ? usual : NOTHING_SET;
  const number = { type: "number" } as const;
  return (
    <div class="limits-fields">
      <Field label="Requests per second" error={fieldError(error, `${pointer}/requests_per_second`)}>
        {(tie) => <Input {...tie} {...number} min="0.01" step="any" placeholder={hint.rate} value={value.rate} onText={(rate) => onChange({ ...value, rate })} />}
      </Field>
      <Field label="At once" error={fieldError(error, `${pointer}/burst`)}>
        {(tie) => <Input {...tie} {...number} min="1" placeholder={hint.burst} value={value.burst} onText={(burst) => onChange({ ...value, burst })} />}
      </Field>
      <Field label="Per day" error={fieldError(error, `${pointer}/requests_per_day`)}>
        {(tie) => <Input {...tie} {...number} min="1" placeholder={hint.quota} value={value.quota} onText={(quota) => onChange({ ...value, quota })} />}
      </Field>
    </div>
  );
}

export function textOf({ requests_per_second, burst, requests_per_day }: Limits): LimitsText {
  const text = (number: number | null) => number?.toString() ?? "";
  return { rate: text(requests_per_second), burst: text(burst), quota: text(requests_per_day) };
}

export function limitsOf({ rate, burst, quota }: LimitsText): Limits {
  const number = (text: string) => (text === "" ? null : Number(text));
  return { requests_per_second: number(rate), burst: number(burst), requests_per_day: number(quota) };
}

/** 10 a second, 20 at once, 100,000 a day */
export function inWords({ requests_per_second, burst, requests_per_day }: Limits): string {
  const parts = [
    requests_per_second !== null && `${requests_per_second.toLocaleString()} a second`,
    requests_per_second !== null && burst !== null && `${count(burst)} at once`,
    requests_per_day !== null && `${count(requests_per_day)} a day`,
  ];
  return parts.filter(Boolean).join(", ") || "No limit";
}
