/** The pages of the shop. */
import { useEffect, useState } from "preact/hooks";
import { Price, Shelf, Tile, useList, useLiveList } from "./shelf";
import { add, buy, cart, fail, find, isFromList, items, place, remove, track } from "./store";

export function Page() {
  const [kind, ...rest] = place.value.split("/");
  const name = rest.join("/");
  if (kind === "item") return <ItemPage key={name} item_id={name} />;
  if (kind === "shelf") return <ShelfPage key={name} category={name} />;
  return kind === "cart" ? <CartPage /> : <HomePage />;
}

function HomePage() {
  const { list, changes } = useLiveList(12);
  const trending = useList({ list: "trending", limit: 6 });
  const latest = useList({ list: "latest", limit: 6 });
  const note = changes > 0 ? `Changed ${changes === 1 ? "once" : `${changes} times`} since you came, after what you did.` : undefined;
  return (
    <>
      <h1 class="hidden-text">Alder &amp; Elm</h1>
      <Shelf title="Recommended for you" note={note} list={list} empty="Nothing yet: look around." />
      <Shelf title="Trending now" list={trending} />
      <Shelf title="Just in" list={latest} />
    </>
  );
}

function ShelfPage({ category }: { category: string }) {
  const popular = useList({ list: "popular", category, limit: 24 });
  return <><h1>{category}</h1><Shelf title={`Popular in ${category}`} list={popular} empty="There is nothing on this shelf." /></>;
}

function ItemPage({ item_id }: { item_id: string }) {
  const item = items.value.get(item_id);
  const similar = useList({ similar_to: item_id, limit: 6 });
  const together = useList({ bought_with: item_id, limit: 6 });
  const [isMissing, setMissing] = useState(false);
  useEffect(() => {
    if (!isFromList(item_id)) track("view", item_id); // a click in a list was tracked already
    if (item) return;
    find(item_id).then((exists) => setMissing(!exists), fail);
  }, []);
  const bought = together && { ...together, items: together.items.filter(({ source }) => source === "bought_together") };
  const others = similar && { ...similar, items: similar.items.filter((each) => !bought?.items.some((other) => other.item_id === each.item_id)) };
  if (!item || isMissing) return <p class="muted" role="status">{isMissing ? "There is no such item." : "Loading…"}</p>;
  const isInCart = cart.value.includes(item_id);
  return (
    <>
      <article class="product">
        <Tile item={item} />
        <div>
          <p class="muted">{item.categories?.join(" · ")}</p>
          <h1>{item.title ?? item_id}</h1>
          <p class="big"><Price item={item} /></p>
          {typeof item.properties?.brand === "string" && <p>By {item.properties.brand}</p>}
          <button type="button" class="buy" disabled={isInCart} onClick={() => add(item)}>{isInCart ? "In your cart" : "Add to cart"}</button>
        </div>
      </article>
      <Shelf title="Frequently bought together" list={bought} />
      <Shelf title="Similar items" list={bought && others} />
    </>
  );
}

function CartPage() {
  const [hasBought, setBought] = useState(false);
  const ids = cart.value;
  return (
    <>
      <h1>{hasBought ? "Thank you!" : "Your cart"}</h1>
      {ids.length === 0 && <p class="muted">{hasBought ? "Your order is on its way, in this example." : "It is empty."} <a href="#">Continue shopping</a></p>}
      <ul class="lines">
        {ids.map((item_id) => {
          const item = items.value.get(item_id) ?? { item_id, title: item_id, source: "", score: 0 };
          return (
            <li key={item_id}>
              <Tile item={item} />
              <a href={`#item/${encodeURIComponent(item_id)}`}>{item.title}</a>
              <Price item={item} />
              <button type="button" class="plain" aria-label={`Remove ${item.title}`} onClick={() => remove(item_id)}>Remove</button>
            </li>
          );
        })}
      </ul>
      {ids.length > 0 && <button type="button" class="buy" onClick={() => void buy().then(() => setBought(true), fail)}>Buy now</button>}
      {ids.length > 0 ? <WithCart ids={ids} /> : <ForYou />}
    </>
  );
}

function WithCart({ ids }: { ids: readonly string[] }) {
  return <Shelf title="Goes well with your cart" list={useList({ cart: ids, include_seen: true, limit: 6 })} />;
}

function ForYou() {
  return <Shelf title="Recommended for you" list={useLiveList(6).list} />;
}
