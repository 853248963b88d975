/** A visitor's events beside their list: what-if, live changes, and a second list to compare. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { api, explain } from "../../api";
import { ApiCall, Badge, Button, Card, ErrorNote, Loading, Note, Select, Warnings } from "../../components";
import { decimal } from "../../format";
import { useAction, useLive, useRequest } from "../../hooks";
import { may } from "../../session";
import { History, withReasons } from "./history";
import { ItemPanel } from "./item_panel";
import { countedInstead, idsOf, influence, LIMIT, type List, loadList, type Recipe, type Recommended, type Visitor } from "./lists";
import { Ranking } from "./ranking";
import type { Colors } from "./reasons";
import { WhyNot } from "./why_not";

const [COLORS, EVENTS] = [6, 100];
const SETTLED_SECONDS = 4;

interface BoardProps {
  visitor: Visitor;
  recipe: Recipe;
  other: Recipe | undefined;
  types: readonly string[];
  /** The ids of the events that are switched off. */
  off: readonly string[];
  onOff: (eventIds: readonly string[]) => void;
  /** Adds an event to a made-up session. */
  onAdd?: (item: Recommended, type: string) => void;
  onRemove?: (eventId: string) => void;
}

export function Board({ visitor, recipe, other, types, off, onOff, onAdd, onRemove }: BoardProps) {
  const user = "user" in visitor ? visitor.user : undefined;
  const who = JSON.stringify(visitor);
  const how = [recipe.scenario, recipe.version];
  const [type, setType] = useState("view");
  const [chosen, setChosen] = useState<Recommended>();

  const list = useRequest((client) => loadList(client, visitor, recipe), [who, ...how]);
  const changed = useRequest(async (client) => (off.length > 0 ? await loadList(client, visitor, recipe, off) : undefined), [who, ...how, off.join(" ")]);
  const compared = useRequest(async (client) => (other ? await loadList(client, visitor, other, off) : undefined), [who, other?.scenario, other?.version, Boolean(other), off.join(" ")]);
  const stored = useRequest(
    async (client) => (user && may("write") ? await client.GET("/v1/users/{user_id}/events", { params: { path: { user_id: user }, query: { limit: EVENTS } } }) : undefined),
    [user],
  );
  const earlier = useEarlier(who, list.data);
  const pushed = useMovement(user, recipe, list.data, () => {
    for (const each of [list, changed, compared, stored]) each.reload();
  });

  const send = useAction(async (item: Recommended) => {
    if (onAdd) return onAdd(item, type);
    pushed.onSend();
    await api.POST("/v1/events", { body: { events: [{ user_id: user, item_id: item.item_id, event_type: type, recommendation_id: list.data?.recommendation_id }] } });
    stored.reload();
  });

  const storedEvents = may("write") ? stored.data?.events : [];
  const past = "user" in visitor ? withReasons(storedEvents, [list.data, changed.data]) : visitor.events;
  const shown = off.length > 0 ? changed.data ?? list.data : list.data;
  const shares = influence(shown);
  const colors = useColors([...influence(list.data).keys()].slice(0, COLORS));
  const titles = useRef(new Map<string, string>()).current;
  for (const each of [list.data, changed.data, compared.data]) {
    for (const item of each?.items ?? []) titles.set(item.item_id, item.title || item.item_id);
  }
  const common = { titles, colors, onChoose: setChosen };
  const canSend = onAdd !== undefined || may("write");
  const isNew = user !== undefined && may("write") && stored.data?.events.length === 0;

  return (
    <>
      <ErrorNote error={list.error ?? changed.error ?? compared.error ?? send.error} retry={list.reload} />
      <States list={list.data} isNew={isNew} />
      {other && <Equality recipes={[recipe, other]} lists={[shown, compared.data]} />}
      <div class={other ? "view-board is-comparing" : "view-board"}>
        <Card
          class="view-past"
          title={onAdd ? "The session" : "What they did"}
          note="Switch an event off to see the list without it."
          actions={off.length > 0 && <Button small icon="undo" onClick={() => onOff([])}>Switch all on</Button>}
        >
          {canSend && (
            <label class="row small">
              <span class="muted">The button of an item {onAdd ? "adds" : "sends"} a</span>
              <Select value={type} choices={types} onChoice={setType} aria-label="Event type" />
            </label>
          )}
          <ErrorNote error={stored.error} retry={stored.reload} />
          <History
            events={past}
            shares={shares}
            colors={colors}
            off={off}
            instead={countedInstead(past ?? [], off, list.data, changed.data)}
            onSwitch={(id) => onOff(off.includes(id) ? off.filter((each) => each !== id) : [...off, id])}
            onRemove={onRemove}
          />
          {stored.data?.next_cursor && <p class="small muted">The newest {EVENTS} events, and older ones that the list comes from.</p>}
        </Card>
        <Card
          title={other ? "This list" : off.length > 0 ? "Their list without these events" : "Their list"}
          note={<span aria-live="polite">{off.length > 0 ? "Arrows show how far each item moves without them." : pushed.text}</span>}
          actions={<><VersionBadge list={shown} /><ApiCall of={off.length > 0 ? changed.call : list.call} /></>}
        >
          {!shown && !list.error && <Loading lines={10} />}
          {shown && (
            <Ranking
              label="Recommendations"
              list={shown}
              before={off.length > 0 ? idsOf(list.data) : user === undefined ? earlier : pushed.before}
              onSend={canSend ? (item) => void send.run(item) : undefined}
              sending={type}
              {...common}
            />
          )}
        </Card>
        {other && (
          <Card title="The other list" note="How items move from this list." actions={<><VersionBadge list={compared.data} /><ApiCall of={compared.call} /></>}>
            {!compared.data && !compared.error && <Loading lines={10} />}
            {compared.data && <Ranking label="Other recommendations" list={compared.data} before={idsOf(shown)} {...common} />}
          </Card>
        )}
      </div>
      {may("write") && list.data && past && <WhyNot visitor={visitor} recipe={recipe} list={list.data} past={past} />}
      {chosen && <ItemPanel item={chosen} onChoose={setChosen} onClose={() => setChosen(undefined)} />}
    </>
  );
}

