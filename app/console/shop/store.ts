/** What the visitor looks at, their cart, and where each item was recommended. All of it lives in this tab. */
import { computed, effect, signal } from "@preact/signals";
import type { Item, List, Query } from "../tag";
import { API } from "../src/place";
import { report, tokenOf, type Visitor } from "./tokens";

export type { Item, List, Visitor };

export const TAG_API = document.documentElement.dataset.api ?? API;
const VISITOR = "serendip.shop.visitor";
const CART = "serendip.shop.cart";
const FIRST: Visitor = { user: "user-001" };

declare global {
  var serendip: typeof import("../tag");
}

/** The part of the address after `#`: "", `item/<id>`, `shelf/<category>` or `cart`. */
export const place = signal(decodeURIComponent(location.hash.slice(1)));
export const visitor = signal<Visitor>(stored(VISITOR, FIRST));
export const cart = signal<readonly string[]>(stored(CART, []));
export const failure = signal("");
/** Whether the visitor did more than look at lists. */
export const hasActed = signal(false);

/** Every item that a list has shown, by id; an item's page is drawn from it. */
export const items = signal<ReadonlyMap<string, Item>>(new Map());
export const shelves = computed(() =>
  [...new Set([...items.value.values()].flatMap(({ categories }) => categories?.slice(0, 1) ?? []))].sort(),
);

/** The list that led to an item: what happens to the item counts for it. */
const ledBy = new Map<string, string>();

addEventListener("hashchange", () => {
  place.value = decodeURIComponent(location.hash.slice(1));
  scrollTo(0, 0);
});
effect(() => sessionStorage.setItem(CART, JSON.stringify(cart.value)));
effect(() => sessionStorage.setItem(VISITOR, JSON.stringify(visitor.value)));

/** Loads the tag and tells it who the visitor is. */
export async function open(): Promise<void> {
  await new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: `${TAG_API}/serendip-1.js`, crossOrigin: "anonymous" });
    script.onload = resolve;
    script.onerror = () => reject(new Error("The tag could not be loaded."));
    document.head.append(script);
  });
  init();
}

/** Continues as someone else, with an empty cart. What the last visitor did is sent first, with their token. */
export async function become(next: Visitor): Promise<void> {
  await serendip.flush();
  cart.value = [];
  ledBy.clear();
  hasActed.value = false;
  failure.value = "";
  visitor.value = next;
  init();
}

function init(): void {
  const chosen = visitor.value;
  serendip.init({ api: TAG_API, ...chosen, token: () => tokenOf(chosen), onError: fail });
}

/** Shows what went wrong. */
export function fail(error: unknown): void {
  failure.value = error instanceof Error ? error.message : String(error);
}

export async function recommend(query: Query): Promise<List> {
  return remember(await serendip.recommend({ properties: true, ...query }));
}

/** Loads an item that no list has shown yet; returns whether it exists. */
export async function find(item_id: string): Promise<boolean> {
  const { items: [first] } = remember(await serendip.rank([item_id], { properties: true }));
  return Boolean(first?.properties);
}

export function remember(list: List): List {
  items.value = new Map([...items.value, ...list.items.map((item): [string, Item] => [item.item_id, item])]);
  return list;
}

/** Follows a link of a list, which counts as a click. */
export function choose(item: Item, list: List): void {
  ledBy.set(item.item_id, list.recommendation_id);
  track("click", item.item_id);
}

/** Whether the visitor came to the item from a list. */
export function isFromList(item_id: string): boolean {
  return ledBy.has(item_id);
}

export function add(item: Item): void {
  if (cart.value.includes(item.item_id)) return;
  cart.value = [...cart.value, item.item_id];
  track("cart", item.item_id);
}

export function remove(item_id: string): void {
  cart.value = cart.value.filter((each) => each !== item_id);
  track("remove_from_cart", item_id);
}

export async function buy(): Promise<void> {
  const bought = cart.value;
  cart.value = []; // a second click buys nothing
  const purchases = bought.map((item_id) => ({ item_id, recommendation_id: ledBy.get(item_id), value: priceOf(items.value.get(item_id)) }));
  try {
    await serendip.flush();
    if (await report(visitor.value, purchases)) hasActed.value = true;
    else for (const item_id of bought) track("purchase", item_id);
  } catch (error) {
    cart.value = bought;
    throw error;
  }
  await serendip.flush();
}

export function priceOf(item: Item | undefined): number | undefined {
  const price = item?.properties?.price;
  return typeof price === "number" ? price : undefined;
}

export function track(event_type: string, item_id: string): void {
  hasActed.value = true;
  serendip.track({ event_type, item_id, recommendation_id: ledBy.get(item_id) });
}

function stored<T>(name: string, otherwise: T): T {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "") ?? otherwise;
  } catch {
    return otherwise; // nothing yet
  }
}
