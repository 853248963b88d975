/**
 * What the shop's own server does: it knows a key, hands out tokens of its visitors and reports what they buy.
 *
 * This page has no server of its own. If it is served elsewhere, `data-tokens` of <html> is the address of one; below
 * the console, whoever has signed in there stands in for it. The key stays in the console's code, in this tab.
 */
import { api } from "../src/api";
import { may, session } from "../src/session";

const KEY_NAME = "Example shop";
const { tokens } = document.documentElement.dataset;

/** Whether the console stands in for the shop's server. */
export const isServedByConsole = tokens === undefined;

/** Whether tokens can be made here. */
export function canServe(): boolean {
  return !isServedByConsole || may("write");
}

/** Makes a token that reads the lists of a visitor and sends their events. */
export async function tokenOf(visitor: Visitor): Promise<string> {
  if (tokens !== undefined) {
    const response = await fetch(`${tokens}?${new URLSearchParams({ ...visitor })}`);
    if (!response.ok) throw new Error(`The shop's server answered ${response.status}.`);
    return response.text();
  }
  const body = { key_id: await keyOfPage() };
  const { token } =
    "user" in visitor
      ? await api.POST("/v1/users/{user_id}/tokens", { params: { path: { user_id: visitor.user } }, body })
      : await api.POST("/v1/sessions/{session_id}/tokens", { params: { path: { session_id: visitor.session } }, body });
  return token;
}

/** A signed-in user, or an anonymous visitor. */
export type Visitor = { user: string } | { session: string };

export interface Purchase {
  item_id: string;
  recommendation_id: string | undefined;
  /** What was paid. */
  value: number | undefined;
}

/** Reports purchases with their revenue, which a token may not do: a visitor could invent it. Returns false if the tag has to send them. */
export async function report(visitor: Visitor, purchases: readonly Purchase[]): Promise<boolean> {
  if (!isServedByConsole) return false;
  const who = "user" in visitor ? { user_id: visitor.user } : { session_id: visitor.session };
  await api.POST("/v1/events", { body: { events: purchases.map((each) => ({ ...who, event_type: "purchase", ...each })) } });
  return true;
}

/** The key that limits the tokens; the first visit creates it. Without admin rights it may be the one that is used. */
async function keyOfPage(): Promise<string | undefined> {
  const scopes = session.value?.principal.scopes ?? [];
  if (!scopes.includes("admin")) {
    if (scopes.includes("events:own")) return undefined;
    throw new Error("The signed-in key may not create keys. Sign in with an admin key, or one with the scope events:own.");
  }
  const now = new Date();
  const { keys } = await api.GET("/v1/keys");
  const usable = keys.find(
    ({ name, scopes: own, revoked_at, expires_at }) =>
      name === KEY_NAME && own.includes("events:own") && !revoked_at && !(expires_at && new Date(expires_at) < now),
  );
  if (usable) return usable.key_id;
  return (await api.POST("/v1/keys", { body: { name: KEY_NAME, scopes: ["recommend", "events:own"] } })).key_id;
}
