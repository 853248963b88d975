/** Keys in words. */
import type { Schemas } from "../../api";
import { DAY_MILLISECONDS } from "../../days";
import { session } from "../../session";

export type Key = Schemas["KeyView"];
export type Right = "page" | "recommend" | "read:all" | "write" | "admin";

const PREFIX = "sk_".length;
const SOON_MILLISECONDS = 7 * DAY_MILLISECONDS;

/** The choices for a new key: a scope each, except that of a web page. */
export const RIGHTS: Readonly<Record<Right, { title: string; about: string }>> = {
  page: { title: "Web page", about: "Reads lists in your pages: a user's only with a token of that user, which may also send their events." },
  recommend: { title: "Recommend", about: "Reads lists, scores and similar items of everyone. For your servers." },
  "read:all": { title: "Read", about: "Reads everything but keys, and changes nothing. For assistants and reports." },
  write: { title: "Write", about: "Also sends events, and changes items and users. For your servers." },
  admin: { title: "Admin", about: "Also manages keys, models, scenarios, imports and erasures. For people." },
};

const SCOPES: Readonly<Record<Schemas["Scope"], string>> = {
  recommend: "recommend",
  "read:all": "read",
  write: "write",
  admin: "admin",
  rules: "filters and boosts",
  "events:own": "events of the token's user",
};

/** What a scope is called in a list of keys. */
export function scopeInWords(scope: Schemas["Scope"]): string {
  return SCOPES[scope];
}

export function hasEnded({ revoked_at, expires_at }: Key, now = Date.now()): boolean {
  return revoked_at !== null || (expires_at !== null && Date.parse(expires_at) <= now);
}

export function endsSoon({ expires_at }: Key, now = Date.now()): boolean {
  return expires_at !== null && Date.parse(expires_at) - now < SOON_MILLISECONDS;
}

/** Whether the console is signed in with this key, whose text begins with its id. */
export function isOwn({ key_id }: Key): boolean {
  return session.value?.credential.slice(PREFIX).startsWith(key_id) ?? false;
}
