/** The public API, called as the signed-in principal. */
import { createClient, type Schemas, SerendipError, type SerendipClient } from "serendip-client";
import { API } from "./place";
import { headersOf, session } from "./session";

export type { Schemas, SerendipClient };
export { SerendipError };

const MOST_PAGES = 5;

/** A request, as `ApiCall` shows it. */
export interface Call {
  method: string;
  /** Path and query below the API's address. */
  target: string;
  body?: string;
}

export interface Connection {
  /** Used instead of the current session's. */
  credential?: string;
  signal?: AbortSignal;
  /** Gets each request that is sent. */
  onCall?: (call: Call) => void;
}

export function connect({ credential, signal, onCall }: Connection = {}): SerendipClient {
  return createClient({
    baseUrl: API,
    async fetch(request) {
      const key = credential ?? session.value?.credential;
      if (key) for (const [name, value] of Object.entries(headersOf(key))) request.headers.set(name, value);
      if (onCall) {
        const body = request.body ? await request.clone().text() : "";
        onCall({ method: request.method, target: request.url.slice(API.length), ...(body && { body }) });
      }
      return fetch(request, { signal: signal ?? request.signal, cache: "no-store" });
    },
  });
}

/** For actions, such as `await api.PUT("/v1/items/{item_id}", ...)`; pages read through `useRequest`. */
export const api = connect();

/** What happened and what to do, in a sentence, for any error. */
export function explain(error: unknown): string {
  if (error instanceof SerendipError) {
    const fields = error.errors.map(({ pointer, detail }) => `${placeInWords(pointer)}: ${detail}`);
    return [error.detail, ...fields].filter(Boolean).join(" ");
  }
  if (error instanceof TypeError) return "The server could not be reached. Check that it runs, and try again.";
  return error instanceof Error ? error.message : String(error);
}

/** `/origins/0` as "origins 1". */
function placeInWords(pointer: string): string {
  return pointer.replace(/^\//, "").split("/").map((part) => (/^\d+$/.test(part) ? String(Number(part) + 1) : part.replaceAll("_", " "))).join(" ");
}

export function isMissing(error: unknown): boolean {
  return error instanceof SerendipError && error.status === 404;
}

/** Whether a change was refused because the record is not in the expected state. */
export function isConflict(error: unknown): boolean {
  return error instanceof SerendipError && error.status === 412;
}

/** The response; null if there is no such record. */
export async function ifExists<Data>(sent: Promise<Data>): Promise<Data | null> {
  try {
    return await sent;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Reads pages until one has rows, at most five: then it is up to the reader to look further back. */
export async function pageWithRows<Page extends { next_cursor: string | null }>(
  read: (cursor: string | undefined) => Promise<Page>,
  hasRows: (page: Page) => boolean,
  cursor: string | undefined,
): Promise<Page> {
  let page = await read(cursor);
  for (let pages = 1; pages < MOST_PAGES && page.next_cursor && !hasRows(page); pages++) page = await read(page.next_cursor);
  return page;
}

export function wasAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
