/** The lists that the page shows: who gets them, how they are made, and what moved between two of them. */
import type { Schemas, SerendipClient } from "../../api";

export type List = Schemas["RecommendationListView"];
export type Recommended = Schemas["RecommendationView"];
export type Reason = Schemas["ReasonView"];

export interface PastEvent {
  event_id: string;
  item_id: string;
  event_type: string;
  timestamp: string;
  title?: string | null;
  /** A rating, quantity or revenue. */
  value?: number | null;
  /** How often the same was done: these events share an id, and are switched off together. */
  times?: number;
}

/** An item that is clicked. */
export interface PickedItem {
  item_id: string;
  title?: string | null | undefined;
  properties?: Readonly<Record<string, unknown>> | null | undefined;
}

/** A user of the project, or an anonymous session whose events exist on this page alone. */
export type Visitor = { user: string } | { events: readonly PastEvent[] };

/** How a list is made: by the defaults, or by a scenario and a model version. */
export interface Recipe {
  scenario?: string | undefined;
  version?: string | undefined;
}

export const LIMIT = 12;

/** Loads a list with all reasons, as if some events had not happened; `only` bounds it in another way than the recipe. */
export function loadList(api: SerendipClient, visitor: Visitor, recipe: Recipe, without: readonly string[] = [], only: { limit?: number; filter?: string; explain?: boolean; include_seen?: boolean } = {}): Promise<List> {
  const settings = {
    ...(recipe.scenario ? { scenario: recipe.scenario } : { limit: LIMIT }),
    ...(recipe.version && { model_version: recipe.version }),
    properties: true,
    explain: true,
    ...only,
  };
  if ("user" in visitor) {
    const query = { ...settings, ...(without.length > 0 && { without_event: [...without] }) };
    return api.GET("/v1/users/{user_id}/recommendations", { params: { path: { user_id: visitor.user }, query } });
  }
  const events = visitor.events
    .filter(({ event_id }) => !without.includes(event_id))
    .map(({ event_id, item_id, event_type, timestamp }) => ({ event_id, item_id, event_type, timestamp }));
  return api.POST("/v1/recommendations", { body: { ...settings, events } });
}

/** How many positions an item moved up; "new" if it was not in the list before. */
export type Move = number | "new";

export function movesSince(before: readonly string[] | undefined, items: readonly Recommended[]): Map<string, Move> {
  const moves = new Map<string, Move>();
  if (!before) return moves;
  items.forEach(({ item_id }, position) => {
    const earlier = before.indexOf(item_id);
    moves.set(item_id, earlier < 0 ? "new" : earlier - position);
  });
  return moves;
}

export function idsOf(list: List | undefined): string[] {
  return list?.items.map(({ item_id }) => item_id) ?? [];
}

/** The share of the whole list that each event is behind, by event id, largest first. */
export function influence(list: List | undefined): Map<string, number> {
  const shares = new Map<string, number>();
  for (const { reasons } of list?.items ?? []) {
    for (const reason of reasons ?? []) {
      const id = idOf(reason);
      shares.set(id, (shares.get(id) ?? 0) + reason.share / (list?.items.length ?? 1));
    }
  }
  return new Map([...shares].toSorted(([, a], [, b]) => Math.abs(b) - Math.abs(a)));
}

export function idOf(reason: Reason): string {
  return reason.event_id ?? `${reason.event_type}:${reason.item_id}`;
}

/** The events that count only since another one of their item is switched off, by the id of that one. */
export function countedInstead(events: readonly PastEvent[], off: readonly string[], before: List | undefined, after: List | undefined): Map<string, PastEvent> {
  const instead = new Map<string, PastEvent>();
  if (!before || !after || off.length === 0) return instead;
  const [counted, counts] = [influence(before), influence(after)];
  for (const event of events) {
    if (off.includes(event.event_id) || counted.has(event.event_id) || !counts.has(event.event_id)) continue;
    const left = off.findLast((id) => events.some(({ event_id, item_id }) => event_id === id && item_id === event.item_id));
    if (left !== undefined) instead.set(left, event);
  }
  return instead;
}
