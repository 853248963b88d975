/** The quality of each version on events that its training held out, beside a list of popular items. */
import { useState } from "preact/hooks";
import { Card, Chart, Empty, Tabs } from "../../components";
import { decimal, percent } from "../../format";
import { metricOf, type Version, versionName } from "../../versions";

export const METRICS = {
  ndcg: "NDCG@20",
  recall: "Recall@20",
  hit_rate: "Hit rate",
  mrr: "MRR",
  coverage: "Coverage",
} as const;
type Metric = keyof typeof METRICS;

const MEANINGS: Readonly<Record<Metric, string>> = {
  ndcg: "How high the items that users chose next stand in the list of 20: 1 is at its top, 0 is not in it.",
  recall: "How many of the items that users chose next are in the list of 20.",
  hit_rate: "How many users have at least one of them in their list of 20.",
  mrr: "1 divided by the rank of the first of them: 0.5 is the second place.",
  coverage: "How much of the catalog is recommended to anyone.",
};
const SHOWN = 30;

export function Quality({ versions }: { versions: readonly Version[] }) {
  const [metric, setMetric] = useState<Metric>("ndcg");
  const ready = versions.filter((version) => metricOf(version, metric)).slice(0, SHOWN).toReversed();
  const series = (label: string, name: string) => {
    const values = ready.map((version) => metricOf(version, name));
    return {
      label,
      values: values.map((each) => each?.value ?? null),
      ...(values.some((each) => each?.low !== undefined) && {
        low: values.map((each) => each?.low ?? null),
        high: values.map((each) => each?.high ?? null),
      }),
    };
  };
  return (
    <Card
      title="Quality by version"
      note="On each user's newest events, which the judged model did not see. The bands are 95% intervals."
      actions={<Tabs label="Metric" choices={METRICS} value={metric} onChoice={(each) => setMetric(each as Metric)} />}
    >
      {ready.length ? (
        <Chart
          label={`${METRICS[metric]} of each version, beside popular items`}
          x={ready.map(({ version }) => versionName(version))}
          series={[series("Model", metric), series("Popular items", `popularity_${metric}`)]}
          format={metric === "coverage" ? (value) => percent(value, 0) : (value) => decimal(value, 3)}
        />
      ) : (
        <Empty icon="chart" title="Nothing is measured yet">The first training measures the quality of its version.</Empty>
      )}
      <p class="small muted">{MEANINGS[metric]}</p>
    </Card>
  );
}
