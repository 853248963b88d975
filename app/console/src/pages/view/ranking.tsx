/** A list as its user sees it, with reasons, and how far each item moved. */
import { useRef } from "preact/hooks";
import { Badge, Button, Empty, Icon, Picture } from "../../components";
import { price } from "../../format";
import { sourceInWords } from "../../sources";
import { useGlide } from "./flip";
import { idsOf, type List, type Move, movesSince, type Recommended } from "./lists";
import { Against, type Colors, Reasons } from "./reasons";
import { factorsInWords } from "./words";

interface RankingProps {
  label: string;
  list: List;
  /** The items of the list that this one is compared with. */
  before?: readonly string[] | undefined;
  titles: ReadonlyMap<string, string>;
  colors: Colors;
  /** Opens what is similar to an item. */
  onChoose: (item: Recommended) => void;
  /** Sends an event of an item; without it there is no button. */
  onSend?: ((item: Recommended) => void) | undefined;
  sending?: string;
}

export function Ranking({ label, list, before, titles, colors, onChoose, onSend, sending = "" }: RankingProps) {
  const rows = useRef<HTMLOListElement>(null);
  const order = idsOf(list);
  useGlide(rows, order.join(" "));
  const moves = movesSince(before, list.items);
  const gone = before?.filter((itemId) => !order.includes(itemId)) ?? [];
  if (list.items.length === 0) return <Empty icon="box" title="An empty list">No item passes, or the catalog is empty.</Empty>;
  const hasAgainst = list.items.some(({ reasons }) => reasons?.some(({ share }) => share < 0));
  return (
    <>
      {hasAgainst && <p class="small muted"><Against /> Striped: past events that speak against the item. The other shares then add up to more than 100%.</p>}
      <ol class="view-list" ref={rows} aria-label={label}>
        {list.items.map((item, position) => (
          <li key={item.item_id} data-key={item.item_id}>
            <div class="view-place">
              <span class="number">{position + 1}</span>
              <Moved move={moves.get(item.item_id)} />
            </div>
            <Picture item={item} size={60} />
            <div class="view-item">
              <div class="view-title">
                <button type="button" class="link" onClick={() => onChoose(item)}>{item.title || item.item_id}</button>
                <span class="number">{price(item.properties?.price)}</span>
                {onSend && <Button small icon="plus" label={`${sending} ${item.title || item.item_id}`} onClick={() => onSend(item)}><span>{sending}</span></Button>}
              </div>
              <p class="small muted truncate">
                {[item.categories?.join(", "), item.source !== "neighbors" && item.reasons?.length && sourceInWords(item.source), ...factorsInWords(item)].filter(Boolean).join(" · ") || item.item_id}
              </p>
            </div>
            <div class="view-why"><Reasons item={item} colors={colors} /></div>
          </li>
        ))}
      </ol>
      {gone.length > 0 && (
        <div class="view-gone small">
          <strong>{gone.length === 1 ? "Left the list" : `${gone.length} left the list`}</strong>
          <ul>{gone.map((itemId) => <li key={itemId}>{titles.get(itemId) ?? itemId}</li>)}</ul>
        </div>
      )}
    </>
  );
}

function Moved({ move }: { move: Move | undefined }) {
  if (move === "new") return <Badge tone="accent">new</Badge>;
  if (!move) return null;
  const isUp = move > 0;
  return (
    <span class={`view-move small number ${isUp ? "tone-good" : "tone-bad"}`}>
      <span class="hidden-text">{isUp ? "up" : "down"} </span>
      <Icon name={isUp ? "up" : "down"} size={13} />{Math.abs(move)}
    </span>
  );
}
