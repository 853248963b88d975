/** The newest events of all users, refreshed every second. */
import { useState } from "preact/hooks";
import { Link, useSearchParams } from "wouter-preact";
import { ApiCall, Button, Card, Empty, Field, ID, Input, Note, Select, Toggle } from "../../components";
import { count, time } from "../../format";
import { useRequest } from "../../hooks";
import { may } from "../../session";
import { EventTable } from "../records/event_table";
import { type Conditions, useFeed } from "../records/feed";

const NAMES = ["user_id", "item_id", "event_type"] as const;
const IMPRESSION = "impression";
/** A choice of the filter, which is no type: all events but impressions. */
const DEEDS = "-impression";

export function EventFeed() {
  const [query, setQuery] = useSearchParams();
  const [isLive, setLive] = useState(true);
  const conditions: Conditions = Object.fromEntries(NAMES.map((name) => [name, query.get(name) || undefined]));
  const hasDeedsOnly = conditions.event_type === DEEDS;
  const feed = useFeed(hasDeedsOnly ? { ...conditions, event_type: undefined } : conditions, {
    isLive,
    isShown: ({ event_type }) => !hasDeedsOnly || event_type !== IMPRESSION,
  });
  const isFiltered = NAMES.some((name) => conditions[name]);
  const unknownItems = feed.events?.filter((event) => !event.item_known).length ?? 0;
  const unknownTypes = [...new Set(feed.events?.filter((event) => !event.type_known).map((event) => event.event_type))];

  return (
    <Card
      title="Newest events"
      note="Of all users, by the events' own time. Imports of old events appear further back."
      actions={<><ApiCall of={feed.call} />{isLive && !feed.error && <span class="live">live</span>}<Toggle label="Follow" checked={isLive} onToggle={setLive} /></>}
    >
      <Filters conditions={conditions} onChange={(changed) => setQuery(Object.entries(changed).filter(([, value]) => value) as [string, string][], { replace: true })} />
      {unknownTypes.length > 0 && (
        <Note tone="warn">
          The meaning of <strong>{unknownTypes.slice(0, 5).join(", ")}</strong> is not known, so such events count like views.{" "}
          {may("admin") && <Link href="/events?view=types">Set its meaning and weights</Link>}
        </Note>
      )}
      {unknownItems > 0 && (
        <Note tone="warn">{count(unknownItems)} of these events name items without a record. They are stored and learned from; the items are recommended once they are in the catalog.</Note>
      )}
      <EventTable
        label="Newest events"
        feed={feed}
        empty={!isFiltered
          ? <Empty icon="activity" title="No events yet">Send one with <span class="mono">POST /v1/events</span>, or <Link href="/import">import a file</Link>.</Empty>
          : feed.hasMore
            ? <Empty icon="search" title={`No event matches since ${time(feed.searchedTo)}`} />
            : <Empty icon="search" title="No event matches" />}
      />
    </Card>
  );
}

function Filters({ conditions, onChange }: { conditions: Conditions; onChange: (conditions: Conditions) => void }) {
  const [user, setUser] = useState(conditions.user_id ?? "");
  const [item, setItem] = useState(conditions.item_id ?? "");
  const [type, setType] = useState(conditions.event_type ?? "");
  const types = useRequest((api) => (may("admin") ? api.GET("/v1/event-types").then((list) => list.event_types.map((each) => each.event_type)) : Promise.resolve(undefined)), []);
  const choices = { "": "All types", [DEEDS]: "All but impressions", ...Object.fromEntries([...(types.data ?? []), ...(type && type !== DEEDS ? [type] : [])].map((each) => [each, each])) };

  function apply(changed: string): void {
    setType(changed);
    onChange({ user_id: user.trim(), item_id: item.trim(), event_type: changed.trim() });
  }

  function clear(): void {
    setUser("");
    setItem("");
    setType("");
    onChange({});
  }

  return (
    <form class="event-filters" onSubmit={(event) => { event.preventDefault(); apply(type); }}>
      <Field label="User">{(tie) => <Input {...tie} {...ID} placeholder="Any" value={user} onText={setUser} />}</Field>
      <Field label="Item">{(tie) => <Input {...tie} {...ID} placeholder="Any" value={item} onText={setItem} />}</Field>
      <Field label="Type">
        {(tie) => (types.data ? <Select {...tie} choices={choices} value={type} onChoice={apply} /> : <Input {...tie} {...ID} placeholder="Any" value={type} onText={setType} />)}
      </Field>
      <div class="row">
        <Button type="submit" icon="search">Show</Button>
        {Object.values(conditions).some(Boolean) && <Button kind="quiet" onClick={clear}>Show all</Button>}
      </div>
    </form>
  );
}
