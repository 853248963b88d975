import type { PathsWithMethod } from "openapi-typescript-helpers";

import type { Answer, Arguments, SerendipClient } from "./client.js";
import type { paths } from "./schema.gen.js";

type Page = { next_cursor?: string | null };

/** A path whose GET returns pages. */
export type PagedPath = {
  [Path in PathsWithMethod<paths, "get">]: "next_cursor" extends keyof Answer<Path, "get"> ? Path : never;
}[PathsWithMethod<paths, "get">];

/** A record of the pages of a path: of `/v1/items` an item, of `/v1/export` an item, a user or an event. */
export type RecordOf<Path extends PagedPath> = Extract<
  Answer<Path, "get">[keyof Answer<Path, "get">],
  readonly unknown[]
>[number];

/** Yields all pages of a path, each when it is needed. */
export async function* pages<Path extends PagedPath>(
  client: SerendipClient,
  path: Path,
  ...init: Arguments<Path, "get">
): AsyncGenerator<Answer<Path, "get">, void, undefined> {
  const get = client.GET as (path: string, init: unknown) => Promise<unknown>;
  let params = (init[0]?.params ?? {}) as { query?: Record<string, unknown> };
  for (;;) {
    const page = (await get(path, { ...init[0], params })) as Answer<Path, "get">;
    yield page;
    const cursor = (page as Page).next_cursor;
    if (!cursor) return;
    params = { ...params, query: { ...params.query, cursor } };
  }
}

/** Yields the records of all pages of a path. */
export async function* records<Path extends PagedPath>(
  client: SerendipClient,
  path: Path,
  ...init: Arguments<Path, "get">
): AsyncGenerator<RecordOf<Path>, void, undefined> {
  for await (const page of pages(client, path, ...init)) {
    for (const value of Object.values(page as object)) {
      if (Array.isArray(value)) yield* value as RecordOf<Path>[];
    }
  }
}
