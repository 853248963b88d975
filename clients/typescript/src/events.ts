import type { Schemas, SerendipClient } from "./client.js";
import { isRefusal, type SerendipError } from "./errors.js";

/** An event as `POST /v1/events` takes it. */
export type NewEvent = Schemas["EventIn"];

export interface EventSenderOptions {
  /** Events of one request: at most 500, and 50 with a user token. */
  maxEvents?: number;
  /** The longest time that an event waits for others. */
  maxSeconds?: number;
  /** Events that may wait while the server cannot be reached; `add` throws when there are more. */
  maxQueue?: number;
  /** Gets the events that the server refused and dropped; by default they are logged with `console.error`. */
  onRefused?: (error: SerendipError, events: NewEvent[]) => void;
}

const KEEPALIVE_BYTES = 60_000; // browsers send at most 64 KiB after a page is gone
const LONGEST_WAIT_SECONDS = 60;
const UNAUTHENTICATED = 401; // credentials can be renewed

/**
 * Sends events in batches: when enough have come, when the first has waited long enough, and when the page is left.
 *
 * Every event keeps the time when it was added, so that sending it twice stores it once. Events wait until the server
 * has accepted or refused them; a network error loses none as long as the page or process lives.
 */
export class EventSender {
  readonly #client: SerendipClient;
  readonly #options: Required<EventSenderOptions>;
  readonly #waiting = new Set<NewEvent>();
  readonly #leaving = new Set<NewEvent>();
  readonly #leave = () => this.#sendWhileLeaving();
  readonly #hide = () => {
    if (globalThis.document.visibilityState === "hidden") this.#sendWhileLeaving();
  };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<void> | undefined;
  #failure: unknown;
  #failures = 0;
  #isClosed = false;

  constructor(client: SerendipClient, options: EventSenderOptions = {}) {
    this.#client = client;
    this.#options = { maxEvents: 50, maxSeconds: 1, maxQueue: 10_000, onRefused: logRefused, ...options };
    globalThis.addEventListener?.("pagehide", this.#leave);
    globalThis.document?.addEventListener("visibilitychange", this.#hide);
  }

  /** The number of events that the server has neither accepted nor refused. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Adds an event to the next batch.
   *
   * @throws Error if the sender is closed, or if too many events wait; its cause is the error of the last request.
   */
  add(event: NewEvent): void {
    if (this.#isClosed) throw new Error("The event sender is closed.");
    if (this.#waiting.size >= this.#options.maxQueue) {
      throw new Error(`${this.#waiting.size} events wait for the server. Add this one later.`, { cause: this.#failure });
    }
    this.#waiting.add({ ...event, timestamp: event.timestamp ?? new Date().toISOString() });
    if (this.#waiting.size >= this.#options.maxEvents && this.#failures === 0) this.#send();
    else this.#schedule(this.#options.maxSeconds);
  }

  /**
   * Sends all waiting events now.
   *
   * @throws the error of a request that failed for another reason than its events; they keep waiting.
   */
  async flush(): Promise<void> {
    while (this.#waiting.size > 0) await (this.#sending ??= this.#drain());
  }

  /** Sends all waiting events and accepts no more; throws as `flush` does, and can be called again then. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.("pagehide", this.#leave);
    globalThis.document?.removeEventListener("visibilitychange", this.#hide);
  }

  #schedule(seconds: number): void {
    this.#timer ??= setTimeout(() => this.#send(), seconds * 1000);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#drain();
    this.#sending.catch(() => {
      this.#schedule(Math.min(LONGEST_WAIT_SECONDS, this.#options.maxSeconds * 2 ** this.#failures));
    });
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.size > 0) {
        const batch = [...this.#waiting].slice(0, this.#options.maxEvents);
        try {
          await this.#client.POST("/v1/events", { body: { events: batch } });
          this.#settle(batch);
        } catch (error) {
          if (!isRefusal(error) || error.status === UNAUTHENTICATED) throw error;
          const refused = refusedOf(error, batch);
          this.#settle(refused);
          this.#report(error, refused);
        }
        this.#failures = 0;
      }
    } catch (error) {
      this.#failures += 1;
      this.#failure = error;
      throw error;
    } finally {
      this.#sending = undefined;
    }
  }

  #report(error: SerendipError, refused: NewEvent[]): void {
    try {
      this.#options.onRefused(error, refused);
    } catch (failure) {
      console.error("onRefused failed.", failure);
      logRefused(error, refused);
    }
  }

  #settle(events: NewEvent[]): void {
    for (const event of events) this.#waiting.delete(event);
  }

  /**
   * Sends what has not been accepted in requests that outlive the page, even what is on its way: the browser may drop
   * other requests.
   */
  #sendWhileLeaving(): void {
    const events = [...this.#waiting].filter((event) => !this.#leaving.has(event));
    let bytes = 0;
    const fitting = events.filter((event) => (bytes += sizeOf(event)) <= KEEPALIVE_BYTES);
    for (let start = 0; start < fitting.length; start += this.#options.maxEvents) {
      this.#sendLast(fitting.slice(start, start + this.#options.maxEvents));
    }
    if (fitting.length < events.length) this.#send();
  }

  #sendLast(events: NewEvent[]): void {
    for (const event of events) this.#leaving.add(event);
    this.#client
      .POST("/v1/events", { body: { events }, keepalive: true })
      .then(
        () => this.#settle(events),
        () => this.#schedule(this.#options.maxSeconds), // if the page comes back
      )
      .finally(() => {
        for (const event of events) this.#leaving.delete(event);
      });
  }
}

function sizeOf(event: NewEvent): number {
  return new TextEncoder().encode(JSON.stringify(event)).length + 1;
}

/** Returns the events that a problem names, or all of them if it names none. */
function refusedOf(error: SerendipError, batch: NewEvent[]): NewEvent[] {
  const indexes = error.errors.map(({ pointer }) => Number(/^\/events\/(\d+)/.exec(pointer)?.[1] ?? NaN));
  const named = batch.filter((_, index) => indexes.includes(index));
  return named.length > 0 ? named : batch;
}

function logRefused(error: SerendipError, events: NewEvent[]): void {
  console.error(`Serendip refused ${events.length} events.`, error, error.errors, events);
}
