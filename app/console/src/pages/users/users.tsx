/** Lists the users with properties, and finds any user by id. */
import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import type { Schemas } from "../../api";
import { ApiCall, Button, Card, type Column, DataTable, Empty, Field, ID, Input, PageHead } from "../../components";
import { ago, time } from "../../format";
import { usePages } from "../../hooks";

type User = Schemas["UserView"];
const SHOWN_PROPERTIES = 4;
const PAGE = 25;

const COLUMNS: Column<User>[] = [
  { header: "User", cell: ({ user_id }) => <Link class="mono" href={`/users/${encodeURIComponent(user_id)}`}>{user_id}</Link> },
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
  return (
    <>
      <PageHead title="Users" about="The people behind the events, and what is known about them."><ApiCall of={users.call} /></PageHead>
      <Card title="Find a user" note="Also users without properties, who have only events.">
        <form class="user-find" onSubmit={(event) => { event.preventDefault(); if (id.trim()) go(`/users/${encodeURIComponent(id.trim())}`); }}>
          <Field label="User id">{(tie) => <Input {...tie} required {...ID} placeholder="The whole id" value={id} onText={setId} />}</Field>
          <Button type="submit" kind="primary" icon="search">Open user</Button>
        </form>
      </Card>
      <Card title="Users with properties" note="In no particular order.">
        <DataTable label="Users" columns={COLUMNS} rowKey={(user) => user.user_id} empty={<Empty icon="users" title="No user has properties yet">They are optional: events need none. Properties serve rules and audiences.</Empty>} {...users} />
      </Card>
    </>
  );
}

function Summary({ properties }: { properties: Readonly<Record<string, unknown>> }) {
  const entries = Object.entries(properties);
  if (!entries.length) return <span class="muted">none</span>;
  const texts = entries.slice(0, SHOWN_PROPERTIES).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  const rest = entries.length - texts.length;
  return <span class="user-summary">{texts.join(" · ")}{rest > 0 && ` · ${rest} more`}</span>;
}
