/** One scenario: its settings beside what a user would get, its versions, and its end. */
import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { api, ifExists, isConflict, type Schemas } from "../../api";
import { ApiCall, Badge, Button, Card, Confirm, ErrorNote, Loading, Note, PageHead, toast } from "../../components";
import { useAction, useRequest } from "../../hooks";
import { useUnsaved } from "../../unsaved";
import { type Versioned, versioned } from "../records/versions";
import { Changes } from "./changes";
import { History } from "./history";
import { Preview, useDraft } from "./preview";
import { bodyOf, changed, DEFAULTS, differences, PLACE, type Settings } from "./settings";
import { ListForm, RulesForm } from "./settings_form";
import { useVocabulary } from "./vocabulary";

export function Editor({ scenarioId }: { scenarioId: string }) {
  const [user, setUser] = useState("");
  const stored = useRequest(
    (client) => ifExists(versioned(client.raw.GET("/v1/scenarios/{scenario_id}", { params: { path: { scenario_id: scenarioId } } }))),
    [scenarioId],
  );
  const head = (
    <PageHead title={scenarioId} about={<Link href="/scenarios">All scenarios</Link>}><ApiCall of={stored.call} /></PageHead>
  );
  if (stored.data === undefined) return <>{head}<ErrorNote error={stored.error} retry={stored.reload} />{!stored.error && <Loading lines={8} />}</>;
  return <Loaded key={stored.data?.tag ?? "new"} scenarioId={scenarioId} stored={stored.data} reload={stored.reload} call={stored.call} user={user} onUser={setUser} />;
}

interface LoadedProps {
  scenarioId: string;
  /** Null for a scenario that is not stored yet. */
  stored: Versioned<Schemas["ScenarioView"]> | null;
  reload: () => void;
  call: Parameters<typeof ApiCall>[0]["of"];
  /** Whose list the preview shows. */
  user: string;
  onUser: (user: string) => void;
}

function Loaded({ scenarioId, stored, reload, call, user, onUser }: LoadedProps) {
  const [scenario, etag] = [stored?.data, stored?.tag];
  const [, navigate] = useLocation();
  const before = scenario?.settings ?? DEFAULTS;
  const [settings, setSettings, forget] = useUnsaved<Settings>(`${PLACE}${scenarioId}`, before, (fields) => changed(before, fields));
  const [isDeleting, setDeleting] = useState(false);
  const vocabulary = useVocabulary(user);
  const draft = useDraft(scenarioId, settings, user);
  const changes = differences(before, settings);
  const path = { scenario_id: scenarioId };
  const saving = useAction(async (wanted: Settings) => {
    const header = etag ? { "If-Match": etag } : { "If-None-Match": "*" };
    const saved = await api.PUT("/v1/scenarios/{scenario_id}", { params: { path, header }, body: bodyOf(wanted) });
    forget();
    toast(`Saved as version ${saved.version}.`);
    reload();
  });
  const isOutdated = isConflict(saving.error);

  async function remove(): Promise<void> {
    await api.DELETE("/v1/scenarios/{scenario_id}", { params: { path, header: etag ? { "If-Match": etag } : {} } });
    forget();
    toast(`${scenarioId} is deleted.`);
    navigate("/scenarios");
  }

  return (
    <>
      <PageHead title={scenarioId} about={<><Link href="/scenarios">All scenarios</Link> · {scenario ? `version ${scenario.version}` : <Badge tone="accent">not saved yet</Badge>}</>}>
        <ApiCall of={draft.call ?? call} />
        {scenario && <Button kind="danger" icon="trash" onClick={() => setDeleting(true)}>Delete</Button>}
        <Button kind="primary" icon="check" busy={saving.isRunning} disabled={Boolean(draft.error) || (scenario !== undefined && !changes.length)} onClick={() => void saving.run(settings)}>
          {scenario ? "Save version" : "Create scenario"}
        </Button>
      </PageHead>
      <div class="stack">
        {isOutdated ? (
          <Note tone="warn">
            <div class="stack tight">
              <p>This scenario was changed elsewhere since you opened it, so nothing was saved. Your changes stay on this page when you load what it has become.</p>
              <div class="row"><Button small icon="refresh" onClick={reload}>Load the current version</Button></div>
            </div>
          </Note>
        ) : (
          <ErrorNote error={saving.error} />
        )}
        <div class="scenario-halves">
          <RulesForm settings={settings} onChange={setSettings} vocabulary={vocabulary} error={draft.error} />
          <div class="scenario-side stack">
            <Preview draft={draft} user={user} onUser={onUser} users={vocabulary.users} />
            {changes.length > 0 && (
              <Card title="Not saved yet" note="Kept until you close this tab, also when you leave the page." actions={<Button small icon="undo" onClick={() => setSettings(before)}>Discard</Button>}>
                <Changes changes={changes} verb="becomes" />
              </Card>
            )}
          </div>
          <div class="stack">
            <ListForm settings={settings} onChange={setSettings} vocabulary={vocabulary} error={draft.error} />
          </div>
        </div>
        {scenario && <History scenario={scenario} onRestore={saving.run} />}
      </div>
      {isDeleting && (
        <Confirm title={`Delete ${scenarioId}?`} action="Delete scenario" danger act={remove} onClose={() => setDeleting(false)}>
          <p>Requests that name it are answered with 404 from then on. Its versions remain readable.</p>
        </Confirm>
      )}
    </>
  );
}
