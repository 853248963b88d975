/**
 * Who is signed in. Credentials live in the sessionStorage of tabs: closing the last tab forgets them. A new tab gets them
 * from an open one; only pages of the same origin can ask for them.
 */
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
const ANSWER_MILLISECONDS = 150;

/** Messages between tabs: a new one asks, open ones answer, and all forget a credential that was signed out. */
type Message =
  | { kind: "ask" }
  | { kind: "answer"; sessions: Session[]; current: number }
  | { kind: "forget"; credential: string };

/** Every project that this tab is signed in to; one of them is current. */
export const sessions = signal<Session[]>(stored());
const position = signal(Number(sessionStorage.getItem(CURRENT) ?? 0));
export const session = computed<Session | undefined>(() => sessions.value[position.value] ?? sessions.value[0]);

const tabs = new BroadcastChannel(STORED);
let answered = () => {};
tabs.addEventListener("message", ({ data }: MessageEvent<Message>) => {
  if (data.kind === "ask" && sessions.value.length > 0) say({ kind: "answer", sessions: sessions.value, current: position.value });
  if (data.kind === "answer" && sessions.value.length === 0) {
    keep(data.sessions, data.current);
    answered();
  }
  if (data.kind === "forget") forget(data.credential);
});

/** Asks the other tabs for their sessions if this one is new; resolves with the first answer, or soon without one. */
export async function adoptSession(): Promise<void> {
  if (sessions.value.length > 0) return;
  await new Promise<void>((resolve) => {
    answered = resolve;
    setTimeout(resolve, ANSWER_MILLISECONDS);
    say({ kind: "ask" });
  });
}

export function addSession(added: Session): void {
  const others = sessions.value.filter((each) => each.principal.project !== added.principal.project);
  keep([...others, added], others.length);
}

export function switchTo(project: string): void {
  keep(sessions.value, Math.max(0, sessions.value.findIndex((each) => each.principal.project === project)));
}

/** Forgets the current credentials in all tabs; another signed-in project becomes current. */
export function signOut(): void {
  const credential = session.value?.credential;
  if (credential === undefined) return;
  forget(credential);
  say({ kind: "forget", credential });
}

export function may(scope: Scope): boolean {
  return session.value?.principal.scopes.includes(scope) ?? false;
}

export function headersOf(credential: string): Record<string, string> {
  return credential.startsWith("sk_") ? { "X-API-Key": credential } : { Authorization: `Bearer ${credential}` };
}

function say(message: Message): void {
  tabs.postMessage(message);
}

function forget(credential: string): void {
  const current = session.value;
  const others = sessions.value.filter((each) => each.credential !== credential);
  if (others.length < sessions.value.length) keep(others, current ? Math.max(0, others.indexOf(current)) : 0);
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
