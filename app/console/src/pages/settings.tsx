/** Settings of the project: whether unknown items are recommended, and which web pages may use its keys. */
import { api, type Schemas } from "../api";
import { ApiCall, Button, Card, ErrorNote, Field, fieldError, Loading, PageHead, Select, TextArea, toast } from "../components";
import { useAction, useRequest } from "../hooks";
import { session } from "../session";
import { useUnsaved } from "../unsaved";
import { linesOf } from "./access/lines";
import "./access/access.css";

type Settings = Schemas["SettingsView"];

const UNKNOWN = {
  auto: "Until the project has items (default)",
  yes: "Always",
  no: "Never: only items with a record",
} as const;
type Unknown = keyof typeof UNKNOWN;

interface Draft {
  unknown: Unknown;
  origins: string;
}

export default function ProjectSettings() {
  const settings = useRequest((client) => client.GET("/v1/settings"), []);
  return (
    <>
      <PageHead title="Project settings" about={<>What holds for all of <strong>{session.value?.principal.project}</strong>.</>}>
        <ApiCall of={settings.call} />
      </PageHead>
      <ErrorNote error={settings.error} retry={settings.reload} />
      {settings.data ? <Form key={JSON.stringify(settings.data)} settings={settings.data} onSaved={settings.set} /> : settings.isLoading && <Card><Loading lines={5} /></Card>}
    </>
  );
}

function Form({ settings, onSaved }: { settings: Settings; onSaved: (settings: Settings) => void }) {
  const stored: Draft = { unknown: choiceOf(settings), origins: settings.origins.join("\n") };
  const differs = ({ unknown, origins }: Draft) => unknown !== stored.unknown || linesOf(origins).join() !== settings.origins.join();
  const [draft, setDraft, forget] = useUnsaved("/settings", stored, (fields) => (differs(fields) ? fields : {}));
  const { unknown, origins } = draft;
  const isChanged = differs(draft);
  const saving = useAction(async () => {
    const saved = await api.PUT("/v1/settings", { body: { origins: linesOf(origins), recommend_unknown_items: valueOf(unknown) } });
    forget();
    toast("Saved. Settings hold everywhere within a minute.");
    onSaved(saved);
  });
  return (
    <form class="stack" onSubmit={(event) => { event.preventDefault(); void saving.run(); }}>
      <Card title="Items without a record" note="Events can name items that were never put into the catalog: nothing is known of them but their id.">
        <Field label="Recommend them" error={fieldError(saving.error, "/recommend_unknown_items")}>
          {(tie) => <Select {...tie} value={unknown} choices={UNKNOWN} onChoice={(chosen) => setDraft({ ...draft, unknown: chosen as Unknown })} />}
        </Field>
      </Card>
      <Card title="Web pages" note="Browsers let only these pages read responses with keys that name no origins of their own.">
        <Field label="Web origins" hint="One a line, such as https://shop.example. Empty: only pages of this server." error={fieldError(saving.error, "/origins")}>
          {(tie) => <TextArea {...tie} rows={4} value={origins} onText={(text) => setDraft({ ...draft, origins: text })} />}
        </Field>
      </Card>
      {!fieldError(saving.error, "") && <ErrorNote error={saving.error} />}
      <div class="row">
        <Button kind="primary" type="submit" disabled={!isChanged} busy={saving.isRunning}>Save settings</Button>
        {isChanged && <Button icon="undo" onClick={() => setDraft(stored)}>Discard changes</Button>}
      </div>
    </form>
  );
}

function choiceOf({ recommend_unknown_items: setting }: Settings): Unknown {
  return setting === null ? "auto" : setting ? "yes" : "no";
}

function valueOf(choice: Unknown): boolean | null {
  return choice === "auto" ? null : choice === "yes";
}
