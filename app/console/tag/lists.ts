/** Lists of the page's user, of an item, or of everyone. */
import { owner, request, visitor } from "./server";

/** With `fields`, only its id and what they name. */
export interface Item {
  item_id: string;
  title: string | null;
  source: string;
  score: number;
  categories?: string[] | null;
  properties?: Record<string, unknown> | null;
}

export interface List {
  recommendation_id: string;
  items: Item[];
}

export interface Query {
  /** Which list; without any of the three, what is recommended to the page's user. */
  similar_to?: string;
  bought_with?: string;
  list?: "popular" | "trending" | "latest";
  /** Everything else is a parameter of the operation, such as `limit`, `filter`, `cart` or `fields`. */
  [parameter: string]: string | number | boolean | readonly string[] | undefined;
}

/**
 * Gets a list.
 *
 * @throws Refusal, or TypeError if the server cannot be reached.
 */
export function recommend({ similar_to, bought_with, list, ...parameters }: Query = {}): Promise<List> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined) query.append(name, String(each));
  }
  let path = `${owner()}/recommendations`;
  if (similar_to) path = `/v1/items/${encodeURIComponent(similar_to)}/similar`;
  if (bought_with) path = `/v1/items/${encodeURIComponent(bought_with)}/bought-together`;
  if (list) path = `/v1/lists/${list}`;
  return request("GET", `${path}?${query}`);
}

/** What each item of a ranking carries. */
export interface Choice {
  properties?: boolean;
  fields?: readonly string[];
}

/**
 * Orders items of your choice for the page's user, best first; hidden ones are left out.
 *
 * @throws as `recommend`.
 */
export function rank(item_ids: readonly string[], { properties, fields }: Choice = {}): Promise<List> {
  return request("POST", "/v1/rankings", { ...visitor(), item_ids, properties, fields });
}
