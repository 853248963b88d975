/** The outcomes of each group. */
import { Card, type Column, DataTable } from "../../components";
import { type Measure, MEASURES } from "../../differences";
import { count, decimal, NOTHING } from "../../format";
import { type Dimension, DIMENSIONS, groupName, label, mostShown, type Outcome } from "./groups";

export function GroupTable({ by, groups }: { by: Dimension; groups: readonly Outcome[] }) {
  const columns: Column<Outcome>[] = [
    { header: DIMENSIONS[by].replace("By ", "").replace(/^./, (letter) => letter.toUpperCase()), cell: (outcome) => <span class="outcome-name" title={groupName(by, outcome)}>{label(by, groupName(by, outcome) ?? "")}</span> },
    { header: "Items shown", align: "right", sort: ({ impressions }) => impressions, cell: ({ impressions }) => count(impressions) },
    { header: "Clicks", align: "right", sort: ({ clicks }) => clicks, cell: ({ clicks }) => count(clicks) },
    { header: "Purchases", align: "right", sort: ({ conversions }) => conversions, cell: ({ conversions }) => count(conversions) },
    { header: "Revenue", align: "right", sort: ({ revenue }) => revenue, cell: ({ revenue }) => decimal(revenue, 2) },
    ...MEASURES.map((measure): Column<Outcome> => ({
      header: measure.label,
      align: "right",
      sort: (outcome) => outcome[measure.field]?.value ?? -1,
      cell: (outcome) => <Estimated outcome={outcome} measure={measure} />,
    })),
  ];
  return (
    <Card title="Totals" note="Values per item shown, with their 95% intervals.">
      <DataTable label="Outcomes" columns={columns} rows={mostShown(groups)} rowKey={(outcome) => groupName(by, outcome) ?? ""} />
    </Card>
  );
}

function Estimated({ outcome, measure: { field, format } }: { outcome: Outcome; measure: Measure }) {
  const estimate = outcome[field];
  if (!estimate) return <>{NOTHING}</>;
  return <span class="outcome-estimate">{format(estimate.value)} <span class="small muted">{format(estimate.low)} to {format(estimate.high)}</span></span>;
}
