/** All scenarios, and a name for a new one. */
import { Fragment } from "preact";
import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { ApiCall, Button, Card, type Column, DataTable, Empty, Field, FormDialog, ID, Input, Note, PageHead } from "../../components";
import type { Schemas } from "../../api";
import { ago, time } from "../../format";
import { usePages } from "../../hooks";
import { unsaved } from "../../unsaved";
import { PLACE, summary } from "./settings";

type Scenario = Schemas["ScenarioView"];

const COLUMNS: Column<Scenario>[] = [
  { header: "Scenario", sort: (each) => each.scenario_id, cell: (each) => <Link href={`/scenarios/${encodeURIComponent(each.scenario_id)}`}><strong>{each.scenario_id}</strong></Link> },
  { header: "What it does", cell: (each) => <span class="scenario-summary">{summary(each.settings)}</span> },
  { header: "Version", align: "right", sort: (each) => each.version, cell: (each) => each.version },
  { header: "Changed", sort: (each) => each.updated_at, cell: (each) => <span title={time(each.updated_at)}>{ago(each.updated_at)}</span> },
];

export function List() {
  const [isNaming, setNaming] = useState(false);
  const changed = unsaved.value.filter((path) => path.startsWith(PLACE)).map((path) => path.slice(PLACE.length));
  const scenarios = usePages(async (client, cursor) => {
    const page = await client.GET("/v1/scenarios", { params: { query: { cursor } } });
    return { rows: page.scenarios, next: page.next_cursor };
  }, []);
  return (
    <>
      <PageHead title="Scenarios" about="Settings of the places where recommendations are shown. A request only names one.">
        <ApiCall of={scenarios.call} />
        <Button kind="primary" icon="plus" onClick={() => setNaming(true)}>New scenario</Button>
      </PageHead>
      {changed.length > 0 && (
        <Note tone="warn">
          Not saved yet: {changed.map((id, position) => <Fragment key={id}>{position > 0 && ", "}<Link href={`/scenarios/${encodeURIComponent(id)}`}>{id}</Link></Fragment>)}. Open {changed.length === 1 ? "it" : "them"} to save or discard the changes, before you close this tab.
        </Note>
      )}
      <Card class="scenario-list as-cards">
        <DataTable
          label="Scenarios"
          columns={COLUMNS}
          rowKey={(each) => each.scenario_id}
          empty={<Empty icon="sliders" title="No scenarios yet">A scenario keeps limits, rules and rows of a place, such as a home page or a cart, outside of your code.</Empty>}
          {...scenarios}
        />
      </Card>
      {isNaming && <Name onClose={() => setNaming(false)} />}
    </>
  );
}

function Name({ onClose }: { onClose: () => void }) {
  const [, navigate] = useLocation();
  const [name, setName] = useState("");
  return (
    <FormDialog title="New scenario" action="Continue" onSubmit={() => navigate(`/scenarios/${encodeURIComponent(name.trim())}`)} onClose={onClose}>
      <Field label="Id" hint="Requests name it: scenario=home. Letters, digits and any of . _ : ~ | @ -">
        {(tie) => <Input {...tie} required {...ID} value={name} onText={setName} placeholder="home" />}
      </Field>
    </FormDialog>
  );
}
