/** Why an item is not in a list: where it would stand, or what keeps it out. */
import { useState } from "preact/hooks";
import { Link, useSearchParams } from "wouter-preact";
import { ifExists, type SerendipClient } from "../../api";
import { ApiCall, Button, Card, ErrorNote, Field, Input } from "../../components";
import { ago, decimal } from "../../format";
import { useRequest } from "../../hooks";
import { type List, loadList, type PastEvent, type Recipe, type Recommended, type Visitor } from "./lists";
import { whyWithoutEvents } from "./words";

const [SUGGESTED, FARTHEST] = [8, 100];

interface WhyNotProps {
  visitor: Visitor;
  recipe: Recipe;
  list: List;
  past: readonly PastEvent[];
}

export function WhyNot({ visitor, recipe, list, past }: WhyNotProps) {
  const [search] = useSearchParams();
  const [text, setText] = useState(search.get("item") ?? "");
  const [itemId, setItemId] = useState("");
  const typed = text.trim();
  const items = useRequest(async (api) => (typed ? (await api.GET("/v1/items:search", { params: { query: { text: typed, limit: SUGGESTED } } })).items : []), [typed]);
  const answer = useRequest(
    async (api) => (itemId ? { itemId, words: await whyNot(api, visitor, recipe, list, past, itemId) } : undefined),
    [itemId, JSON.stringify(visitor), recipe.scenario, recipe.version, list.recommendation_id],
  );
  const chosen = items.data?.find(({ item_id }) => item_id === typed) ?? items.data?.[0];
  return (
    <Card title="Why is an item not here?" note="Where it would stand in a longer list, or what keeps it out." actions={itemId && <ApiCall of={answer.call} />}>
      <form class="view-user" onSubmit={(event) => { event.preventDefault(); setItemId(chosen?.item_id ?? typed); }}>
        <Field label="Item">
          {(tie) => <Input {...tie} required list="view-items" value={text} placeholder="Id or beginning of the title" onText={setText} />}
        </Field>
        <datalist id="view-items">{items.data?.map(({ item_id, title }) => <option key={item_id} value={item_id}>{title}</option>)}</datalist>
        <Button type="submit" icon="search" busy={answer.isLoading && itemId !== ""} disabled={typed === "" || items.isLoading}>Ask</Button>
      </form>
      <ErrorNote error={items.error ?? answer.error} retry={answer.reload} />
      <div role="status">
        {answer.data?.itemId === itemId && answer.data && (
          <p><Link href={`/catalog/${encodeURIComponent(itemId)}`} class="underlined">{itemId}</Link>: {answer.data.words}</p>
        )}
      </div>
    </Card>
  );
}

async function whyNot(api: SerendipClient, visitor: Visitor, recipe: Recipe, list: List, past: readonly PastEvent[], itemId: string): Promise<string> {
  const item = await ifExists(api.GET("/v1/items/{item_id}", { params: { path: { item_id: itemId } } }));
  if (item?.hidden) return "It is hidden, so nobody sees it.";
  if (item?.expires_at && new Date(item.expires_at) <= new Date()) return `It expired ${ago(item.expires_at)}, so nobody sees it.`;
  const last = list.items.at(-1);
  const farther = await loadList(api, visitor, recipe, [], { limit: FARTHEST, explain: false });
  const place = farther.items.findIndex(({ item_id }) => item_id === itemId);
  const reached = farther.items[place];
  if (reached && place < list.items.length) return `It is in the list, at place ${place + 1}.`;
  if (reached) return `It would be at place ${place + 1}. ${scoreOf(reached, last)}`;
  if (!item) return "The catalog has no such item. See Project settings for when items without a record are recommended.";
  const only = { limit: 1, explain: false, filter: `item.id == ${JSON.stringify(itemId)}` };
  const [alone] = (await loadList(api, visitor, recipe, [], only)).items;
  if (alone) return `It is not among the first ${FARTHEST}. ${scoreOf(alone, last)}`;
  const isKnown = (await loadList(api, visitor, recipe, [], { ...only, include_seen: true })).items.length > 0;
  const event = past.find(({ item_id }) => item_id === itemId); // unless it is older than those that are shown
  if (isKnown) return `They know it${event ? ` (${event.event_type}, ${ago(event.timestamp)})` : ""}. What someone knows is left out, unless a scenario recommends it again.`;
  const isOfScenario = recipe.scenario && (await loadList(api, visitor, { ...recipe, scenario: undefined }, [], { ...only, include_seen: true })).items.length > 0;
  if (isOfScenario) return `The scenario ${recipe.scenario} leaves it out: its filter, or its choice of sources.`;
  return "No source leads to it: neither the events of this visitor nor what is trending, popular or new.";
}

function scoreOf(item: Recommended, last: Recommended | undefined): string {
  if (item.source !== "neighbors") return `No past event leads to it. ${whyWithoutEvents(item.source)}`;
  return `Its score is ${decimal(item.score)}${last?.source === "neighbors" ? `; that of the last item shown is ${decimal(last.score)}` : ""}.`;
}
