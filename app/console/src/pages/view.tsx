/** View as user: the list that a user or a made-up session gets, why, and what would change it. */
import { useState } from "preact/hooks";
import { useSearchParams } from "wouter-preact";
import type { SerendipClient } from "../api";
import { Button, Card, Empty, Field, ID, Input, Note, PageHead, Tabs } from "../components";
import { useRequest } from "../hooks";
import { may } from "../session";
import { userIdsOf } from "./records/users";
import { Board } from "./view/board";
import type { PastEvent, PickedItem, Recipe } from "./view/lists";
import { Picker } from "./view/picker";
import { RecipeChooser } from "./view/recipe";
import "./view.css";

const KINDS = { user: "A user", session: "A made-up session" } as const;
const SUGGESTED = 6;
/** Event types that a click cannot mean, or that need a value. */
const NOT_SENT: readonly string[] = ["impression", "rating"];

export default function View() {
  const [search, setSearch] = useSearchParams();
  const users = useRequest((api) => (may("write") ? suggestions(api) : Promise.resolve([])), []);
  const scenarios = useRequest(async (api) => (may("admin") ? (await api.GET("/v1/scenarios", { params: { query: { limit: 100 } } })).scenarios : []), []);
  const versions = useRequest(async (api) => (may("admin") ? (await api.GET("/v1/models", { params: { query: { limit: 50 } } })).versions : []), []);
  const types = useRequest(async (api) => (may("admin") ? (await api.GET("/v1/event-types")).event_types.map(({ event_type }) => event_type) : []), []);
  const [made, setMade] = useState<readonly PastEvent[]>([]);
  const [madeOff, setMadeOff] = useState<readonly string[]>([]);

  const kind = search.has("session") ? "session" : "user";
  const user = search.get("user") ?? "";
  const recipe = recipeOf(search, "");
  const other = search.has("compare") ? recipeOf(search, "other_") : undefined;
  const eventTypes = [...new Set(["view", "cart", "purchase", ...(types.data ?? [])])].filter((type) => !NOT_SENT.includes(type));
  const choices = { scenarios: scenarios.data ?? [], versions: versions.data ?? [] };

  function go(changes: Readonly<Record<string, string | undefined>>): void {
    setSearch((before) => {
      const after = new URLSearchParams(before);
      for (const [name, value] of Object.entries(changes)) {
        if (value === undefined || (value === "" && name !== "compare" && name !== "session")) after.delete(name);
        else after.set(name, value);
      }
      return after;
    });
  }

  /** Stored events that are switched off are in the address, so that it can be reloaded and passed on. */
  function switchOff(eventIds: readonly string[]): void {
    setSearch((before) => {
      const after = new URLSearchParams(before);
      after.delete("without");
      for (const id of eventIds) after.append("without", id);
      return after;
    });
  }

  return (
    <>
      <PageHead title="View as user" about="What someone sees, why they see it, and what would change it." />
      <Card>
        <div class="view-who">
          <Tabs label="Who" choices={KINDS} value={kind} onChoice={(each) => go({ session: each === "session" ? "" : undefined, without: undefined })} />
          {kind === "user" && <UserChooser key={user} user={user} users={users.data ?? []} onChoose={(id) => go({ user: id, without: undefined })} />}
        </div>
        {may("admin") && (
          <div class="view-recipe">
            <RecipeChooser recipe={recipe} {...choices} onChange={({ scenario, version }) => go({ scenario, version })} />
            {other ? (
              <>
                <span class="view-versus muted">compared with</span>
                <RecipeChooser prefix="Other" recipe={other} {...choices} onChange={({ scenario, version }) => go({ other_scenario: scenario, other_version: version })} />
                <Button icon="close" onClick={() => go({ compare: undefined, other_scenario: undefined, other_version: undefined })}>Stop comparing</Button>
              </>
            ) : (
              <Button icon="layers" onClick={() => go({ compare: "" })}>Compare with another</Button>
            )}
          </div>
        )}
      </Card>
      {kind === "session" && <Made events={made} onEvents={setMade} off={madeOff} onOff={setMadeOff} recipe={recipe} other={other} types={eventTypes} />}
      {kind === "user" && user && <Board key={user} visitor={{ user }} off={search.getAll("without")} onOff={switchOff} recipe={recipe} other={other} types={eventTypes} />}
      {kind === "user" && !user && (
        <Empty icon="eye" title="Whose list do you want to see?">
          {users.data?.length === 0 && <p>Type the id of a user, or make up a session.</p>}
          {(users.data || users.error) && (
            <div class="row view-suggestions">
              {users.data?.slice(0, SUGGESTED).map((id) => <Button key={id} small onClick={() => go({ user: id })}>{id}</Button>)}
              <Button small icon="plus" onClick={() => go({ session: "" })}>Make up a session</Button>
            </div>
          )}
        </Empty>
      )}
    </>
  );
}

function UserChooser({ user, users, onChoose }: { user: string; users: readonly string[]; onChoose: (user: string) => void }) {
  const [text, setText] = useState(user);
  return (
    <form class="view-user" onSubmit={(event) => { event.preventDefault(); if (text.trim()) onChoose(text.trim()); }}>
      <Field label="User">
        {(tie) => <Input {...tie} {...ID} list="view-users" value={text} placeholder="Type or pick a user id" onText={setText} />}
      </Field>
      <datalist id="view-users">{users.map((each) => <option key={each} value={each} />)}</datalist>
      <Button kind="primary" type="submit" disabled={!text.trim()}>Show list</Button>
    </form>
  );
}

interface MadeProps {
  events: readonly PastEvent[];
  onEvents: (events: readonly PastEvent[]) => void;
  off: readonly string[];
  onOff: (eventIds: readonly string[]) => void;
  recipe: Recipe;
  other: Recipe | undefined;
  types: readonly string[];
}

function Made({ events, onEvents, ...board }: MadeProps) {
  function add(item: PickedItem, type = "view"): void {
    const event = { event_id: `made-${Date.now()}`, item_id: item.item_id, event_type: type, timestamp: new Date().toISOString(), title: item.title ?? null };
    onEvents([...events, event]);
  }
  return (
    <>
      <Picker onPick={(item) => add(item)} />
      {events.length === 0 && <Note>Until the visitor does something, they see what a new visitor sees.</Note>}
      <Board visitor={{ events }} {...board} onAdd={add} onRemove={(id) => onEvents(events.filter(({ event_id }) => event_id !== id))} />
    </>
  );
}

/** Users with recent events, then other stored users. */
async function suggestions(api: SerendipClient): Promise<string[]> {
  const [newest, stored] = await Promise.all([
    api.GET("/v1/events", { params: { query: { limit: 50 } } }),
    api.GET("/v1/users", { params: { query: { limit: 50 } } }),
  ]);
  return userIdsOf([...newest.events, ...stored.users]);
}

function recipeOf(search: URLSearchParams, prefix: string): Recipe {
  const [scenario, version] = [search.get(`${prefix}scenario`), search.get(`${prefix}version`)];
  return { ...(scenario && { scenario }), ...(version && { version }) };
}
