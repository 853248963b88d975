/** What a version has learned, from what, and how well it does. */
import { Card, Dialog } from "../../components";
import { count, decimal, duration, NOTHING, percent, time } from "../../format";
import { metricOf, type Version, versionName } from "../../versions";
import { inWords } from "./parameters";
import { METRICS } from "./quality";

const COUNTS = { interactions: "events that count", users: "users", items: "items", bought_together: "items bought with others" } as const;

/** The active version, on the page. */
export function Learned({ version }: { version: Version }) {
  return (
    <Card title={`What ${versionName(version.version)} has learned`} note={data(version)}>
      <Sentences version={version} />
    </Card>
  );
}

/** Any version, in a dialog. */
export function Details({ version, onClose }: { version: Version; onClose: () => void }) {
  return (
    <Dialog title={`Version ${versionName(version.version)}`} wide onClose={onClose}>
      <p class="small muted"><span class="mono">{version.version}</span>, asked for {time(version.created_at)}, took {duration(version.seconds)}. {data(version)}</p>
      {version.detail && <p>{version.detail}</p>}
      {metricOf(version, "ndcg") && (
        <>
          <p class="small muted">On held-out events of {count(Number(version.metrics.users))} users; the brackets are 95% intervals.</p>
          <Metrics version={version} />
        </>
      )}
      <Sentences version={version} />
    </Dialog>
  );
}

function Metrics({ version }: { version: Version }) {
  const cell = (name: string) => {
    const metric = metricOf(version, name);
    const format = name.endsWith("coverage") ? (value: number | undefined) => percent(value, 0) : (value: number | undefined) => decimal(value);
    if (!metric) return NOTHING;
    if (metric.low === undefined) return format(metric.value);
    return <>{format(metric.value)} <span class="model-interval small muted">({format(metric.low)} to {format(metric.high)})</span></>;
  };
  return (
    <div class="table model-metrics" role="region" aria-label="Metrics" tabIndex={0}>
      <table aria-label="Metrics">
        <thead><tr><th scope="col">Metric</th><th scope="col" class="right">Model</th><th scope="col" class="right">Popular items</th></tr></thead>
        <tbody>
          {Object.entries(METRICS).map(([name, label]) => (
            <tr key={name}><th scope="row">{label}</th><td class="right">{cell(name)}</td><td class="right">{cell(`popularity_${name}`)}</td></tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Sentences({ version }: { version: Version }) {
  const sentences = inWords(version.parameters);
  if (!sentences.length) return <p class="muted">It has no parameters yet.</p>;
  return (
    <dl class="model-words">
      {sentences.map(({ about, says }) => (
        <div key={about}><dt>{about}</dt><dd>{says}</dd></div>
      ))}
    </dl>
  );
}

function data({ counts }: Version): string {
  const parts = Object.entries(COUNTS).flatMap(([name, words]) => (counts[name] === undefined ? [] : [`${count(counts[name])} ${words}`]));
  return parts.length ? `Learned from ${parts.join(", ")}.` : "";
}
