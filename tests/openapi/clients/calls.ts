// Calls ten operations through the generated TypeScript client: `node calls.js URL KEY`.
import { client } from "./client.gen";
import {
  createJob, createKey, getItem, listUserEvents, patchItem, putItem, putItems, putUser, recommendForUser, sendEvents,
} from "./sdk.gen";

declare const process: { argv: string[]; exitCode: number };

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`unexpected response: ${what}`);
}

async function main(baseUrl: string, key: string): Promise<void> {
  client.setConfig({ baseUrl, auth: (scheme) => (scheme.type === "apiKey" ? key : undefined), throwOnError: true });
  const path = { item_id: "tea" };

  const tea = await putItem({ path, body: { title: "Tea" }, headers: { "If-None-Match": "*" } });
  const etag = tea.response.headers.get("ETag") ?? "";
  check(tea.data?.title === "Tea", "putItem");
  check((await getItem({ path, throwOnError: true })).data.title === "Tea", "getItem");
  const patched = await patchItem({ path, body: { title: "Green tea" }, headers: { "If-Match": etag } });
  check(patched.data?.title === "Green tea", "patchItem");
  const stored = await putItems({ body: { items: [{ item_id: "milk" }, { item_id: "rum" }] } });
  check(stored.data?.changed === 2, "putItems");
  check((await putUser({ path: { user_id: "ann" }, body: {} })).data?.user_id === "ann", "putUser");
  const events = [{ user_id: "ann", item_id: "tea" }, { user_id: "bob", item_id: "milk", event_type: "rating", value: 4.5 }];
  const accepted = await sendEvents({ body: { events }, headers: { "Idempotency-Key": "calls" } });
  check(accepted.data?.accepted === 2, "sendEvents");
  const history = await listUserEvents({ path: { user_id: "ann" } });
  check(history.data?.events.map((event) => event.item_id).join() === "tea", "listUserEvents");
  const query = { limit: 3, fresh_after: accepted.data?.freshness_token };
  const page = await recommendForUser({ path: { user_id: "ann" }, query });
  check(page.data?.items.every((row) => row.item_id !== "tea") === true, "recommendForUser");
  check((await createJob({ body: { kind: "export" } })).data?.kind === "export", "createJob");
  const created = await createKey({ body: { name: "shop", scopes: ["recommend"] } });
  check(created.data?.key.startsWith("sk_") === true, "createKey");
}

main(process.argv[2], process.argv[3]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
