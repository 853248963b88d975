// Subscribes to a user's list, and sends an event that changes it: `node live.js URL KEY`.
import { createClient, subscribe } from "serendip-client";

declare const process: { argv: [string, string, string, string] };

class Connection extends WebSocket {
  static opened: Connection[] = [];
  constructor(url: string | URL) {
    super(url);
    Connection.opened.push(this);
  }
}

const [, , baseUrl, apiKey] = process.argv;
const client = createClient({ baseUrl, apiKey });
await client.PUT("/v1/items/{item_id}", { params: { path: { item_id: "tea" } }, body: { title: "Tea" } });
await client.PUT("/v1/items/{item_id}", { params: { path: { item_id: "milk" } }, body: { title: "Milk" } });

const lists: string[][] = [];
await new Promise<void>((resolve) => {
  const live = subscribe(client, { user_id: "ann", WebSocket: Connection }, async ({ items }) => {
    lists.push(items.map((item) => item.item_id).sort());
    if (lists.length === 1) {
      await client.POST("/v1/events", { body: { events: [{ user_id: "ann", item_id: "tea" }] } });
    } else if (lists.length === 2) {
      Connection.opened[0]?.close(); // as when the network fails: it connects again, and gets the list
    } else {
      live.close();
      resolve();
    }
  });
});

const errors: unknown[] = [];
await new Promise<void>((resolve) => {
  const onError = (error: unknown) => {
    errors.push(String(error));
    resolve();
  };
  subscribe(client, { user_id: "not an id", onError }, () => undefined);
});
console.log(JSON.stringify({ lists, connections: Connection.opened.length, errors }));
