/** All versions, newest first. */
import type { Schemas } from "../../api";
import { Badge, Button, Card, type Column, DataTable, Empty } from "../../components";
import { ago, decimal, duration, NOTHING, percent, time } from "../../format";
import { may } from "../../session";
import { metricOf, type Version, versionName } from "../../versions";

interface TableProps {
  versions: readonly Version[];
  rollout: Schemas["RolloutView"] | undefined;
  outcomes: Schemas["OutcomesView"] | undefined;
  onShow: (version: Version) => void;
  onActivate: (version: Version) => void;
}

const VERDICTS = { better: { tone: "good", word: "better" }, worse: { tone: "bad", word: "worse" }, undecided: { tone: "neutral", word: "not clear" } } as const;
const STATES = { training: "accent", cancelling: "neutral", ready: "neutral", failed: "bad", cancelled: "neutral" } as const;

export function VersionTable({ versions, rollout, outcomes, onShow, onActivate }: TableProps) {
  const isPrevious = ({ version }: Version) => rollout?.previous === version;
  const columns: Column<Version>[] = [
    {
      header: "Version",
      cell: (version) => (
        <div class={version.active ? "model-name is-active" : "model-name"}>
          <button type="button" class="link" title={version.version} onClick={() => onShow(version)}>{versionName(version.version)}</button>
          {version.active && <Badge tone="good">active</Badge>}
          {isPrevious(version) && <Badge>previous</Badge>}
          {version.state !== "ready" && <Badge tone={STATES[version.state]}>{version.state}</Badge>}
          {version.detail && <p class="small muted">{version.detail}</p>}
        </div>
      ),
    },
    { header: "Trained", sort: ({ created_at }) => created_at, cell: ({ created_at, seconds }) => <span class="model-when" title={time(created_at)}>{ago(created_at)}<span class="small muted">{seconds != null && `in ${duration(seconds)}`}</span></span> },
    { header: "NDCG@20", align: "right", sort: (version) => metricOf(version, "ndcg")?.value ?? -1, cell: (version) => <Measured version={version} name="ndcg" /> },
    { header: "Popular items", align: "right", cell: (version) => <Measured version={version} name="popularity_ndcg" /> },
    { header: "Users", align: "right", sort: ({ version }) => rollout?.shares[version] ?? 0, cell: ({ version }) => (rollout?.shares[version] ? percent(rollout.shares[version] / 100, 0) : rollout?.shadows.includes(version) ? "shadow" : NOTHING) },
    { header: "Clicks, 30 days", align: "right", cell: ({ version }) => <Clicks version={version} outcomes={outcomes} /> },
    {
      header: "",
      align: "right",
      cell: (version) =>
        may("admin") && version.state === "ready" && !version.active && (
          <Button small icon={isPrevious(version) ? "undo" : "check"} onClick={() => onActivate(version)}>{isPrevious(version) ? "Roll back" : "Activate"}</Button>
        ),
    },
  ];
  return (
    <Card title="Versions" note="A name shows what the version has learned.">
      <DataTable label="Versions" columns={columns} rows={versions} rowKey={({ version }) => version} empty={<Empty icon="layers" title="No version yet">Train the first one; until then users see popular items.</Empty>} />
    </Card>
  );
}

function Measured({ version, name }: { version: Version; name: string }) {
  const metric = metricOf(version, name);
  if (!metric) return <>{NOTHING}</>;
  return (
    <span class="model-when" title={metric.low === undefined ? undefined : `95% interval: ${decimal(metric.low)} to ${decimal(metric.high)}`}>
      {decimal(metric.value)}
      {metric.low !== undefined && <span class="small muted">± {decimal(metric.value - metric.low)}</span>}
    </span>
  );
}

function Clicks({ version, outcomes }: { version: string; outcomes: Schemas["OutcomesView"] | undefined }) {
  const rate = outcomes?.outcomes.find((outcome) => outcome.version === version)?.click_through;
  const comparison = outcomes?.comparisons.find((each) => each.version === version);
  if (!rate) return <>{NOTHING}</>;
  return (
    <span class="model-when">
      <span title={`95% interval: ${percent(rate.low)} to ${percent(rate.high)}`}>{percent(rate.value)}</span>
      {comparison && <Badge tone={VERDICTS[comparison.verdict].tone}>{VERDICTS[comparison.verdict].word}</Badge>}
    </span>
  );
}
