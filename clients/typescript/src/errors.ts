import type { components } from "./schema.gen.js";

export type Problem = components["schemas"]["Problem"];
export type FieldError = components["schemas"]["ProblemError"];

const TOO_MANY_REQUESTS = 429;

/** A refused request, with the fields of its problem document (RFC 9457). */
export class SerendipError extends Error {
  override readonly name = "SerendipError";
  /** The HTTP status. */
  readonly status: number;
  /** The URI of the problem type, such as `urn:serendip:problem:not-found`; `about:blank` without a problem document. */
  readonly type: string;
  readonly title: string;
  /** What happened, and what to do. */
  readonly detail: string;
  /** The id of the request in the server's log. */
  readonly instance: string;
  /** The bad fields of the input. */
  readonly errors: readonly FieldError[];
  /** How long the server asks to wait before the next try. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    problem: Pick<Problem, "status" | "type" | "title" | "detail" | "instance" | "errors">,
    retryAfterSeconds?: number,
  ) {
    super(`${problem.status} ${problem.title}: ${problem.detail}`);
    this.status = problem.status;
    this.type = problem.type;
    this.title = problem.title;
    this.detail = problem.detail;
    this.instance = problem.instance;
    this.errors = problem.errors ?? [];
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Returns the error of a response; `body` is what was parsed from it: a problem document, or a gateway's text. */
  static of(response: Response, body: unknown): SerendipError {
    const problem: Partial<Problem> = isObject(body) ? body : {};
    const text = typeof body === "string" ? body.slice(0, 500) : isObject(body) ? JSON.stringify(body) : "";
    return new SerendipError(
      {
        status: response.status,
        type: problem.type ?? "about:blank",
        title: problem.title ?? (response.statusText || `Status ${response.status}`),
        detail: problem.detail ?? text,
        instance: problem.instance ?? response.headers.get("X-Request-Id") ?? "",
        errors: problem.errors ?? null,
      },
      retryAfterSeconds(response),
    );
  }
}

/** Whether the server refused a request for good, rather than for now. */
export function isRefusal(error: unknown): error is SerendipError {
  if (!(error instanceof SerendipError)) return false;
  return error.status >= 400 && error.status < 500 && error.status !== TOO_MANY_REQUESTS;
}

/** Returns the seconds of `Retry-After`, which is a number of seconds or a date. */
export function retryAfterSeconds(response: Response): number | undefined {
  const value = response.headers.get("Retry-After");
  if (!value) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
