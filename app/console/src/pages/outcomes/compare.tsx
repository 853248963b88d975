/** Two groups compared, in words. */
import { useState } from "preact/hooks";
import { ApiCall, Card, ErrorNote, Loading, Select, Verdict } from "../../components";
import { useRequest } from "../../hooks";
import { type Dimension, groupName, label, mostShown, type Outcome } from "./groups";

interface CompareProps {
  by: Dimension;
  groups: readonly Outcome[];
  days: number;
  to: string;
}

const CAVEATS: Readonly<Record<Dimension, string>> = {
  version: "Versions that share the users at the same time are compared fairly; versions of different times also differ by season.",
  scenario: "Scenarios are shown in different places, which makes a difference of its own.",
  source: "Recommenders fill different ranks of a list, which makes a difference of its own.",
};

export function Compare({ by, groups, days, to }: CompareProps) {
  const names = mostShown(groups).map((outcome) => groupName(by, outcome) ?? "");
  const [chosen, setChosen] = useState<string>();
  const [chosenBase, setBase] = useState<string>();
  const pick = (name: string | undefined, usual: string | undefined) => (name !== undefined && names.includes(name) ? name : usual ?? "");
  const [name, against] = [pick(chosen, names[1]), pick(chosenBase, names[0])];
  const comparison = useRequest(async (api) => (name === against ? undefined : api.GET("/v1/outcomes/comparison", { params: { query: { by, name, against, days, to } } })), [by, name, against, days, to]);
  const choices = Object.fromEntries(names.map((each) => [each, label(by, each)]));
  return (
    <Card
      title="Which is better, and how sure is that?"
      note="95% intervals that stay valid however often you look."
      actions={
        <>
          <Select aria-label="Compared" value={name} choices={choices} onChoice={setChosen} />
          <span class="muted small">against</span>
          <Select aria-label="Against" value={against} choices={choices} onChoice={setBase} />
          <ApiCall of={comparison.call} />
        </>
      }
    >
      <ErrorNote error={comparison.error} retry={comparison.reload} />
      {!comparison.data && comparison.isLoading && <Loading />}
      {name === against ? <p class="muted">Choose two different ones.</p> : comparison.data && comparison.data.name === name && (
        <Verdict name={label(by, name)} against={label(by, against)} comparison={comparison.data} base={groups.find((outcome) => groupName(by, outcome) === against)} />
      )}
      <p class="small muted">{CAVEATS[by]}</p>
    </Card>
  );
}
