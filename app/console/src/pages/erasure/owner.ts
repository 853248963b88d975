/** What the API stores of a user, and its removal. */
import { api, ifExists, type Schemas, type SerendipClient } from "../../api";

export type Receipt = Schemas["ReceiptView"];

/** A user, or an anonymous session. */
export interface Owner {
  kind: "user" | "session";
  id: string;
}

export interface StoredData {
  user: string;
  /** Of the erasure, if there was one. */
  receipt: Receipt | null;
  profile: Schemas["UserView"] | null;
  /** The newest. */
  events: readonly Schemas["EventView"][];
  hasMore: boolean;
}

const SHOWN_EVENTS = 100;
const PAGE = 100;
const PAUSE_MILLISECONDS = 500;

export async function storedOf(client: SerendipClient, user: string): Promise<StoredData> {
  const { profile, events, next_cursor } = await exported(client, user, undefined, SHOWN_EVENTS);
  const isEmpty = !profile && !events.length;
  const receipt = isEmpty ? await ifExists(client.GET("/v1/users/{user_id}/erasure", { params: { path: { user_id: user } } })) : null;
  return { user, receipt, profile, events, hasMore: next_cursor !== null };
}

/** Everything of a user, page by page. */
export async function copyOf(user: string): Promise<Pick<StoredData, "profile" | "events">> {
  const first = await exported(api, user, undefined, PAGE);
  const events = [...first.events];
  for (let next = first.next_cursor; next; ) {
    const page = await exported(api, user, next, PAGE);
    events.push(...page.events);
    next = page.next_cursor;
  }
  return { profile: first.profile, events };
}

/** Repeats the erasure until its receipt is complete; `onProgress` gets the receipt after each step. */
export async function erase({ kind, id }: Owner, onProgress: (receipt: Receipt) => void): Promise<Receipt> {
  for (;;) {
    const receipt = kind === "user"
      ? await api.DELETE("/v1/users/{user_id}", { params: { path: { user_id: id } } })
      : await api.DELETE("/v1/sessions/{session_id}", { params: { path: { session_id: id } } });
    onProgress(receipt);
    if (receipt.complete) return receipt;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
}

function exported(client: SerendipClient, user: string, cursor: string | undefined, limit: number) {
  return client.GET("/v1/users/{user_id}/export", { params: { path: { user_id: user }, query: { cursor, limit } } });
}