function States({ list, isNew }: { list: List | undefined; isNew: boolean }) {
  if (!list) return null;
  return (
    <>
      <Warnings of={list.warnings} />
      {list.degraded && <Note tone="bad">The database cannot be reached: this is the last popular list.</Note>}
      {!list.model_version && <Note tone="warn">No model has been trained yet, so everyone sees trending, popular and new items. <Link href="/models" class="underlined">Train one</Link>.</Note>}
      {list.model_version && isNew && <Note>This user has no events yet, or the id is not right. They see what every new user sees: trending, popular and new items.</Note>}
    </>
  );
}

/** A note that two lists are equal, which is hard to see, or made the same way, which nobody wants to compare. */
function Equality({ recipes: [recipe, other], lists: [list, compared] }: { recipes: readonly [Recipe, Recipe]; lists: readonly [List | undefined, List | undefined] }) {
  if (recipe.scenario === other.scenario && recipe.version === other.version) {
    return <Note>Both lists are made the same way: choose another scenario or model version for one of them.</Note>;
  }
  const areEqual = list && compared && idsOf(list).join(" ") === idsOf(compared).join(" ");
  return areEqual ? <Note>Both lists are equal for this visitor.</Note> : null;
}

function VersionBadge({ list }: { list: List | undefined }) {
  return list?.model_version ? <Badge>version {list.model_version.split("-").at(-1)}</Badge> : null;
}

/** The color of each event, which stays the same when the order changes. */
function useColors(eventIds: readonly string[]): Colors {
  const last = useRef<(string | undefined)[]>([]);
  const slots = last.current.map((id) => (id !== undefined && eventIds.includes(id) ? id : undefined));
  for (const id of eventIds) {
    if (slots.includes(id)) continue;
    const free = slots.indexOf(undefined);
    slots[free < 0 ? slots.length : free] = id;
  }
  last.current = slots;
  return new Map(slots.flatMap((id, slot) => (id === undefined ? [] : [[id, `var(--series-${slot + 1})`] as const])));
}

/** The items of the list before the visitor did something else, as in a made-up session. */
function useEarlier(who: string, list: List | undefined): readonly string[] | undefined {
  const [earlier, setEarlier] = useState<readonly string[]>();
  const last = useRef<{ who: string; list: List }>();
  useEffect(() => {
    if (!list) return;
    if (last.current && last.current.who !== who) setEarlier(idsOf(last.current.list));
    last.current = { who, list };
  }, [list]);
  return earlier;
}

interface Movement {
  /** The items before the list was pushed. */
  before: readonly string[] | undefined;
  text: string;
  /** Notes the time at which an event is sent. */
  onSend: () => void;
}

/** Follows the user's list over the WebSocket; `onPush` gets called when it has changed. */
function useMovement(user: string | undefined, { scenario, version }: Recipe, list: List | undefined, onPush: () => void): Movement {
  const live = useLive(user === undefined ? undefined : { user_id: user, properties: true, ...(scenario ? { scenario } : { limit: LIMIT }) });
  const [before, setBefore] = useState<readonly string[]>();
  const [text, setText] = useState("");
  const last = useRef<readonly string[]>();
  const sentAt = useRef<number>();
  const served = live.list && idsOf(live.list).join(" ");

  useEffect(() => {
    last.current = undefined;
    setBefore(undefined);
    setText("");
  }, [user, scenario, version]);

  useEffect(() => {
    if (!live.list) return;
    const earlier = last.current;
    last.current = idsOf(live.list);
    if (!earlier) return;
    setBefore(earlier);
    const lag = sentAt.current === undefined ? undefined : (performance.now() - sentAt.current) / 1000;
    setText(lag === undefined ? "Moved by an event from elsewhere." : `Moved over the WebSocket ${decimal(lag, 1)} s after the event.`);
    sentAt.current = undefined;
    onPush();
  }, [served]);

  function onSend(): void {
    const at = performance.now();
    sentAt.current = at;
    setText("Sent.");
    setTimeout(() => {
      if (sentAt.current !== at) return;
      sentAt.current = undefined;
      setText("Sent. The list stays as it was.");
    }, SETTLED_SECONDS * 1000);
  }

  const isLive = live.list !== undefined && list !== undefined;
  const state = live.error ? `Not live: ${explain(live.error)}` : isLive ? "Live: it follows events as they arrive." : "";
  return { before: version ? undefined : before, text: text || state, onSend };
}
