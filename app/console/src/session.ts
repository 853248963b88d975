/** Who is signed in. Credentials live in the tab's sessionStorage: closing the tab forgets them. */
import { computed, signal } from "@preact/signals";
import type { Schemas } from "serendip-client";

export type Principal = Schemas["PrincipalView"];
export type Scope = Schemas["Scope"];

export interface Session {
  /** An API key (`sk_...`) or a bearer token. */
  credential: string;
  principal: Principal;
}

const STORED = "serendip.sessions";
const CURRENT = "serendip.current";

/** Every project that this tab is signed in to; one of them is current. */
export const sessions = signal<Session[]>(stored());
const position = signal(Number(sessionStorage.getItem(CURRENT) ?? 0));
export const session = computed<Session | undefined>(() => sessions.value[position.value] ?? sessions.value[0]);

export function addSession(added: Session): void {
  const others = sessions.value.filter((each) => each.principal.project !== added.principal.project);
  keep([...others, added], others.length);
}

export function switchTo(project: string): void {
  keep(sessions.value, Math.max(0, sessions.value.findIndex((each) => each.principal.project === project)));
}

/** Forgets the current credentials; another signed-in project becomes current. */
export function signOut(): void {
  keep(sessions.value.filter((each) => each !== session.value), 0);
}

export function may(scope: Scope): boolean {
  return session.value?.principal.scopes.includes(scope) ?? false;
}

export function headersOf(credential: string): Record<string, string> {
  return credential.startsWith("sk_") ? { "X-API-Key": credential } : { Authorization: `Bearer ${credential}` };
}

function keep(all: Session[], current: number): void {
  sessions.value = all;
  position.value = current;
  sessionStorage.setItem(STORED, JSON.stringify(all));
  sessionStorage.setItem(CURRENT, String(current));
}

function stored(): Session[] {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(STORED) ?? "[]");
    return Array.isArray(value) ? (value as Session[]) : [];
  } catch {
    return []; // another application of this origin wrote something else: sign in again
  }
}
