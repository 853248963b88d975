import type { Schemas, SerendipClient } from "./client.js";
import { isRefusal, SerendipError } from "./errors.js";
import { sleep } from "./retries.js";

/** A list that was pushed; `trimmed` if reasons or properties did not fit into a frame. */
export type LiveList = Schemas["RecommendationListView"] & {
  user_id?: string;
  session_id?: string;
  trimmed?: boolean;
};

export interface SubscribeOptions {
  user_id?: string;
  session_id?: string;
  /** The number of items. */
  limit?: number;
  scenario?: string;
  /** Whether items come with their categories and properties. */
  properties?: boolean;
  /**
   * Gets the errors of the subscription. A refusal (`SerendipError` with a status from 400 to 499 other than 429) ends
   * it; after anything else it connects again. By default they are logged with `console.error`.
   */
  onError?: (error: unknown) => void;
  /** Replaces `globalThis.WebSocket`, which Node.js has from version 22 on. */
  WebSocket?: typeof WebSocket;
}

export interface Subscription {
  close(): void;
}

const PING_SECONDS = 300; // API Gateway closes sockets that are silent for ten minutes
const LONGEST_WAIT_SECONDS = 30;

/**
 * Calls back with a user's or session's list now, and again whenever it changes after an event, until it is closed.
 *
 * Each connection is opened with a ticket, so that no credential is in a URL, and replaced when it ends.
 */
export function subscribe(
  client: SerendipClient,
  options: SubscribeOptions,
  onList: (list: LiveList) => void,
): Subscription {
  const { onError = (error) => console.error("A Serendip subscription failed.", error) } = options;
  const Socket = options.WebSocket ?? globalThis.WebSocket;
  if (!Socket) throw new TypeError("This runtime has no WebSocket. Pass its class as `WebSocket`.");
  const closing = new AbortController();

  async function keepConnected(): Promise<void> {
    let failures = 0;
    const receive = (list: LiveList) => {
      failures = 0;
      onList(list);
    };
    while (!closing.signal.aborted) {
      try {
        await connection(client, { ...options, WebSocket: Socket }, receive, closing.signal);
      } catch (error) {
        if (closing.signal.aborted) return;
        onError(error);
        if (isRefusal(error)) return;
      }
      const wait = Math.random() * Math.min(LONGEST_WAIT_SECONDS, 0.5 * 2 ** failures);
      failures += 1;
      await sleep(wait, closing.signal).catch(() => undefined);
    }
  }

  void keepConnected();
  return { close: () => closing.abort() };
}

/** Runs one connection until it is closed; rejects with the error that the server sent. */
async function connection(
  client: SerendipClient,
  options: SubscribeOptions & Required<Pick<SubscribeOptions, "WebSocket">>,
  onList: (list: LiveList) => void,
  closing: AbortSignal,
): Promise<void> {
  const { onError: _, WebSocket: Socket, ...subscription } = options;
  const { user_id, session_id } = options;
  const { ticket, socket_url } = await client.POST("/v1/tickets", { body: { user_id, session_id }, signal: closing });
  const address = new URL(socket_url ?? `${client.baseUrl}/v1/socket`, globalThis.location?.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.searchParams.set("ticket", ticket);
  const socket = new Socket(address);
  const close = () => socket.close();
  closing.addEventListener("abort", close, { once: true });
  if (closing.aborted) close();
  const pings = setInterval(() => socket.send('{"action": "ping"}'), PING_SECONDS * 1000);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => socket.send(JSON.stringify({ action: "subscribe", ...subscription }));
      socket.onclose = () => resolve();
      socket.onmessage = ({ data }) => {
        const { action, id, resume, ...content } = JSON.parse(String(data));
        if (action === "recommendations") onList(content);
        else if (action === "error") reject(new SerendipError(content, content.retry_after));
      };
    });
  } finally {
    clearInterval(pings);
    closing.removeEventListener("abort", close);
    socket.close();
  }
}
