/** Each day's outcomes of the groups that were shown the most. */
import { useState } from "preact/hooks";
import { Card, Chart, Tabs } from "../../components";
import { MEASURES } from "../../differences";
import { count, decimal } from "../../format";
import { type Dimension, groupName, label, mostShown, type Outcome } from "./groups";

interface ByDayProps {
  by: Dimension;
  groups: readonly Outcome[];
  daily: readonly Outcome[];
  days: readonly string[];
}

const MOST_LINES = 6;
const COUNTS = {
  impressions: { label: "Items shown", format: count },
  revenue: { label: "Revenue", format: (value: number) => decimal(value, 0) },
} as const;
const CHOICES = { ...Object.fromEntries(MEASURES.map((measure) => [measure.field, measure.label])), impressions: COUNTS.impressions.label, revenue: COUNTS.revenue.label };

export function ByDay({ by, groups, daily, days }: ByDayProps) {
  const [chosen, setChosen] = useState("click_through");
  const measure = MEASURES.find(({ field }) => field === chosen);
  const counted = chosen === "revenue" ? "revenue" : "impressions";
  const shown = mostShown(groups).slice(0, MOST_LINES);
  const series = shown.map((group) => {
    const name = groupName(by, group) ?? "";
    const rows = days.map((day) => daily.find((outcome) => outcome.day === day && groupName(by, outcome) === name));
    if (!measure) return { label: label(by, name), values: rows.map((row) => row?.[counted] ?? 0) };
    const estimates = rows.map((row) => row?.[measure.field] ?? undefined);
    return {
      label: label(by, name),
      values: estimates.map((each) => each?.value ?? null),
      low: estimates.map((each) => each?.low ?? null),
      high: estimates.map((each) => each?.high ?? null),
    };
  });
  const title = CHOICES[chosen as keyof typeof CHOICES] ?? "";
  return (
    <Card
      title={`${title} by day`}
      note={`Days in UTC.${measure ? " The bands are 95% intervals." : ""}${groups.length > MOST_LINES ? ` The ${MOST_LINES} that were shown the most.` : ""}`}
      actions={<Tabs label="Measure" choices={CHOICES} value={chosen} onChoice={setChosen} />}
    >
      <Chart label={`${title} by day`} x={days} series={series} format={measure ? measure.format : COUNTS[counted].format} height={260} />
    </Card>
  );
}
