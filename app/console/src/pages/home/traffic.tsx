/** Requests by day. */
import type { Schemas } from "../../api";
import { Card, Chart, Empty, Loading } from "../../components";
import { count, short } from "../../format";
import { lastDays } from "../../days";

const DAYS = 30;

export function Traffic({ usage }: { usage: readonly Schemas["UsageDay"][] | undefined }) {
  if (!usage) return <Card title="Traffic by day"><Loading lines={5} /></Card>;
  const days = lastDays(DAYS);
  const of = (name: "events" | "recommendations") => days.map((day) => usage.find((used) => used.day === day)?.[name] ?? 0);
  const [events, lists] = [of("events"), of("recommendations")];
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  if (sum(events) + sum(lists) === 0) {
    return <Card title="Traffic by day"><Empty icon="chart" title="No requests yet">Events and lists of the API are counted here by day.</Empty></Card>;
  }
  return (
    <Card title="Traffic by day" note={`Through the API in ${DAYS} days: ${count(sum(events))} events, ${count(sum(lists))} lists. What this console asks for counts too, files that the command line loads do not.`}>
      <Chart
        label={`Events and lists by day in the last ${DAYS} days`}
        x={days}
        series={[{ label: "Events", values: events }, { label: "Lists", values: lists }]}
        format={short}
        height={200}
      />
    </Card>
  );
}
