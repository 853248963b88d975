/** What the estimated dollars of this month are for. */
import type { Schemas } from "../../api";
import { Card } from "../../components";
import { today } from "../../days";
import { percent, roughDollars } from "../../format";
import "./parts.css";

const NAMES = {
  writes: "Writing to DynamoDB",
  reads: "Reading from DynamoDB",
  requests: "Requests",
  compute: "Time in Lambda",
} as const;
type Part = keyof typeof NAMES;

export function Parts({ days }: { days: readonly Schemas["UsageDay"][] }) {
  const month = days.filter(({ day }) => day.startsWith(today().slice(0, 7)));
  const sums = (Object.keys(NAMES) as Part[])
    .map((part) => ({ part, sum: month.reduce((total, { parts }) => total + parts[part], 0) }))
    .sort((one, other) => other.sum - one.sum);
  const total = sums.reduce((all, { sum }) => all + sum, 0);
  return (
    <Card title="What this month pays for" note="Requests go through the HTTP API and Lambda.">
      <ul class="usage-parts">
        {sums.map(({ part, sum }) => (
          <li key={part}>
            <div class="row apart"><span>{NAMES[part]}</span><span class="number">{roughDollars(sum)} <span class="muted">{total > 0 && percent(sum / total, 0)}</span></span></div>
            <div class="track" aria-hidden="true"><span style={{ width: `${total > 0 ? (sum / total) * 100 : 0}%` }} /></div>
          </li>
        ))}
      </ul>
    </Card>
  );
}
