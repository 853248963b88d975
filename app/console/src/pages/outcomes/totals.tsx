/** The totals, with how sure they are. */
import { Stat } from "../../components";
import { MEASURES, type Measure } from "../../differences";
import { count, decimal, short } from "../../format";
import type { Outcome } from "./groups";

export function Totals({ total }: { total: Outcome }) {
  const [clicks, purchases, revenue] = MEASURES;
  return (
    <div class="tiles">
      <Stat label="Items shown" value={short(total.impressions)} note={`${count(total.impressions)} impressions`} />
      <Stat label={clicks.label} value={clicks.format(total.click_through?.value)} note={`${between(total, clicks)}, ${count(total.clicks)} clicks`} />
      <Stat label={purchases.label} value={purchases.format(total.conversion?.value)} note={`${between(total, purchases)}, ${count(total.conversions)} purchases`} />
      <Stat label="Revenue" value={decimal(total.revenue, 2)} note="values of purchases" />
      <Stat label={revenue.label} value={revenue.format(total.revenue_per_impression?.value)} note={between(total, revenue)} />
    </div>
  );
}

function between(total: Outcome, { field, format }: Measure): string {
  const estimate = total[field];
  return estimate ? `${format(estimate.low)} to ${format(estimate.high)}` : "not measured yet";
}
