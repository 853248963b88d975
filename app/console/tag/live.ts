/** The user's list over a WebSocket, which is opened again whenever it ends. */
import { type List, recommend } from "./lists";
import { address, Refusal, report, request } from "./server";

export interface Subscription {
  limit?: number;
  scenario?: string;
  /** Whether items come with their categories and properties. */
  properties?: boolean;
}

const PING_MS = 300_000; // API Gateway closes sockets that are silent for ten minutes
const LONGEST_PAUSE_MS = 30_000;

/**
 * Calls back with the list now, and again whenever events change it. Returns a function that ends the subscription.
 *
 * If the server refuses to follow the user, such as one who was erased, it calls back once, with the list as it is.
 */
export function subscribe(subscription: Subscription, show: (list: List) => void): () => void {
  let socket: WebSocket | undefined;
  let failures = 0;
  let hasEnded = false;

  async function connect(): Promise<void> {
    try {
      const { ticket, socket_url } = await request<{ ticket: string; socket_url: string | null }>("POST", "/v1/tickets", {});
      const url = socket_url ?? address("/v1/socket").replace(/^http/, "ws");
      if (!hasEnded) open(`${url}?ticket=${encodeURIComponent(ticket)}`);
    } catch (error) {
      report(error);
      if (!(error instanceof Refusal && error.isFinal)) connectAgain();
      else recommend({ ...subscription }).then((list) => hasEnded || show(list), report);
    }
  }

  function open(url: string): void {
    const opened = (socket = new WebSocket(url));
    const pings = setInterval(() => opened.send('{"action": "ping"}'), PING_MS);
    opened.onopen = () => opened.send(JSON.stringify({ action: "subscribe", ...subscription }));
    opened.onmessage = ({ data }) => {
      const { action, ...content } = JSON.parse(data);
      if (action === "recommendations") {
        failures = 0;
        show(content);
      } else if (action === "error") report(new Refusal(content.status, content));
    };
    opened.onclose = () => {
      clearInterval(pings);
      connectAgain();
    };
  }

  function connectAgain(): void {
    if (hasEnded) return;
    const pause = Math.min(LONGEST_PAUSE_MS, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
    failures += 1;
    setTimeout(() => void (hasEnded || connect()), pause);
  }

  void connect();
  return () => {
    hasEnded = true;
    socket?.close();
  };
}
