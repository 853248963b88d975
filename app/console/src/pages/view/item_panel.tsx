/** What is similar to an item, and what is bought together with it. */
import { useState } from "preact/hooks";
import { ApiCall, Dialog, Empty, ErrorNote, Loading, Note, Picture, Tabs } from "../../components";
import { price } from "../../format";
import { useRequest } from "../../hooks";
import { sourceInWords } from "../../sources";
import type { Recommended } from "./lists";

const KINDS = { similar: "Similar items", "bought-together": "Bought together" } as const;
type Kind = keyof typeof KINDS;

export function ItemPanel({ item, onChoose, onClose }: { item: Recommended; onChoose: (item: Recommended) => void; onClose: () => void }) {
  const [kind, setKind] = useState<Kind>("similar");
  const list = useRequest(
    (api) => api.GET(`/v1/items/{item_id}/${kind}`, { params: { path: { item_id: item.item_id }, query: { limit: 8, properties: true } } }),
    [item.item_id, kind],
  );
  const isFilled = kind === "bought-together" && list.data?.items.length && list.data.items.every(({ source }) => source !== "bought_together");
  return (
    <Dialog title={item.title || item.item_id} wide onClose={onClose}>
      <div class="row apart">
        <Tabs label="Related items" choices={KINDS} value={kind} onChoice={(each) => setKind(each as Kind)} />
        <ApiCall of={list.call} />
      </div>
      <ErrorNote error={list.error} retry={list.reload} />
      {!list.data && !list.error && <Loading lines={5} />}
      {list.data?.items.length === 0 && <Empty icon="box" title="Nothing yet">Neither sales nor its description lead to other items.</Empty>}
      {isFilled && <Note>Too few people bought it together with something else. These items are similar.</Note>}
      <ol class="view-related" aria-label={KINDS[kind]}>
        {list.data?.items.map((other) => (
          <li key={other.item_id}>
            <Picture item={other} size={46} />
            <div>
              <button type="button" class="link" onClick={() => onChoose(other)}>{other.title || other.item_id}</button>
              <p class="small muted">{relation(other)}</p>
            </div>
            <span class="number">{price(other.properties?.price)}</span>
          </li>
        ))}
      </ol>
    </Dialog>
  );
}

function relation({ source, reasons }: Recommended): string {
  const reason = reasons?.[0];
  return reason?.baskets_together ? `In ${reason.baskets_together} of ${reason.baskets} baskets with it` : sourceInWords(source);
}
