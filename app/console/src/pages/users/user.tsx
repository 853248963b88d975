/** One user: properties, newest events, and what they would see. */
import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { api, ifExists, type Schemas } from "../../api";
import { ApiCall, Button, Card, Confirm, Empty, ErrorNote, Icon, ItemCard, JobProgress, Loading, Note, PageHead } from "../../components";
import { day, percent, time } from "../../format";
import { useRequest } from "../../hooks";
import { may } from "../../session";
import { sourceInWords } from "../../sources";
import { EventTable } from "../records/event_table";
import { type Feed, type FeedEvent, useFeed } from "../records/feed";
import { PropertyList } from "../records/properties";
import { versioned } from "../records/versions";
import { UserForm } from "./user_form";

const EVENTS = 10;
const LIST = 12;

export function UserPage({ id }: { id: string }) {
  const path = { user_id: id };
  const [isEditing, setEditing] = useState(false);
  const user = useRequest((client) => ifExists(versioned(client.raw.GET("/v1/users/{user_id}", { params: { path } }))), [id]);
  const [round, setRound] = useState(0);
  const feed = useFeed({ user_id: id }, { limit: EVENTS });
  const isUnknown = user.data === null && feed.events?.length === 0;
  return (
    <>
      <Link class="back" href="/users">← Users</Link>
      <PageHead title={id} about={user.data ? `Created ${day(user.data.data.created_at)}, changed ${time(user.data.data.updated_at)}` : isUnknown ? "Not a user so far" : "A user without properties"}>
        <ApiCall of={user.call} />
        <Button icon="edit" disabled={user.data === undefined} onClick={() => setEditing(true)}>Edit properties</Button>
        <Link class="button primary" href={`/view?user=${encodeURIComponent(id)}`}><Icon name="eye" />View as user</Link>
      </PageHead>
      {isUnknown && <Note tone="warn">Nothing is stored about this user. Check the id, whose letter case counts. The list below is what anyone new sees.</Note>}
      <div class="grid record-main">
        <Card title="Properties" note="Rules and audiences can use them.">
          <ErrorNote error={user.error} retry={user.reload} />
          {user.data === undefined && user.isLoading && <Loading />}
          {user.data === null && <Empty icon="users" title="No properties">Events need none. <Button small icon="plus" onClick={() => setEditing(true)}>Add properties</Button></Empty>}
          {user.data && <PropertyList properties={user.data.data.properties} />}
        </Card>
        <Events id={id} feed={feed} onChanged={() => setRound((before) => before + 1)} />
      </div>
      {may("recommend") && <PersonalList key={round} id={id} />}
      {isEditing && <UserForm id={id} user={user.data ?? undefined} onClose={() => setEditing(false)} onSaved={user.reload} />}
    </>
  );
}

function Events({ id, feed, onChanged }: { id: string; feed: Feed; onChanged: () => void }) {
  const [removed, setRemoved] = useState<FeedEvent>();
  const [job, setJob] = useState<string>();

  async function remove(event: FeedEvent): Promise<void> {
    const { item_id, event_type, timestamp } = event;
    const query = { user_id: id, item_id, event_type, from_time: timestamp, to_time: after(timestamp) };
    const begun = await api.DELETE("/v1/events", { params: { query } });
    setJob(begun.job_id);
  }

  const action = (event: FeedEvent) => <Button kind="quiet" small icon="trash" label={`Remove ${event.event_type} of ${event.item_id}`} onClick={() => setRemoved(event)} />;
  return (
    <Card title="Newest events" actions={<><ApiCall of={feed.call} /><Button kind="quiet" small icon="refresh" label="Refresh events" busy={feed.isLoading} onClick={feed.reload} /></>}>
      {job && <JobProgress key={job} jobId={job} label="Removing the event" onEnd={(ended) => { if (ended.state === "succeeded") { setJob(undefined); feed.reload(); onChanged(); } }} />}
      <EventTable
        label="Events of the user"
        feed={feed}
        without="user"
        empty={<Empty icon="activity" title="No events yet">What the user does appears here. The list below is what people without a history see.</Empty>}
        {...(may("admin") && { action })}
      />
      {removed && (
        <Confirm title="Remove this event?" action="Remove event" danger act={() => remove(removed)} onClose={() => setRemoved(undefined)}>
          <strong>{removed.event_type}</strong> of <strong>{removed.title ?? removed.item_id}</strong>, {time(removed.timestamp)}. The user's lists, counters and exclusions follow within seconds, models with the next training. It cannot be undone.
        </Confirm>
      )}
    </Card>
  );
}

/** The microsecond after a time such as 2026-11-28T20:15:00.123456Z, which JavaScript's dates would round. */
function after(time: string): string {
  const [, second = time, fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(time) ?? [];
  const next = Number(fraction.padEnd(6, "0")) + 1;
  if (next < 1_000_000) return `${second}.${String(next).padStart(6, "0")}Z`;
  return new Date(Date.parse(`${second}Z`) + 1000).toISOString();
}

function PersonalList({ id }: { id: string }) {
  const [, go] = useLocation();
  const list = useRequest(
    (client) => client.GET("/v1/users/{user_id}/recommendations", { params: { path: { user_id: id }, query: { limit: LIST, properties: true } } }),
    [id],
  );
  return (
    <Card title="Personal list" note="What the user would see now, and why." actions={<><ApiCall of={list.call} /><Button kind="quiet" small icon="refresh" label="Refresh list" busy={list.isLoading} onClick={list.reload} /></>}>
      <ErrorNote error={list.error} retry={list.reload} />
      {!list.data && list.isLoading && <Loading />}
      {list.data?.items.length === 0 && <Empty title="Nothing to recommend">There is no item that the user does not know already.</Empty>}
      <div class="items">
        {list.data?.items.map((item) => (
          <ItemCard key={item.item_id} item={item} onChoose={() => go(`/catalog/${encodeURIComponent(item.item_id)}`)}>
            <p class="small muted">{reasonOf(item)}</p>
          </ItemCard>
        ))}
      </div>
    </Card>
  );
}

function reasonOf({ reasons, source }: Schemas["RecommendationView"]): string {
  const reason = reasons?.[0];
  if (!reason) return sourceInWords(source);
  const share = reason.share == null ? "" : `${percent(reason.share, 0)} `;
  return `${share}because of ${reason.event_type} of ${reason.title || reason.item_id}`;
}
