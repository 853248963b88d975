/**
 * Events wait in memory until the server has taken or refused them.
 *
 * They are sent by `fetch` with `keepalive`, which outlives the page as `sendBeacon` does. `sendBeacon` cannot set the
 * header that holds the token, and its response cannot be read: neither an expired token nor a refusal would be noticed.
 *
 * An event keeps its time, from which the server derives its identity: sent twice, it is stored once.
 */
import { Refusal, report, request, serverTime } from "./server";

/** An event as `POST /v1/events` takes it, of the page's own user or session. */
export interface NewEvent {
  event_type: string;
  item_id: string;
  /** The id of the list that showed the item. */
  recommendation_id?: string;
  /** Of ratings. */
  value?: number;
}

interface Waiting {
  event: NewEvent;
  /** When it happened, by the browser's clock. */
  at: number;
  timestamp?: string;
}

const PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;
const MOST_EVENTS = 50; // as many as the server takes at once
const MOST_BYTES = 30_000; // browsers let requests of at most 64 KiB outlive their page
const MOST_WAITING = 500;

let waiting: Waiting[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;
let failures = 0;

/** Takes an event, which is sent with others within two seconds, or when the page is left. */
export function track(event: NewEvent): void {
  waiting.push({ event, at: Date.now() });
  if (waiting.length > MOST_WAITING) report(new Error(`Dropped the oldest event: ${MOST_WAITING} are waiting.`, { cause: waiting.shift()?.event }));
  schedule(PAUSE_MS);
}

/** Sends all events that wait; resolves when the server has taken or refused them, or cannot be reached. */
export async function flush(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  while (waiting.length > 0 && (await send(nextBatch())));
}

function nextBatch(): Waiting[] {
  let bytes = 0;
  const tooMany = waiting.findIndex((each, index) => {
    bytes += JSON.stringify(each.event).length + 50; // its time
    return index >= MOST_EVENTS || (index > 0 && bytes > MOST_BYTES);
  });
  return waiting.splice(0, tooMany < 0 ? waiting.length : tooMany);
}

/** Returns whether to continue with the next batch. */
async function send(batch: Waiting[]): Promise<boolean> {
  for (const each of batch) each.timestamp ??= serverTime(each.at);
  const events = batch.map(({ event, timestamp }) => ({ ...event, timestamp }));
  try {
    await request("POST", "/v1/events", { events }, true);
  } catch (error) {
    if (error instanceof Refusal && error.isFinal) {
      waiting.unshift(...stillGood(batch, error));
      return true;
    }
    waiting.unshift(...batch);
    failures += 1;
    const pause = Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** failures) * (0.5 + Math.random() / 2);
    clearTimeout(timer); // events that came in the meantime wait just as long
    timer = undefined;
    schedule(error instanceof Refusal ? Math.max(pause, error.waitSeconds * 1_000) : pause);
    return false;
  }
  failures = 0;
  return true;
}

/** The whole batch was refused: returns its events without those at fault, and with times that a wrong clock spoiled. */
function stillGood(batch: Waiting[], refusal: Refusal): Waiting[] {
  const faults = new Map(refusal.errors.map(({ pointer, detail }) => [Number(pointer.split("/")[2]), { pointer, detail }]));
  const refused: NewEvent[] = [];
  const good = batch.filter((each, index) => {
    const fault = faults.get(index);
    if (!fault && faults.size > 0) return true;
    const corrected = serverTime(each.at);
    if (fault?.pointer.endsWith("/timestamp") && corrected !== each.timestamp) {
      each.timestamp = corrected;
      return true;
    }
    refused.push(each.event);
    return false;
  });
  if (refused.length > 0) report(Object.assign(refusal, { events: refused }));
  return good;
}

function schedule(pause: number): void {
  timer ??= setTimeout(() => void flush(), pause);
}

document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && void flush());
addEventListener("pagehide", () => void flush());
