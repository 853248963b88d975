import { retryAfterSeconds } from "./errors.js";

export interface RetryOptions {
  /** How often a request is sent again; 0 turns retries off. */
  retries?: number;
  /** The longest wait before a retry. A response that asks for a longer one is returned as it is. */
  maxWaitSeconds?: number;
}

type Fetch = (request: Request) => Promise<Response>;

export const IDEMPOTENCY_KEY = "Idempotency-Key";
const TRANSIENT = new Set([429, 502, 503, 504]);
const IN_FLIGHT = 409;
const FIRST_WAIT_SECONDS = 0.25;

/**
 * Returns a `fetch` that repeats requests after network errors and transient responses, with exponential waits and
 * full jitter, or as `Retry-After` asks. A POST is repeated only if it has an `Idempotency-Key`.
 */
export function withRetries(fetch: Fetch, { retries = 3, maxWaitSeconds = 20 }: RetryOptions): Fetch {
  const attempt = async (request: Request, sent: number): Promise<Response> => {
    const isLast = sent >= retries || !isRepeatable(request);
    if (isLast) return fetch(request);
    const backoff = Math.random() * Math.min(maxWaitSeconds, FIRST_WAIT_SECONDS * 2 ** sent);
    let wait = backoff;
    try {
      const response = await fetch(request.clone());
      const asked = retryAfterSeconds(response);
      if (!isTransient(response, asked) || (asked ?? 0) > maxWaitSeconds) return response;
      await response.body?.cancel();
      wait = asked === undefined ? backoff : asked + backoff;
    } catch (error) {
      if (request.signal.aborted) throw error;
    }
    await sleep(wait, request.signal);
    return attempt(request, sent + 1);
  };
  return (request) => attempt(request, 0);
}

/** Returns a key for one call and its retries. */
export function idempotencyKey(): string {
  // Unlike crypto.randomUUID, this exists on pages without TLS too.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Waits for a time. It rejects with the signal's reason as soon as the signal is aborted. */
export function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, seconds * 1000);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
  });
}

function isRepeatable(request: Request): boolean {
  return request.method !== "POST" || request.headers.has(IDEMPOTENCY_KEY);
}

/** A 409 with Retry-After means that an earlier try with the same Idempotency-Key is still running. */
function isTransient(response: Response, asked: number | undefined): boolean {
  return TRANSIENT.has(response.status) || (response.status === IN_FLIGHT && asked !== undefined);
}
