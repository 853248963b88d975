/** Hooks that pages read data with. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api, type Call, connect, type SerendipClient, wasAborted } from "./api";
import { session } from "./session";
import { type LiveList, subscribe, type SubscribeOptions } from "serendip-client";

export interface Request<Data> {
  data: Data | undefined;
  error: unknown;
  isLoading: boolean;
  /** The last request, for `ApiCall`. */
  call: Call | undefined;
  reload: () => void;
  /** Replaces the data, for example by the response of a change. */
  set: (data: Data) => void;
}

/** How the pause between loads grows while nothing changes, and how long it gets. */
const [GROWTH, MOST_TIMES, MOST_SECONDS] = [1.5, 20, 120];

type State<Data> = Pick<Request<Data>, "data" | "error" | "isLoading" | "call">;

/**
 * Loads data when the component appears, and again when `inputs` or the project change; earlier loads are aborted.
 * The earlier data stay until the new ones arrive. With `everySeconds` it loads again that long after the last load; a
 * function gets the data, to stop when there is nothing more to wait for. While the data stay the same, it waits longer
 * and longer; when the reader comes back to the page, it starts over. A hidden page loads nothing.
 *
 *     const items = useRequest((api) => api.GET("/v1/items", { params: { query: { category } } }), [category]);
 */
export function useRequest<Data>(
  load: (api: SerendipClient) => Promise<Data>,
  inputs: readonly unknown[],
  { everySeconds = 0 }: { everySeconds?: number | ((data: Data | undefined) => number) } = {},
): Request<Data> {
  const [state, setState] = useState<State<Data>>({ data: undefined, error: undefined, isLoading: true, call: undefined });
  const [round, setRound] = useState(0);
  const idle = useRef({ data: "", loads: 0 }); // how many loads in a row brought nothing new
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const aborting = new AbortController();
    let call: Call | undefined;
    setState((before) => ({ ...before, isLoading: true }));
    latest
      .current(connect({ signal: aborting.signal, onCall: (sent) => (call = sent) }))
      .then((data) => {
        const text = JSON.stringify(data) ?? "";
        idle.current = { data: text, loads: text === idle.current.data ? idle.current.loads + 1 : 0 };
        setState({ data, error: undefined, isLoading: false, call });
      })
      .catch((error: unknown) => {
        if (!aborting.signal.aborted && !wasAborted(error)) {
          idle.current.loads += 1;
          setState((before) => ({ ...before, error, isLoading: false, call }));
        }
      });
    return () => aborting.abort();
  }, [...inputs, round, session.value?.credential]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  const seconds = typeof everySeconds === "number" ? everySeconds : everySeconds(state.data);
  useInterval(pauseAfter(idle.current.loads, seconds), reload, seconds > 0 && !state.isLoading);
  useReturn(() => {
    if (seconds <= 0 || idle.current.loads === 0) return;
    idle.current.loads = 0;
    reload();
  });
  const set = useCallback((data: Data) => setState((before) => ({ ...before, data, error: undefined })), []);
  return { ...state, reload, set };
}

export interface Pages<Row> {
  rows: Row[];
  error: unknown;
  isLoading: boolean;
  hasMore: boolean;
  call: Call | undefined;
  more: () => void;
  reload: () => void;
}

/**
 * Loads a list page by page, the next one with `more`. `everySeconds` applies while only the first page is shown: loading
 * the list again takes the reader back to it.
 *
 *     const items = usePages(async (api, cursor) => {
 *       const page = await api.GET("/v1/items", { params: { query: { cursor, limit: 50 } } });
 *       return { rows: page.items, next: page.next_cursor };
 *     }, []);
 */
export function usePages<Row>(
  load: (api: SerendipClient, cursor: string | undefined) => Promise<{ rows: Row[]; next: string | null | undefined }>,
  inputs: readonly unknown[],
  { everySeconds = () => 0 }: { everySeconds?: (rows: readonly Row[]) => number } = {},
): Pages<Row> {
  const list = JSON.stringify(inputs);
  const [reached, setReached] = useState<{ list: string; cursor: string | undefined }>();
  const cursor = reached?.list === list ? reached.cursor : undefined; // a cursor belongs to one list
  const earlier = useRef<Row[]>([]);
  const page = useRequest(
    async (api) => {
      const { rows, next } = await load(api, cursor);
      earlier.current = cursor === undefined ? rows : [...earlier.current, ...rows];
      return { rows: earlier.current, next };
    },
    [...inputs, cursor],
    { everySeconds: (page) => (cursor === undefined ? everySeconds(page?.rows ?? []) : 0) },
  );
  const next = page.data?.next ?? undefined;
  return {
    rows: page.data?.rows ?? [],
    error: page.error,
    isLoading: page.isLoading,
    hasMore: next !== undefined,
    call: page.call,
    more: () => setReached({ list, cursor: next }),
    reload: () => (cursor === undefined ? page.reload() : setReached(undefined)),
  };
}

/** The seconds to wait for the next load, after `loads` in a row brought nothing new. */
function pauseAfter(loads: number, seconds: number): number {
  return Math.max(seconds, Math.min(seconds * GROWTH ** loads, seconds * MOST_TIMES, MOST_SECONDS));
}

/** Calls a function at an interval of `seconds` while the page is visible. */
export function useInterval(seconds: number, call: () => void, isOn = true): void {
  const latest = useRef(call);
  latest.current = call;
  useEffect(() => {
    if (!isOn) return;
    const timer = setInterval(() => document.visibilityState === "visible" && latest.current(), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds, isOn]);
}

/** Calls a function when the reader comes back to the page from another tab or window. */
function useReturn(call: () => void): void {
  const latest = useRef(call);
  latest.current = call;
  useEffect(() => {
    const back = () => document.visibilityState === "visible" && latest.current();
    document.addEventListener("visibilitychange", back);
    addEventListener("focus", back);
    return () => {
      document.removeEventListener("visibilitychange", back);
      removeEventListener("focus", back);
    };
  }, []);
}

/** An action with its state: `const save = useAction(async () => {...}); <Button onClick={save.run} busy={save.isRunning}>` */
export function useAction<Arguments extends unknown[]>(act: (...values: Arguments) => Promise<void>) {
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<unknown>();
  const latest = useRef(act);
  latest.current = act;
  const run = useCallback(async (...values: Arguments) => {
    setRunning(true);
    setError(undefined);
    try {
      await latest.current(...values);
    } catch (failure) {
      setError(failure);
    } finally {
      setRunning(false);
    }
  }, []);
  return { run, isRunning, error, clear: () => setError(undefined) };
}

export interface Live {
  list: LiveList | undefined;
  error: unknown;
  /** When the list was pushed last. */
  at: Date | undefined;
}

/** A list that follows events over the WebSocket: `const live = useLive({ user_id: "ann", limit: 12, properties: true })`. */
export function useLive(options: Omit<SubscribeOptions, "onError" | "WebSocket"> | undefined): Live {
  const [state, setState] = useState<Live>({ list: undefined, error: undefined, at: undefined });
  const subscribed = options && JSON.stringify(options);
  useEffect(() => {
    setState({ list: undefined, error: undefined, at: undefined });
    if (!subscribed) return;
    const subscription = subscribe(
      api,
      { ...(JSON.parse(subscribed) as SubscribeOptions), onError: (error) => setState((before) => ({ ...before, error })) },
      (list) => setState({ list, error: undefined, at: new Date() }),
    );
    return () => subscription.close();
  }, [subscribed, session.value?.credential]);
  return state;
}
