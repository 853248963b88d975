/** Shelves of items: each card tells the tag which item it shows. */
import { useEffect, useRef, useState } from "preact/hooks";
import { pictureUrl } from "../src/components/item_card";
import { decimal } from "../src/format";
import { choose, hasActed, type Item, type List, priceOf, recommend, remember, visitor } from "./store";
import type { Query } from "../tag";

const HUES = 360;
const GOLDEN_ANGLE = 137.5;

/** The item's picture or its initials, on a color of its own. */
export function Tile({ item }: { item: Item }) {
  const url = pictureUrl(item);
  const [hasFailed, setFailed] = useState(false);
  const name = item.title ?? item.item_id;
  const hue = ([...(item.categories?.[0] ?? name)].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) * GOLDEN_ANGLE) % HUES;
  const turn = [...name].reduce((sum, letter) => (sum * 17 + letter.charCodeAt(0)) % 50, 0);
  const style = { "--hue": `${hue}`, "--turn": `${turn}` };
  if (url && !hasFailed) {
    return <img class="tile" style={style} src={url} alt="" loading="lazy" referrerpolicy="no-referrer" onError={() => setFailed(true)} />;
  }
  const initials = name.split(/[\s-]+/).filter((word) => /^\p{Lu}/u.test(word)).slice(0, 2).map((word) => word[0]);
  return (
    <span class="tile" style={style} aria-hidden="true">
      {initials.join("") || name[0]?.toUpperCase()}
    </span>
  );
}

export function Price({ item }: { item: Item }) {
  const price = priceOf(item);
  return <span class="price">{price === undefined ? "" : `$${decimal(price, 2)}`}</span>;
}

interface ShelfProps {
  title: string;
  note?: string | undefined;
  list: List | undefined;
  /** Shown instead of an empty list. */
  empty?: string;
}

export function Shelf({ title, note, list, empty }: ShelfProps) {
  if (list?.items.length === 0 && !empty) return null;
  return (
    <section class="shelf" aria-label={title}>
      <header><h2>{title}</h2>{note && <p class="muted small" role="status">{note}</p>}</header>
      {list?.items.length === 0 && <p class="muted">{empty}</p>}
      <ul class="cards">
        {list ? list.items.map((item) => <li key={item.item_id}><Card item={item} list={list} /></li>) : Array.from({ length: 6 }, (_, n) => <li key={n}><span class="card waiting" /></li>)}
      </ul>
    </section>
  );
}

function Card({ item, list }: { item: Item; list: List }) {
  return (
    <a class="card" href={`#item/${encodeURIComponent(item.item_id)}`} data-serendip-item={item.item_id} data-serendip-list={list.recommendation_id} onClick={() => choose(item, list)}>
      <Tile item={item} />
      <span class="title">{item.title ?? item.item_id}</span>
      <span class="facts"><span class="muted">{item.categories?.[0]}</span><Price item={item} /></span>
    </a>
  );
}

/** A list that is read again when the query or the visitor changes. */
export function useList(query: Query): List | undefined {
  const [list, setList] = useState<List>();
  const wanted = JSON.stringify([query, visitor.value]);
  const latest = useRef(wanted);
  latest.current = wanted;
  useEffect(() => {
    setList(undefined);
    const show = (made: List) => latest.current === wanted && setList(made);
    recommend(query).then(show, () => show({ recommendation_id: "", items: [] }));
  }, [wanted]);
  return list;
}

/** The visitor's list, now and whenever it changes; `changes` counts how often it did after they acted. */
export function useLiveList(limit: number): { list: List | undefined; changes: number } {
  const [{ list, changes }, setState] = useState<{ list?: List; changes: number }>({ changes: 0 });
  const of = JSON.stringify(visitor.value);
  useEffect(() => {
    setState({ changes: 0 });
    return serendip.subscribe({ limit, properties: true }, (next) =>
      setState((before) => ({ list: remember(next), changes: before.changes + Number(hasActed.value && before.list !== undefined) })),
    );
  }, [of]);
  return { list, changes };
}
