/** The sums that people ask for: this month, its forecast, last week, last month. */
import type { Schemas } from "../../api";
import { Stat } from "../../components";
import { costsOf, rateInWords } from "../../costs";
import { day, percent, roughDollars } from "../../format";

export function Totals({ days }: { days: readonly Schemas["UsageDay"][] }) {
  const costs = costsOf(days);
  const { thisMonth, forecast, lastMonth, lastWeek, weekBefore, week } = costs;
  return (
    <div class="tiles">
      <Stat label="This month so far" value={roughDollars(thisMonth)} note="Days in UTC" />
      <Stat label="Forecast for the month" value={roughDollars(forecast)} note={rateInWords(costs)} />
      <Stat label="Last week" value={roughDollars(lastWeek)} note={<>{day(week[0])} to {day(week[1])}<br />{change(lastWeek, weekBefore)}</>} />
      <Stat label="Last month" value={roughDollars(lastMonth)} note="The whole month" />
    </div>
  );
}

function change(after: number, before: number): string {
  if (!before) return "Nothing in the week before";
  const share = after / before - 1;
  return `${percent(Math.abs(share), 0)} ${share < 0 ? "less" : "more"} than in the week before`;
}
