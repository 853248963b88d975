/** Requests to the API with a token of the page's user. */

export interface Options {
  /** The address of the API, such as `https://api.example`; by default, where this script came from. */
  api?: string;
  /** The user of the page, or the session of an anonymous visitor. */
  user?: string;
  session?: string;
  /** Gets a token of this user or session from the shop's own server. It is called again when the token has expired. */
  token: () => string | Promise<string>;
  /** Gets what went wrong, such as events that the server refused; by default, it is logged as a warning. */
  onError?: (error: unknown) => void;
}

/** RFC 9457's problem document of the server. */
interface Problem {
  detail?: string;
  errors?: readonly { pointer: string; detail: string }[];
}

/** A response that is not a success. */
export class Refusal extends Error {
  readonly status: number;
  readonly errors: readonly { pointer: string; detail: string }[];
  readonly waitSeconds: number;

  constructor(status: number, { detail, errors = [] }: Problem, waitSeconds = 0) {
    super(detail ?? `The server answered ${status}.`);
    this.status = status;
    this.errors = errors;
    this.waitSeconds = waitSeconds;
  }

  /** Whether the same request would be refused again. */
  get isFinal(): boolean {
    return this.status >= 400 && this.status < 500 && ![401, 408, 429].includes(this.status);
  }
}

const SMALL_SKEW_MS = 5_000;
const UNAUTHENTICATED = 401;
const script = document.currentScript as HTMLScriptElement | null;

let options: Options | undefined;
let token: Promise<string> | undefined;
let skew: number | undefined;

/** Sets who visits the page and where tokens come from. Call it again when the user changes. */
export function init(chosen: Options): void {
  if (!chosen.user === !chosen.session) throw new TypeError("serendip.init needs either a user or a session.");
  options = chosen;
  token = undefined;
}

export function report(error: unknown): void {
  (options?.onError ?? ((reason) => console.warn("serendip:", reason)))(error);
}

/** Returns the page's user or session, as bodies of requests name it. */
export function visitor(): { user_id: string } | { session_id: string } {
  const { user, session = "" } = initialized();
  return user ? { user_id: user } : { session_id: session };
}

/** Returns the path of the page's user or session. */
export function owner(): string {
  const { user, session } = initialized();
  return user ? `/v1/users/${encodeURIComponent(user)}` : `/v1/sessions/${encodeURIComponent(session ?? "")}`;
}

/** The server's time of a time of this browser, whose clock may be wrong. */
export function serverTime(time: number): string {
  return new Date(time - (skew ?? 0)).toISOString();
}

/**
 * Sends a request; one that is refused because the token has expired is sent again with a new token.
 *
 * @throws Refusal, or TypeError if the server cannot be reached.
 */
export async function request<T>(method: string, path: string, body?: object, keepalive = false): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const used = (token ??= Promise.resolve(initialized().token()));
    used.catch(() => forget(used));
    const headers: Record<string, string> = { Authorization: `Bearer ${await used}` };
    if (body) headers["Content-Type"] = "application/json";
    const response = await fetch(address(path), {
      method,
      headers,
      body: body && JSON.stringify(body),
      keepalive,
      credentials: "omit",
    });
    learnSkew(response.headers.get("Date"));
    if (response.ok) return response.json();
    if (response.status === UNAUTHENTICATED) forget(used);
    if (response.status !== UNAUTHENTICATED || attempt > 1) throw await refusal(response);
  }
}

/** The URL of a path of the API. */
export function address(path: string): string {
  const { api = script ? new URL(".", script.src).href : location.origin } = initialized();
  return api.replace(/\/$/, "") + path;
}

function initialized(): Options {
  if (!options) throw new Error("Call serendip.init first.");
  return options;
}

function forget(used: Promise<string>): void {
  if (token === used) token = undefined;
}

/** The header is precise to a second; a clock that is nearly right stays as it is, so that later events stay later. */
function learnSkew(date: string | null): void {
  if (!date) return;
  const measured = Date.now() - Date.parse(date);
  if (Math.abs(measured - (skew ?? 0)) > SMALL_SKEW_MS) skew = measured;
}

async function refusal(response: Response): Promise<Refusal> {
  const problem: Problem = await response.json().catch(() => ({}));
  return new Refusal(response.status, problem, Number(response.headers.get("Retry-After")) || 0);
}
