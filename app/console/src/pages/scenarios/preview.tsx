/** What a user would get with the settings as they stand in the form. */
import { useEffect, useState } from "preact/hooks";
import type { Call, Schemas } from "../../api";
import { SerendipError } from "../../api";
import { Badge, Card, Empty, ErrorNote, Field, Input, Loading, Picture, Warnings } from "../../components";
import { decimal } from "../../format";
import { useRequest } from "../../hooks";
import { sourceInWords } from "../../sources";
import { bodyOf, type Settings } from "./settings";

type Checked = Schemas["StoredScenarioView"];
type Item = Schemas["RecommendationView"];

export interface Draft {
  data: Checked | undefined;
  error: unknown;
  isLoading: boolean;
  call: Call | undefined;
}

const RULES = /^\/?(filter|boost)$/;
const PAUSE_MILLISECONDS = 350;

/** Checks the settings as they are typed, and asks for the preview of the user if there is one. */
export function useDraft(scenarioId: string, settings: Settings, user: string): Draft {
  const [settled, setSettled] = useState({ settings, user });
  useEffect(() => {
    const timer = setTimeout(() => setSettled({ settings, user }), PAUSE_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [settings, user]);
  const checked = useRequest(
    (client) =>
      client.PUT("/v1/scenarios/{scenario_id}", {
        params: { path: { scenario_id: scenarioId }, query: { dry_run: true, ...(settled.user && { preview_user: settled.user }) } },
        body: bodyOf(settled.settings),
      }),
    [scenarioId, JSON.stringify(settled)],
  );
  return { ...checked, isLoading: checked.isLoading || settled.settings !== settings || settled.user !== user };
}

interface PreviewProps {
  draft: Draft;
  user: string;
  onUser: (user: string) => void;
  users: readonly string[];
}

export function Preview({ draft, user, onUser, users }: PreviewProps) {
  const { data } = draft;
  const faults = draft.error instanceof SerendipError && draft.error.errors.length > 0 ? draft.error.errors : undefined;
  const lists = data?.preview ? [data.preview, ...(data.preview_rows ?? [])] : [];
  const warnings = [...new Set(lists.flatMap((list) => list.warnings ?? []))];
  useEffect(() => {
    if (!user && users[0]) onUser(users[0]);
  }, [users[0]]);
  return (
    <Card title="Live preview" note="With the settings on this page; nothing is stored.">
      <Field label="User">
        {(tie) => <Input {...tie} list="scenario-users" value={user} placeholder="Id of a user" onText={(text) => onUser(text.trim())} />}
      </Field>
      <datalist id="scenario-users">{users.map((each) => <option key={each} value={each} />)}</datalist>
      {faults ? <Faults faults={faults} /> : <ErrorNote error={draft.error} />}
      {!faults && <Warnings of={warnings} />}
      {!data && draft.isLoading && <Loading lines={5} />}
      {!user && !faults && data && <Empty icon="eye" title="Whose list do you want to see?">Type the id of a user, also of one without events.</Empty>}
      <div class="stack scenario-preview" aria-busy={draft.isLoading} aria-live="polite">
        {data?.preview_rows?.map((row) => (
          <section key={row.recommendation_id} class="stack tight">
            <h3>{row.title}</h3>
            <Items items={row.items} />
          </section>
        ))}
        {data?.preview && !data.preview_rows?.length && <Items items={data.preview.items} />}
      </div>
    </Card>
  );
}

/** Errors that may be of settings without a place for them; those of rules stand at their column. */
function Faults({ faults }: { faults: SerendipError["errors"] }) {
  const others = faults.filter(({ pointer }) => !RULES.test(pointer));
  return (
    <div class="small tone-bad" role="status">
      <p>The settings have an error, so this is the last list before it.</p>
      <ul>{others.map(({ pointer, detail }) => <li key={pointer}>{pointer.slice(1).replaceAll("/", ", ")}: {detail}</li>)}</ul>
    </div>
  );
}

function Items({ items }: { items: readonly Item[] }) {
  if (!items.length) return <Empty icon="box" title="No items">The filter leaves nothing for this user.</Empty>;
  return (
    <ol class="scenario-items">
      {items.map((item) => (
        <li key={item.item_id}>
          <Picture item={item} size={36} />
          <span class="scenario-item">
            <span class="truncate">{item.title || item.item_id}</span>
            <span class="muted small truncate">{[item.item_id, ...(item.categories ?? [])].join(" · ")}</span>
          </span>
          <span class="muted small number">{item.score ? decimal(item.score, 2) : ""}</span>
          <Badge tone={item.source === "neighbors" ? "accent" : "neutral"}>{sourceInWords(item.source)}</Badge>
        </li>
      ))}
    </ol>
  );
}
