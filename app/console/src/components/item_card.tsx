/** An item as a shop would show it. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { price } from "../format";

interface Item {
  item_id: string;
  title?: string | null;
  properties?: Readonly<Record<string, unknown>> | null;
}

const TINTS = 6;

/** The address in the property `image_url`, if it is https, a path or image data. */
export function pictureUrl({ properties }: Pick<Item, "properties">): string | undefined {
  const url = properties?.image_url;
  return typeof url === "string" && /^(https:|data:image\/|\/(?!\/))/.test(url) ? url : undefined;
}

/** The picture of the property `image_url`, or the first letter of the title. */
export function Picture({ item, size }: { item: Item; size?: number }) {
  const url = pictureUrl(item);
  const [hasFailed, setFailed] = useState(false);
  return (
    <span class="picture" {...(size && { style: { width: `${size}px`, height: `${size}px` } })}>
      {url && !hasFailed ? (
        <img src={url} alt="" loading="lazy" referrerpolicy="no-referrer" onError={() => setFailed(true)} />
      ) : (
        <span class={`initial tint-${tintOf(item.item_id)}`} aria-hidden="true">{[...(item.title || item.item_id)][0]}</span>
      )}
    </span>
  );
}

/** One of the colors of series, always the same for an item. */
function tintOf(text: string): number {
  let hash = 0;
  for (const letter of text) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003;
  return (hash % TINTS) + 1;
}

interface ItemCardProps {
  item: Item;
  /** Below title and price: reasons, buttons. */
  children?: ComponentChildren;
  onChoose?: () => void;
}

/** `<ItemCard item={recommendation} onChoose={…}>reasons</ItemCard>` */
export function ItemCard({ item, children, onChoose }: ItemCardProps) {
  const title = item.title || item.item_id;
  return (
    <article class="item-card">
      <Picture item={item} />
      <div class="stack tight">
        <div>
          <h3>{onChoose ? <button type="button" class="link" onClick={onChoose}>{title}</button> : title}</h3>
          <p class="row apart small muted">
            <span class="truncate mono">{item.item_id}</span>
            <span class="number">{price(item.properties?.price)}</span>
          </p>
        </div>
        {children}
      </div>
    </article>
  );
}
