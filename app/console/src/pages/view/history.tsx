/** What a visitor did, how much of the list each event is behind, and a switch to see the list without it. */
import { useState } from "preact/hooks";
import { Button, Empty, Loading, Picture, Tabs } from "../../components";
import { ago, wholePercent } from "../../format";
import { useRequest } from "../../hooks";
import type { List, PastEvent } from "./lists";
import type { Colors } from "./reasons";

const [SHOWN, SHOWN_ON_PHONE] = [8, 4];
const ORDERS = { influence: "Most influence", newest: "Newest" } as const;

interface HistoryProps {
  events: readonly PastEvent[] | undefined;
  shares: ReadonlyMap<string, number>;
  colors: Colors;
  off: readonly string[];
  /** The event of the same item that counts instead of one that is off, by the id of that one. */
  instead: ReadonlyMap<string, PastEvent>;
  onSwitch: (eventId: string) => void;
  /** Takes back an event of a made-up session. */
  onRemove?: ((eventId: string) => void) | undefined;
}

export function History({ events, shares, colors, off, instead, onSwitch, onRemove }: HistoryProps) {
  const [order, setOrder] = useState("influence");
  const [isWhole, setWhole] = useState(false);
  const facts = useFacts(events ?? []);
  if (!events) return <Loading lines={6} />;
  if (events.length === 0) return <Empty icon="activity" title="Nothing yet">{onRemove ? "Click items to add them." : "Send an event to start."}</Empty>;
  const weight = ({ event_id }: PastEvent) => (off.includes(event_id) ? 1 : Math.abs(shares.get(event_id) ?? 0));
  const newest = events.toSorted((a, b) => b.timestamp.localeCompare(a.timestamp));
  const sorted = order === "newest" ? newest : newest.toSorted((a, b) => weight(b) - weight(a));
  const few = matchMedia("(max-width: 980px)").matches ? SHOWN_ON_PHONE : SHOWN;
  const shown = isWhole ? sorted : sorted.slice(0, few);
  const hasRepeats = events.some(({ times = 1 }) => times > 1);
  const most = Math.max(...[...shares.values()].map(Math.abs), Number.EPSILON);
  return (
    <>
      <Tabs label="Order" choices={ORDERS} value={order} onChoice={setOrder} />
      {hasRepeats && <p class="small muted">What was done several times is one row, and one switch.</p>}
      <ul class="view-events">
        {shown.map((event) => {
          const { event_id, item_id, event_type, timestamp, value, times = 1 } = event;
          const item = facts.get(item_id);
          const title = event.title || item?.title || item_id;
          const share = shares.get(event_id);
          const isOff = off.includes(event_id);
          const successor = instead.get(event_id);
          return (
            <li key={keyOf(event)} class={isOff ? "is-off" : ""}>
              <Picture item={item ?? { item_id }} size={38} />
              <div>
                <p class="truncate" title={title}>{title}</p>
                <p class="small muted">{event_type}{value == null ? "" : ` ${value}`}, {times > 1 && `${times} times, last `}{ago(timestamp)}</p>
                {share !== undefined && !isOff && (
                  <p class="view-influence small">
                    <span aria-hidden="true"><span style={{ width: `${(Math.abs(share) / most) * 100}%`, background: colors.get(event_id) }} /></span>
                    <span class="number muted">{wholePercent(share)} of the list</span>
                  </p>
                )}
                {successor && (
                  <p class="small view-instead">
                    Its {successor.event_type}, {ago(successor.timestamp)}, counts instead. <button type="button" class="link underlined" onClick={() => onSwitch(successor.event_id)}>Switch that off too</button>
                  </p>
                )}
              </div>
              {onRemove && <Button kind="quiet" small icon="close" label={`Remove ${event_type} of ${title}`} onClick={() => onRemove(event_id)} />}
              <label class="toggle">
                <input type="checkbox" role="switch" checked={!isOff} onChange={() => onSwitch(event_id)} aria-label={times > 1 ? `Count all ${times}: ${event_type} of ${title}` : `Count the ${event_type} of ${title}, ${ago(timestamp)}`} />
                <span aria-hidden="true" />
              </label>
            </li>
          );
        })}
      </ul>
      {sorted.length > few && <Button small onClick={() => setWhole(!isWhole)}>{isWhole ? "Show fewer" : `Show all ${sorted.length}`}</Button>}
    </>
  );
}

/** Stored events, newest first, then older ones that only the reasons of lists name. Repeats of an event are one entry with its newest time. */
export function withReasons(stored: readonly PastEvent[] | undefined, lists: readonly (List | undefined)[]): PastEvent[] | undefined {
  if (!stored) return undefined;
  const events = new Map<string, PastEvent>();
  for (const event of stored) {
    const newest = events.get(keyOf(event));
    events.set(keyOf(event), newest ? { ...newest, times: (newest.times ?? 1) + 1 } : event);
  }
  const ids = new Set(stored.map(({ event_id }) => event_id));
  for (const { event_id, item_id, event_type, timestamp, title } of lists.flatMap((list) => list?.items.flatMap(({ reasons }) => reasons ?? []) ?? [])) {
    if (!event_id || !timestamp || ids.has(event_id)) continue;
    const event = { event_id, item_id, event_type, timestamp, title: title ?? null };
    events.set(keyOf(event), event);
  }
  return [...events.values()];
}

/** A key that an event shares with its repeats. */
function keyOf({ event_id, item_id, event_type }: PastEvent): string {
  return [event_id, item_id, event_type].join("\n");
}

/** Titles and pictures of the events' items, in one request. */
function useFacts(events: readonly PastEvent[]) {
  const itemIds = [...new Set(events.map(({ item_id }) => item_id))].toSorted().slice(0, 200);
  const ranked = useRequest(
    async (api) => (itemIds.length > 0 ? await api.POST("/v1/rankings", { body: { user_id: "console", item_ids: itemIds, properties: true, include_hidden: true } }) : undefined),
    [itemIds.join(" ")],
  );
  return new Map(ranked.data?.items.map((item) => [item.item_id, item]));
}
