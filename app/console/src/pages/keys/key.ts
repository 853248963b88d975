/** Keys in words. */
import type { Schemas } from "../../api";
import { DAY_MILLISECONDS } from "../../days";
import { session } from "../../session";

export type Key = Schemas["KeyView"];
export type Right = "recommend" | "read:all" | "write" | "admin";

const PREFIX = "sk_".length;
const SOON_MILLISECONDS = 7 * DAY_MILLISECONDS;

export const RIGHTS: Readonly<Record<Right, { title: string; about: string }>> = {
  recommend: { title: "Recommend", about: "Reads lists, scores and similar items." },
  "read:all": { title: "Read", about: "Reads everything but keys, and changes nothing. For assistants and reports." },
  write: { title: "Write", about: "Reads lists, sends events, and changes items and users. For your servers." },
  admin: { title: "Admin", about: "All of this, and manages keys, models, scenarios, imports and erasures. For people." },
};

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
