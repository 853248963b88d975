import createFetchClient, { type Client, type FetchOptions } from "openapi-fetch";
import type {
  FilterKeys,
  HttpMethod,
  PathsWithMethod,
  RequiredKeysOf,
  SuccessResponse,
} from "openapi-typescript-helpers";

import { SerendipError } from "./errors.js";
import { IDEMPOTENCY_KEY, idempotencyKey, type RetryOptions, withRetries } from "./retries.js";
import type { components, paths } from "./schema.gen.js";

/** The bodies of requests and responses, by name: `Schemas["ItemView"]`. */
export type Schemas = components["schemas"];

export interface ClientOptions extends RetryOptions {
  /** The address of the server; in a browser by default the page's own. */
  baseUrl?: string;
  /** A project's key, `sk_...`. Keep it on servers: a page that holds one gives it to everybody. */
  apiKey?: string;
  /** A user token, `ut_...`, or a JWT; a function is called for each request, so that it can renew the token. */
  token?: string | (() => string | Promise<string>);
  /** Sent with each request. */
  headers?: Record<string, string>;
  /** Replaces `globalThis.fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

type Method<Path extends keyof paths, Verb extends HttpMethod> = paths[Path][Verb & keyof paths[Path]];
type Init<Path extends keyof paths, Verb extends HttpMethod> = FetchOptions<FilterKeys<paths[Path], Verb>>;
/** The parameters and body of an operation, which can be left out if none is required. */
export type Arguments<Path extends keyof paths, Verb extends HttpMethod> =
  RequiredKeysOf<Init<Path, Verb>> extends never ? [init?: Init<Path, Verb>] : [init: Init<Path, Verb>];
type Body<Path extends keyof paths, Verb extends HttpMethod> =
  Method<Path, Verb> extends { responses: infer Responses extends Record<number, object> }
    ? SuccessResponse<Responses>
    : never;

type Keys<T> = [T] extends [never] ? never : keyof NonNullable<T>;
type Query<Operation> = Operation extends { parameters: { query?: infer Q } } ? Exclude<Q, undefined> : never;
type Posted<Operation> = Operation extends { requestBody: { content: { "application/json": infer Posted } } } ? Posted : never;
/** The paths whose items carry what `fields` names, in the query or the body. */
export type PathWithFields<Verb extends HttpMethod> = {
  [Path in PathsWithMethod<paths, Verb>]: "fields" extends
    | Keys<Query<Method<Path, Verb>>>
    | Keys<Posted<Method<Path, Verb>>>
    ? Path
    : never;
}[PathsWithMethod<paths, Verb>];

type Scored = { items: { score: number }[] };
/** The responses whose items carry everything. */
type Whole = Scored | { items: { created_at: string }[] } | { rows: Scored[] };
/** The arguments of a call that sends `fields`. */
export type Selecting<Path extends keyof paths, Verb extends HttpMethod> = [
  init: Init<Path, Verb> &
    ("fields" extends Keys<Query<Method<Path, Verb>>>
      ? { params: { query: { fields: string[] } } }
      : { body: { fields: string[] } }),
];
/** The body of the response to a call that sends `fields`. */
export type Selected<Path extends keyof paths, Verb extends HttpMethod> = Exclude<Body<Path, Verb>, Whole>;
/** The parsed body of an operation's response; of one that takes `fields`, if they are not sent. */
export type Answer<Path extends keyof paths, Verb extends HttpMethod> =
  Path extends PathWithFields<Verb> ? Extract<Body<Path, Verb>, Whole> : Body<Path, Verb>;

interface Call<Verb extends HttpMethod> {
  <Path extends PathWithFields<Verb>>(path: Path, ...init: Selecting<Path, Verb>): Promise<Selected<Path, Verb>>;
  <Path extends PathsWithMethod<paths, Verb>>(
    path: Path,
    ...init: Arguments<Path, Verb>
  ): Promise<Answer<Path, Verb>>;
}

/**
 * Every operation of the API by its method and path. The methods return the parsed body and throw a `SerendipError` if
 * the server refuses, or what `fetch` throws if the network fails.
 */
export interface SerendipClient {
  readonly baseUrl: string;
  readonly GET: Call<"get">;
  readonly PUT: Call<"put">;
  readonly POST: Call<"post">;
  readonly PATCH: Call<"patch">;
  readonly DELETE: Call<"delete">;
  /** The same with the whole `{ data, error, response }`, which never throws a `SerendipError`; for ETags, for example. */
  readonly raw: Client<paths>;
}

export function createClient(options: ClientOptions = {}): SerendipClient {
  const { apiKey, token, headers, fetch = (request) => globalThis.fetch(request) } = options;
  const baseUrl = (options.baseUrl ?? "").replace(/\/+$/, "");
  const raw = createFetchClient<paths>({ baseUrl, headers, fetch: withRetries(fetch, options) });
  raw.use({
    async onRequest({ request }) {
      if (apiKey !== undefined) request.headers.set("X-API-Key", apiKey);
      if (token !== undefined) {
        request.headers.set("Authorization", `Bearer ${typeof token === "string" ? token : await token()}`);
      }
      if (request.method === "POST" && !request.headers.has(IDEMPOTENCY_KEY)) {
        request.headers.set(IDEMPOTENCY_KEY, idempotencyKey());
      }
    },
  });

  function calling<Verb extends "get" | "put" | "post" | "patch" | "delete">(verb: Verb): Call<Verb> {
    const send = raw[verb.toUpperCase() as Uppercase<Verb>] as (
      path: string,
      init: unknown,
    ) => Promise<{ data?: unknown; error?: unknown; response: Response }>;
    return (async (path: string, init?: unknown) => {
      const { data, error, response } = await send(path, init);
      if (!response.ok) throw SerendipError.of(response, error);
      return data;
    }) as Call<Verb>;
  }

  return {
    baseUrl,
    GET: calling("get"),
    PUT: calling("put"),
    POST: calling("post"),
    PATCH: calling("patch"),
    DELETE: calling("delete"),
    raw,
  };
}
