/** The active model beside recommending what is popular, on events that the training held out. */
import type { Schemas } from "../../api";
import { Badge, Bar, Card, Empty, Loading } from "../../components";
import { ago, count, decimal, duration, percent } from "../../format";

interface Metric {
  name: string;
  label: string;
  /** What it means, in a sentence. */
  meaning: string;
}

const METRICS: readonly Metric[] = [
  { name: "ndcg", label: "NDCG@20", meaning: "How high the next item stands in the list" },
  { name: "recall", label: "Recall@20", meaning: "How often the next item is in the list" },
  { name: "coverage", label: "Catalog coverage", meaning: "How much of the catalog is recommended to anyone" },
];

export function Model({ versions }: { versions: readonly Schemas["VersionView"][] | undefined }) {
  if (!versions) return <Card title="Active model"><Loading /></Card>;
  const active = versions.find((version) => version.active);
  const training = versions.find((version) => version.state === "training");
  const progress = training && <Bar label={`Training: ${training.phase}`} share={training.progress} />;
  if (!active) {
    return (
      <Card title="Active model">
        {progress ?? <Empty icon="layers" title="No model yet">Until one is trained, users see popular items.</Empty>}
      </Card>
    );
  }
  const lift = gain(active.metrics, "ndcg");
  return (
    <Card
      title="Active model"
      note={<>Trained {ago(active.created_at)} in {duration(active.seconds)}, on {count(active.counts.interactions)} interactions of {count(active.counts.users)} users.</>}
      actions={lift !== undefined && <Badge tone={lift > 0 ? "good" : "warn"}>{lift > 0 ? "+" : ""}{percent(lift, 0)} NDCG</Badge>}
    >
      {progress}
      <div class="home-metrics">
        {METRICS.map((metric) => <Measure key={metric.name} metric={metric} values={active.metrics} />)}
      </div>
      <p class="small muted">Held-out events: the model's list (colored) beside a list of popular items.</p>
    </Card>
  );
}

function Measure({ metric: { name, label, meaning }, values }: { metric: Metric; values: Readonly<Record<string, unknown>> }) {
  const [model, popular] = [numberOf(values[name]), numberOf(values[`popularity_${name}`])];
  if (model === undefined) return null;
  return (
    <div class="measure">
      <div class="row apart">
        <span title={meaning}>{label}</span>
        <span class="number">
          <strong>{decimal(model)}</strong> <span class="muted">popular {decimal(popular)}</span>
        </span>
      </div>
      <div class="track" aria-hidden="true"><span style={{ width: `${model * 100}%` }} /></div>
      <div class="track" aria-hidden="true"><span class="is-popular" style={{ width: `${(popular ?? 0) * 100}%` }} /></div>
    </div>
  );
}

function gain(metrics: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const [model, popular] = [numberOf(metrics[name]), numberOf(metrics[`popularity_${name}`])];
  return model !== undefined && popular ? model / popular - 1 : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
