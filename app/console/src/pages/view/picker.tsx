/** Items to click, to make up a session: popular ones or search results. */
import { useState } from "preact/hooks";
import { ApiCall, Card, Empty, ErrorNote, Input, Loading, Picture } from "../../components";
import { price } from "../../format";
import { useRequest } from "../../hooks";
import { may } from "../../session";
import type { PickedItem } from "./lists";

const SHOWN = 24;

export function Picker({ onPick }: { onPick: (item: PickedItem) => void }) {
  const [text, setText] = useState("");
  const items = useRequest(
    async (api): Promise<readonly PickedItem[]> =>
      text.trim()
        ? (await api.GET("/v1/items:search", { params: { query: { text: text.trim(), limit: SHOWN } } })).items
        : (await api.GET("/v1/lists/{kind}", { params: { path: { kind: "popular" }, query: { limit: SHOWN, properties: true } } })).items,
    [text.trim()],
  );
  return (
    <Card title="Click what the visitor looks at" note="Nothing is stored: the events are sent with each request for the list." actions={<ApiCall of={items.call} />}>
      {may("write") && <Input type="search" value={text} onText={setText} placeholder="Search the catalog" aria-label="Search the catalog" />}
      <ErrorNote error={items.error} retry={items.reload} />
      {!items.data && !items.error && <Loading lines={4} />}
      {items.data?.length === 0 && <Empty icon="box" title={text ? "No item begins like this" : "No items yet"}>{text ? "Try the beginning of a title or id." : "Import items or events first."}</Empty>}
      <ul class="view-picker">
        {items.data?.map((item) => (
          <li key={item.item_id}>
            <button type="button" onClick={() => onPick(item)}>
              <Picture item={item} size={44} />
              <span><span class="truncate">{item.title || item.item_id}</span><span class="small muted number">{price(item.properties?.price)}</span></span>
            </button>
          </li>
        ))}
      </ul>
    </Card>
  );
}
