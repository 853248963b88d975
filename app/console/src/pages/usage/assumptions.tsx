/** What the estimate includes, and what it leaves out. */
import type { Schemas } from "../../api";
import { Card } from "../../components";
import { day, dollars } from "../../format";

const MILLION = 1e6;

export function Assumptions({ days, pricesAsOf }: { days: readonly Schemas["UsageDay"][]; pricesAsOf: string }) {
  const sum = (number: "requests" | "estimated_usd") => days.reduce((total, used) => total + used[number], 0);
  const requests = sum("requests");
  return (
    <Card title="What the estimate is">
      <ul class="bullets">
        <li>The public on-demand prices of AWS in us-east-1 as of {day(pricesAsOf)}, without free tiers. On your own machine nothing costs anything; this is what the same requests would cost.</li>
        <li>It counts the requests, their time in Lambda, and the units of DynamoDB that they consume{requests > 0 && <>: on average {dollars((sum("estimated_usd") / requests) * MILLION)} per million requests</>}.</li>
        <li>It leaves out stored bytes, the stream and the timer, trainings, jobs, logs, and data sent out of AWS. <code>serendip cost</code> forecasts them from your traffic, line by line.</li>
        <li>The last seconds can be missing.</li>
      </ul>
    </Card>
  );
}
