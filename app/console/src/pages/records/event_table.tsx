/** Events as a table: who did what with which item. */
import type { ComponentChildren } from "preact";
import { Link } from "wouter-preact";
import { Badge, type Column, DataTable } from "../../components";
import { ago, decimal, time } from "../../format";
import { type Feed, type FeedEvent, keyOf } from "./feed";
import "./records.css";

interface EventTableProps {
  label: string;
  feed: Feed;
  /** Left out if all events are of one user or about one item. */
  without?: "user" | "item";
  empty: ComponentChildren;
  /** A button at the end of each row. */
  action?: (event: FeedEvent) => ComponentChildren;
}

export function EventTable({ label, feed, without, empty, action }: EventTableProps) {
  const columns: Column<FeedEvent>[] = [
    { header: "When", cell: (event) => <When event={event} isNew={feed.arrived.has(keyOf(event))} /> },
    ...(without === "user" ? [] : [{ header: "User", cell: (event: FeedEvent) => <Who event={event} /> }]),
    { header: "Event", cell: (event) => <What event={event} /> },
    ...(without === "item" ? [] : [{ header: "Item", cell: (event: FeedEvent) => <Which event={event} /> }]),
    { header: "Value", align: "right", cell: ({ value }) => (value === null ? "" : decimal(value, Number.isInteger(value) ? 0 : 2)) },
    ...(action ? [{ header: "", align: "right" as const, cell: action }] : []),
  ];
  const { hasMore, more, error, isLoading, reload } = feed;
  return (
    <div class="event-table compact">
      <DataTable label={label} columns={columns} rows={feed.events} rowKey={keyOf} empty={empty} {...{ hasMore, more, error, reload }} isLoading={isLoading && !feed.events?.length} />
    </div>
  );
}

function When({ event, isNew }: { event: FeedEvent; isNew: boolean }) {
  return <time class={isNew ? "when is-new" : "when"} dateTime={event.timestamp} title={time(event.timestamp)}>{ago(event.timestamp)}</time>;
}

function Who({ event }: { event: FeedEvent }) {
  if (event.session_id) return <span class="row"><Badge>session</Badge><span class="mono">{event.session_id}</span></span>;
  return <Link class="mono" href={`/users/${encodeURIComponent(event.user_id)}`}>{event.user_id}</Link>;
}

function What({ event }: { event: FeedEvent }) {
  return (
    <span class="row">
      <Badge tone={event.type_known ? "neutral" : "warn"}>{event.event_type}</Badge>
      {!event.type_known && <span class="small tone-warn">unknown type</span>}
    </span>
  );
}

function Which({ event }: { event: FeedEvent }) {
  return (
    <span class="which">
      <Link href={`/catalog/${encodeURIComponent(event.item_id)}`}>{event.title ?? event.item_id}</Link>
      {event.item_known ? <span class="small muted mono">{event.title ? event.item_id : ""}</span> : <Badge tone="warn">unknown item</Badge>}
    </span>
  );
}
