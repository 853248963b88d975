/** What this month has cost so far, and a forecast for the whole month. */
import type { Schemas } from "../../api";
import { Card, Chart, Loading } from "../../components";
import { costsOf, rateInWords } from "../../costs";
import { lastDays } from "../../days";
import { day, dollars, roughDollars } from "../../format";

const DAYS = 30;

export function Cost({ usage }: { usage: Schemas["UsageView"] | undefined }) {
  if (!usage) return <Card title="Cost"><Loading /></Card>;
  const days = lastDays(DAYS);
  const costs = days.map((name) => usage.days.find((used) => used.day === name)?.estimated_usd ?? 0);
  const monthly = costsOf(usage.days);
  const { thisMonth, forecast } = monthly;
  return (
    <Card title="Cost" note={`Requests at public prices of ${day(usage.prices_as_of)}, without stored bytes and trainings.`}>
      <dl class="home-facts">
        <dt>This month</dt>
        <dd class="number"><strong>{roughDollars(thisMonth)}</strong></dd>
        <dt>Forecast for the whole month<br /><span class="small">{rateInWords(monthly)}</span></dt>
        <dd class="number"><strong>{roughDollars(forecast)}</strong></dd>
      </dl>
      <Chart label="Estimated US dollars by day" x={days} series={[{ label: "US dollars", values: costs, kind: "bars" }]} format={dollars} height={140} />
    </Card>
  );
}
