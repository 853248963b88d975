import type { PathsWithMethod } from "openapi-typescript-helpers";

import type { Answer, Arguments, PathWithFields, Selected, Selecting, SerendipClient } from "./client.js";
import type { paths } from "./schema.gen.js";

type Page = { next_cursor?: string | null };
type Given = { params?: { query?: Record<string, unknown> } };

/** A path whose GET returns pages. */
export type PagedPath = {
  [Path in PathsWithMethod<paths, "get">]: "next_cursor" extends keyof Answer<Path, "get"> ? Path : never;
}[PathsWithMethod<paths, "get">];

type RecordIn<Body> = Extract<Body[keyof Body], readonly unknown[]>[number];
/** A record of the pages of a path: of `/v1/items` an item, of `/v1/export` an item, a user or an event. */
export type RecordOf<Path extends PagedPath> = RecordIn<Answer<Path, "get">>;

type Pages<Body> = AsyncGenerator<Body, void, undefined>;
type Selectable = PagedPath & PathWithFields<"get">;

/** Yields all pages of a path, each when it is needed. */
export function pages<Path extends Selectable>(
  client: SerendipClient,
  path: Path,
  ...init: Selecting<Path, "get">
): Pages<Selected<Path, "get">>;
export function pages<Path extends PagedPath>(
  client: SerendipClient,
  path: Path,
  ...init: Arguments<Path, "get">
): Pages<Answer<Path, "get">>;
export async function* pages(client: SerendipClient, path: string, init?: Given): Pages<unknown> {
  const get = client.GET as (path: string, init: unknown) => Promise<unknown>;
  let params = init?.params ?? {};
  for (;;) {
    const page = await get(path, { ...init, params });
    yield page;
    const cursor = (page as Page).next_cursor;
    if (!cursor) return;
    params = { ...params, query: { ...params.query, cursor } };
  }
}

/** Yields the records of all pages of a path. */
export function records<Path extends Selectable>(
  client: SerendipClient,
  path: Path,
  ...init: Selecting<Path, "get">
): Pages<RecordIn<Selected<Path, "get">>>;
export function records<Path extends PagedPath>(
  client: SerendipClient,
  path: Path,
  ...init: Arguments<Path, "get">
): Pages<RecordOf<Path>>;
export async function* records(client: SerendipClient, path: string, init?: Given): Pages<unknown> {
  for await (const page of (pages as (...all: unknown[]) => Pages<unknown>)(client, path, init)) {
    for (const value of Object.values(page as object)) {
      if (Array.isArray(value)) yield* value;
    }
  }
}
