/** The newest events of a project, an item or a user, kept current. */
import { useEffect, useRef, useState } from "preact/hooks";
import { api, type Call, pageWithRows, type Schemas } from "../../api";
import { useAction, useRequest } from "../../hooks";

export type FeedEvent = Schemas["FeedEventView"];

export interface Conditions {
  user_id?: string | undefined;
  session_id?: string | undefined;
  item_id?: string | undefined;
  event_type?: string | undefined;
}

export interface Feed {
  events: readonly FeedEvent[] | undefined;
  /** Keys of the events that came since the list was opened, the last few seconds only. */
  arrived: ReadonlySet<string>;
  error: unknown;
  isLoading: boolean;
  hasMore: boolean;
  /** How far back events were searched; null if all were. */
  searchedTo: string | null;
  more: () => void;
  reload: () => void;
  call: Call | undefined;
}

interface Shown {
  events: readonly FeedEvent[];
  cursor: string | null;
  searchedTo: string | null;
  arrived: ReadonlySet<string>;
}

const PAGE = 50;
const LIVE_SECONDS = 1;
const MOST = 1000;

export function keyOf(event: FeedEvent): string {
  return [event.user_id, event.session_id, event.timestamp, event.event_id].join("\n");
}

interface FeedOptions {
  isLive?: boolean;
  limit?: number;
  /** Leaves out events by what the API cannot filter. */
  isShown?: (event: FeedEvent) => boolean;
}

export function useFeed(conditions: Conditions, { isLive = false, limit = PAGE, isShown = () => true }: FeedOptions = {}): Feed {
  const inputs = Object.values(conditions);
  const request = { ...conditions, limit };
  const [shown, setShown] = useState<Shown>();
  const before = useRef<Shown>();
  const newest = useRequest(
    async (client) => ({ page: await client.GET("/v1/events", { params: { query: request } }), of: inputs.join("\n") }),
    [...inputs, limit],
    { everySeconds: isLive ? LIVE_SECONDS : 0 },
  );
  const isCurrent = newest.data?.of === inputs.join("\n");
  useEffect(() => {
    before.current = undefined;
    setShown(undefined);
  }, inputs);
  useEffect(() => {
    if (!newest.data || !isCurrent) return;
    before.current = withNewest(before.current, newest.data.page);
    setShown(before.current);
  }, [newest.data]);
  const older = useAction(async () => {
    if (!before.current?.cursor) return;
    const page = await pageWithRows(
      (cursor) => api.GET("/v1/events", { params: { query: { ...request, cursor } } }),
      ({ events }) => events.some(isShown),
      before.current.cursor,
    );
    before.current = { events: [...before.current.events, ...page.events], cursor: page.next_cursor, searchedTo: page.searched_to, arrived: new Set() };
    setShown(before.current);
  });
  return {
    events: shown?.events.filter(isShown),
    arrived: shown?.arrived ?? new Set(),
    error: older.error ?? newest.error,
    isLoading: newest.isLoading || older.isRunning,
    hasMore: Boolean(shown?.cursor) && (shown?.events.length ?? 0) < MOST,
    searchedTo: shown?.searchedTo ?? null,
    more: () => void older.run(),
    reload: newest.reload,
    call: newest.call,
  };
}

/** The events with those of the newest page; if there is a gap between them, only the newest page. */
function withNewest(shown: Shown | undefined, page: Schemas["FeedPage"]): Shown {
  const listed = new Set(page.events.map(keyOf));
  const isConnected = shown?.events.some((event) => listed.has(keyOf(event)));
  if (!shown || !isConnected) return { events: page.events, cursor: page.next_cursor, searchedTo: page.searched_to, arrived: shown?.events.length ? listed : new Set() };
  const known = new Set(shown.events.map(keyOf));
  const oldest = page.events.at(-1)?.timestamp ?? "";
  const isPageAll = page.next_cursor === null;
  const older = shown.events.filter((event) => !listed.has(keyOf(event)) && !isPageAll && event.timestamp <= oldest);
  return { events: [...page.events, ...older], cursor: shown.cursor, searchedTo: shown.searchedTo, arrived: new Set([...listed].filter((key) => !known.has(key))) };
}
