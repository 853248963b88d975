/** Lists the users of the newest events and those with properties, and finds any user by id. */
import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import type { Schemas } from "../../api";
import { ApiCall, Button, Card, type Column, DataTable, Empty, Field, ID, Input, PageHead } from "../../components";
import { ago, count, time } from "../../format";
import { usePages } from "../../hooks";

type User = Schemas["UserView"];
const SHOWN_PROPERTIES = 4;
const [PAGE, EVENTS, SHOWN] = [25, 100, 10];

/** A user of recent events. */
interface Recent {
  user_id: string;
  /** The newest event. */
  event: Schemas["FeedEventView"];
}

const RECENT: Column<Recent>[] = [
  { header: "User", cell: ({ user_id }) => <UserLink id={user_id} /> },
  { header: "Newest event", cell: ({ event }) => <>{event.event_type} <span class="muted">{event.title ?? event.item_id}</span></> },
  { header: "When", cell: ({ event }) => <time class="when" dateTime={event.timestamp} title={time(event.timestamp)}>{ago(event.timestamp)}</time> },
];

const COLUMNS: Column<User>[] = [
  { header: "User", cell: ({ user_id }) => <UserLink id={user_id} /> },
  { header: "Properties", cell: ({ properties }) => <Summary properties={properties} /> },
  { header: "Changed", cell: ({ updated_at }) => <time class="when" dateTime={updated_at} title={time(updated_at)}>{ago(updated_at)}</time> },
];

export function Users() {
  const [, go] = useLocation();
  const [id, setId] = useState("");
  const users = usePages(async (api, cursor) => {
    const page = await api.GET("/v1/users", { params: { query: { cursor, limit: PAGE } } });
    return { rows: page.users, next: page.next_cursor };
  }, []);
  const events = usePages(async (api, cursor) => {
    const page = await api.GET("/v1/events", { params: { query: { cursor, limit: EVENTS } } });
    return { rows: page.events, next: page.next_cursor };
  }, []);
  const recent = recentOf(events.rows);
  const [isWhole, setWhole] = useState(false);
  const isCut = !isWhole && recent.length > SHOWN;
  return (
    <>
      <PageHead title="Users" about="The people behind the events, and what is known about them."><ApiCall of={users.call} /></PageHead>
      <Card title="Find a user" note="By the whole id, also users who have only events. There is no list of all of them: below are those of the newest events, and those with properties.">
        <form class="user-find" onSubmit={(event) => { event.preventDefault(); if (id.trim()) go(`/users/${encodeURIComponent(id.trim())}`); }}>
          <Field label="User id">{(tie) => <Input {...tie} required {...ID} list="recent-users" placeholder="The whole id" value={id} onText={setId} />}</Field>
          <Button type="submit" kind="primary" icon="search">Open user</Button>
          <datalist id="recent-users">{recent.map(({ user_id }) => <option key={user_id} value={user_id} />)}</datalist>
        </form>
      </Card>
      <Card title="Users of the newest events" note={`Of the last ${count(events.rows.length)} events.`} actions={<ApiCall of={events.call} />}>
        <DataTable label="Recent users" columns={RECENT} rowKey={({ user_id }) => user_id} empty={<Empty icon="activity" title="No events of users yet">Send or import events, and who they are of is listed here.</Empty>} {...events} rows={isCut ? recent.slice(0, SHOWN) : recent} hasMore={events.hasMore && !isCut} />
        {isCut && <Button small onClick={() => setWhole(true)}>Show all {recent.length}</Button>}
      </Card>
      <Card title="Users with properties" note="In no particular order, which is how they are stored.">
        <DataTable label="Users" columns={COLUMNS} rowKey={(user) => user.user_id} empty={<Empty icon="users" title="No user has properties yet">They are optional: events need none. Properties serve rules and audiences.</Empty>} {...users} />
      </Card>
    </>
  );
}

function UserLink({ id }: { id: string }) {
  return <Link class="mono" href={`/users/${encodeURIComponent(id)}`}>{id}</Link>;
}

/** Each user once, with their newest event; events of sessions have no user. */
function recentOf(events: readonly Schemas["FeedEventView"][]): Recent[] {
  const users = new Map<string, Recent>();
  for (const event of events) {
    if (event.user_id && !users.has(event.user_id)) users.set(event.user_id, { user_id: event.user_id, event });
  }
  return [...users.values()];
}

function Summary({ properties }: { properties: Readonly<Record<string, unknown>> }) {
  const entries = Object.entries(properties);
  if (!entries.length) return <span class="muted">none</span>;
  const texts = entries.slice(0, SHOWN_PROPERTIES).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  const rest = entries.length - texts.length;
  return <span class="user-summary">{texts.join(" · ")}{rest > 0 && ` · ${rest} more`}</span>;
}
