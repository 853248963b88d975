/** The versions of a scenario, newest first, and what each of them changed. */
import { useState } from "preact/hooks";
import { ifExists, type Schemas } from "../../api";
import { Badge, Button, Card, Confirm, ErrorNote, Loading } from "../../components";
import { ago, time } from "../../format";
import { useRequest } from "../../hooks";
import { Changes } from "./changes";
import { differences, type Settings } from "./settings";

type Scenario = Schemas["ScenarioView"];
const SHOWN = 10;

interface HistoryProps {
  scenario: Scenario;
  onRestore: (settings: Settings) => Promise<void>;
}

export function History({ scenario, onRestore }: HistoryProps) {
  const [shown, setShown] = useState(SHOWN);
  const [asked, setAsked] = useState<Scenario>();
  const first = Math.max(1, scenario.version - shown);
  const earlier = useRequest(
    (client) =>
      Promise.all(
        Array.from({ length: scenario.version - first }, (_, back) => {
          const query = { version: scenario.version - 1 - back };
          return ifExists(client.GET("/v1/scenarios/{scenario_id}", { params: { path: { scenario_id: scenario.scenario_id }, query } }));
        }),
      ),
    [scenario.scenario_id, scenario.version, shown],
  );
  const versions = [scenario, ...(earlier.data ?? []).filter((each) => each !== null)];
  return (
    <Card title="Versions" note="Each change is one.">
      <ErrorNote error={earlier.error} retry={earlier.reload} />
      <ol class="scenario-versions">
        {versions.map((version, position) => {
          const before = versions[position + 1];
          const changes = before && differences(before.settings, version.settings);
          return (
            <li key={version.version}>
              <div class="row apart">
                <span class="row">
                  <strong>Version {version.version}</strong>
                  {position === 0 && <Badge tone="good">current</Badge>}
                  <span class="muted small" title={time(version.updated_at)}>{ago(version.updated_at)}</span>
                </span>
                {position > 0 && <Button small icon="undo" onClick={() => setAsked(version)}>Restore<span class="hidden-text"> version {version.version}</span></Button>}
              </div>
              {changes && (changes.length ? <Changes changes={changes} verb="became" /> : <p class="muted small">The same settings.</p>)}
              {!before && version.version === 1 && <p class="muted small">The first version.</p>}
            </li>
          );
        })}
      </ol>
      {earlier.isLoading && <Loading lines={2} />}
      {first > 1 && <div><Button small onClick={() => setShown(shown + SHOWN)}>Show earlier versions</Button></div>}
      {asked && (
        <Confirm title={`Restore version ${asked.version}?`} action="Restore" act={() => onRestore(asked.settings)} onClose={() => setAsked(undefined)}>
          <p>Its settings become a new version:</p>
          <Changes changes={differences(scenario.settings, asked.settings)} verb="becomes" />
        </Confirm>
      )}
    </Card>
  );
}
