// Uses the TypeScript client against a live server: `node calls.js URL KEY`.
import { createClient, EventSender, pages, records, type Schemas, SerendipError } from "serendip-client";

declare const process: { argv: string[] };

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`unexpected response: ${what}`);
}

const client = createClient({ baseUrl: process.argv[2], apiKey: process.argv[3] });
const params = { path: { item_id: "tea" } };

const { response } = await client.raw.PUT("/v1/items/{item_id}", { params, body: { title: "Tea" } });
const ifMatch = { ...params, header: { "If-Match": response.headers.get("ETag") ?? "" } };
const patched: Schemas["ItemView"] = await client.PATCH("/v1/items/{item_id}", {
  params: ifMatch,
  body: { title: "Green tea" },
});
check(patched.title === "Green tea", "patchItem");
const stale = await client.PATCH("/v1/items/{item_id}", { params: ifMatch, body: {} }).catch((error) => error);
check(stale instanceof SerendipError && stale.status === 412 && stale.detail !== "", "SerendipError");
check((await client.POST("/v1/items:batch", { body: { items: [{ item_id: "milk" }] } })).changed === 1, "putItems");

const refused: unknown[] = [];
const sender = new EventSender(client, { maxEvents: 4, onRefused: (_, events) => refused.push(...events) });
for (let i = 0; i < 5; i++) sender.add({ user_id: "ann", item_id: "tea", event_type: `type-${i}` });
sender.add({ user_id: "no id!", item_id: "tea" });
sender.add({ user_id: "ann", item_id: "milk" });
await sender.close();
check(sender.waiting === 0 && refused.length === 1, "EventSender");

const user = { params: { path: { user_id: "ann" }, query: { limit: 4 } } };
const sizes: number[] = [];
for await (const page of pages(client, "/v1/users/{user_id}/events", user)) sizes.push(page.events.length);
check(sizes.join() === "4,2", "pages");
const types: string[] = [];
for await (const event of records(client, "/v1/users/{user_id}/events", user)) types.push(event.event_type);
check(types.sort().join() === "type-0,type-1,type-2,type-3,type-4,view", "records");
const list = await client.GET("/v1/users/{user_id}/recommendations", user);
check(list.items.every((item) => item.item_id !== "tea"), "recommendForUser");

const query = { fields: ["title"] };
const titles = await client.GET("/v1/users/{user_id}/recommendations", { params: { path: { user_id: "ann" }, query } });
check(titles.items.every((item) => item.title !== undefined && item.score === undefined), "fields");
// @ts-expect-error - an item of a response to `fields` may have no score
const scores: number[] = titles.items.map((item) => item.score);
const all: number[] = list.items.map((item) => item.score);
check(scores.length === all.length, "scores");
const body = { user_id: "ann", item_ids: ["milk"], fields: ["score"] };
const ranked: Schemas["SelectedRecommendationList"] = await client.POST("/v1/rankings", { body });
check(ranked.items[0]?.score === 0 && ranked.items[0].source === undefined, "rankItems");
const found: (string | null | undefined)[] = [];
for await (const item of records(client, "/v1/items", { params: { query } })) found.push(item.title);
check(found.includes("Green tea"), "records with fields");
// @ts-expect-error - a parameter that does not exist
await client.GET("/v1/items", { params: { query: { feilds: ["title"] } } }).catch(() => undefined);
