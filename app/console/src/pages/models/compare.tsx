/** Which of two versions is better, and how sure that is: on held-out events, and by what users did. */
import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import type { Schemas } from "../../api";
import { ApiCall, Badge, Card, ErrorNote, Interval, Loading, Select, Verdict } from "../../components";
import { decimal, percent } from "../../format";
import { useRequest } from "../../hooks";
import { differenceOf, metricOf, type Version, versionName } from "../../versions";

interface CompareProps {
  versions: readonly Version[];
  rollout: Schemas["RolloutView"];
  outcomes: Schemas["OutcomesView"] | undefined;
}

const DAYS = 30;
const POPULAR = "popular items";

export function Compare({ versions, rollout, outcomes }: CompareProps) {
  const ready = versions.filter(({ state }) => state === "ready");
  const usual = usualPair(ready, rollout);
  const [chosen, setChosen] = useState<string>();
  const [chosenBase, setBase] = useState<string>();
  const [name, base] = [chosen ?? usual.name, chosenBase ?? usual.base];
  const names = Object.fromEntries(ready.map(({ version, active }) => [version, `${versionName(version)}${active ? " (active)" : ""}`]));
  const [one, other] = [ready.find(({ version }) => version === name), ready.find(({ version }) => version === base)];
  return (
    <Card
      title="Which version is better, and how sure is that?"
      actions={
        <>
          <Select aria-label="Version" value={name} choices={names} onChoice={setChosen} />
          <span class="muted small">against</span>
          <Select aria-label="Against" value={base} choices={{ ...names, [POPULAR]: "Popular items" }} onChoice={setBase} />
        </>
      }
    >
      {name === base ? <p class="muted">Choose two different versions.</p> : (
        <div class="model-verdict">
          {one && <HeldOut one={one} other={other} />}
          {base !== POPULAR && <Live name={name} against={base} outcomes={outcomes} />}
        </div>
      )}
    </Card>
  );
}

/** What is interesting first: a version in a test or a newer one against the active one, or this against the previous one. */
function usualPair(ready: readonly Version[], { active, previous, shares }: Schemas["RolloutView"]): { name: string; base: string } {
  const newest = ready[0]?.version ?? active;
  const name = Object.keys(shares).find((version) => version !== active) ?? newest;
  if (name !== active) return { name, base: active };
  const earlier = ready.find(({ version }) => version === previous) ?? ready[1];
  return { name, base: earlier?.version ?? POPULAR };
}

function HeldOut({ one, other }: { one: Version; other: Version | undefined }) {
  const [ndcg, before] = [metricOf(one, "ndcg"), other ? metricOf(other, "ndcg") : metricOf(one, "popularity_ndcg")];
  const [name, against] = [versionName(one.version), other ? versionName(other.version) : POPULAR];
  const difference = ndcg && before && differenceOf(ndcg, before);
  if (!ndcg || !before) return <p class="muted">The quality of one of them was not measured.</p>;
  if (other && one.parameters.holdout !== other.parameters.holdout) {
    return <section class="stack tight"><h3>On held-out events</h3><p class="muted">They were judged on different kinds of events, so that their quality cannot be compared.</p></section>;
  }
  const change = before.value ? ` (${signed(percent(ndcg.value / before.value - 1, 0), ndcg.value - before.value)})` : "";
  const values = `NDCG@20 is ${decimal(ndcg.value)} for ${name} and ${decimal(before.value)} for ${against}${change}.`;
  if (!difference) return <section class="stack tight"><h3>On held-out events</h3><p>{values}</p><p class="muted">One of them was trained by an earlier release, which did not measure intervals: train again to see how sure this is.</p></section>;
  const tone = difference.low > 0 ? "good" : difference.high < 0 ? "bad" : "neutral";
  return (
    <section class="stack tight">
      <div class="row apart">
        <h3>On held-out events</h3>
        <Badge tone={tone}>{tone === "good" ? "Better" : tone === "bad" ? "Worse" : "Not clear yet"}</Badge>
      </div>
      <Interval {...difference} tone={tone} />
      <p>
        {tone === "neutral" ? `No clear difference between ${name} and ${against}. ` : `${name} ranks the next items ${tone === "good" ? "higher" : "lower"} than ${against}. `}
        {values}
      </p>
      <p class="small muted">The 95% interval of the difference is {signed(decimal(difference.low), difference.low)} to {signed(decimal(difference.high), difference.high)}{other ? "; each version was judged on the newest events at its time" : ""}.</p>
    </section>
  );
}

function Live({ name, against, outcomes }: { name: string; against: string; outcomes: Schemas["OutcomesView"] | undefined }) {
  const comparison = useRequest((api) => api.GET("/v1/outcomes/comparison", { params: { query: { by: "version", name, against, days: DAYS } } }), [name, against]);
  const shown = (version: string) => outcomes?.outcomes.find((outcome) => outcome.version === version);
  const isMissing = outcomes && !(shown(name) && shown(against));
  return (
    <section class="stack tight">
      <div class="row apart">
        <h3>By what users did in {DAYS} days</h3>
        <ApiCall of={comparison.call} />
      </div>
      <ErrorNote error={comparison.error} retry={comparison.reload} />
      {!comparison.data && !comparison.error && <Loading />}
      {comparison.data && (isMissing ? (
        <p class="muted">No clicks can be compared yet: divide the users between both versions, and send impressions and clicks with their <code>recommendation_id</code>. <Link href="/outcomes">Outcomes</Link> explains how.</p>
      ) : (
        <>
          <Verdict name={versionName(name)} against={versionName(against)} comparison={comparison.data} base={shown(against)} />
          <p class="small muted">95% intervals that stay valid however often you look. <Link href="/outcomes">All outcomes</Link></p>
        </>
      ))}
    </section>
  );
}

function signed(text: string, value: number): string {
  return value > 0 ? `+${text}` : text;
}
