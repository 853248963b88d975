/** What this month costs, and what it will have cost at its end if it goes on like this. */
import type { Schemas } from "../../api";
import { Card, Chart, Loading } from "../../components";
import { day, dollars } from "../../format";
import { lastDays, month, today } from "./days";

const DAYS = 30;

export function Cost({ usage }: { usage: Schemas["UsageView"] | undefined }) {
  if (!usage) return <Card title="Cost"><Loading /></Card>;
  const days = lastDays(DAYS);
  const costs = days.map((name) => usage.days.find((used) => used.day === name)?.estimated_usd ?? 0);
  const thisMonth = usage.days.filter((used) => used.day.startsWith(today().slice(0, 7)));
  const spent = thisMonth.reduce((sum, used) => sum + used.estimated_usd, 0);
  const { days: length, past } = month();
  return (
    <Card title="Cost" note={`Requests at public prices of ${day(usage.prices_as_of)}, without stored bytes and trainings.`}>
      <dl class="home-facts">
        <dt>This month</dt>
        <dd class="number"><strong>{dollars(spent)}</strong></dd>
        <dt>Forecast for the whole month</dt>
        <dd class="number"><strong>{dollars((spent / past) * length)}</strong></dd>
      </dl>
      <Chart label="Estimated US dollars by day" x={days} series={[{ label: "US dollars", values: costs, kind: "bars" }]} format={dollars} height={140} />
    </Card>
  );
}
