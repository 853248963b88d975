/** The items of a project: found by id or title, category and status. */
import { useEffect, useState } from "preact/hooks";
import { Link, useLocation, useSearchParams } from "wouter-preact";
import type { Schemas } from "../../api";
import { ApiCall, Badge, Button, Card, type Column, DataTable, Empty, Field, Input, Note, PageHead, Picture, Select } from "../../components";
import { ago, count, price, time } from "../../format";
import { usePages } from "../../hooks";
import { ItemForm } from "./item_form";
import { Status } from "./status";

type Item = Schemas["ItemView"];
type Matches = Omit<Schemas["ItemSearchView"], "items" | "next_cursor">;

const STATUSES = { "": "All items", shown: "Shown", hidden: "Hidden", expired: "Expired" };
const ORDERS = { title: "By title", newest: "Newest first", changed: "Last changed first" };
const PAGE = 25;
const TYPING_MILLISECONDS = 200;
const FEW_CATEGORIES = 16;

const COLUMNS: Column<Item>[] = [
  { header: "Item", cell: (item) => <Name item={item} /> },
  { header: "Categories", cell: (item) => <span class="facets">{item.categories.map((category) => <Badge key={category}>{category}</Badge>)}</span> },
  { header: "Price", align: "right", cell: (item) => price(item.properties.price) },
  { header: "Status", cell: (item) => <Status item={item} /> },
  { header: "Changed", cell: (item) => <time class="muted when" dateTime={item.updated_at} title={time(item.updated_at)}>{ago(item.updated_at)}</time> },
];

export function Items() {
  const [query, setQuery] = useSearchParams();
  const [, go] = useLocation();
  const [typed, setTyped] = useState(query.get("text") ?? "");
  const [isAdding, setAdding] = useState(false);
  const [matches, setMatches] = useState<Matches>();
  const text = query.get("text") ?? "";
  const category = query.get("category") ?? undefined;
  const status = (query.get("status") ?? undefined) as Schemas["ItemStatus"] | undefined;
  const order = (query.get("order") ?? "title") as Schemas["ItemOrder"];

  const items = usePages(
    async (api, cursor) => {
      const page = await api.GET("/v1/items:search", { params: { query: { text, category, status, order, cursor, limit: PAGE } } });
      setMatches(page);
      return { rows: page.items, next: page.next_cursor };
    },
    [text, category, status, order],
  );

  function choose(name: string, value: string): void {
    setQuery((before) => {
      const after = new URLSearchParams(before);
      if (value) after.set(name, value);
      else after.delete(name);
      return after;
    }, { replace: true });
  }

  useEffect(() => {
    const timer = setTimeout(() => typed.trim() !== text && choose("text", typed.trim()), TYPING_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [typed]);

  const isSearching = Boolean(text || category || status);
  return (
    <>
      <PageHead title="Catalog" about="What can be recommended.">
        <ApiCall of={items.call} />
        <Button kind="primary" icon="plus" onClick={() => setAdding(true)}>Add item</Button>
      </PageHead>
      <Card>
        <div class="find">
          <Field label="Find">{(tie) => <Input {...tie} type="search" placeholder="Id or word of the title" value={typed} onText={setTyped} />}</Field>
          <Field label="Status">{(tie) => <Select {...tie} choices={STATUSES} value={status ?? ""} onChoice={(value) => choose("status", value)} />}</Field>
          <Field label="Order">{(tie) => <Select {...tie} choices={ORDERS} value={order} onChoice={(value) => choose("order", value === "title" ? "" : value)} />}</Field>
        </div>
        {matches && <Facets matches={matches} chosen={category} onChoose={(value) => choose("category", value ?? "")} />}
        {matches?.complete === false && <Note tone="warn">The catalog is large: only the items that changed last are searched here. Every item opens by its id.</Note>}
        {matches && <p class="small muted" role="status">{matches.total === 1 ? "1 item" : `${count(matches.total)} items`}</p>}
        <div class={items.rows.some((item) => price(item.properties.price)) ? "item-table compact" : "item-table compact without-prices"}>
          <DataTable
            label="Items"
            columns={COLUMNS}
            rowKey={(item) => item.item_id}
            empty={isSearching
              ? <Empty icon="search" title="No item matches"><Button small onClick={() => { setTyped(""); setQuery({}, { replace: true }); }}>Show all items</Button></Empty>
              : <Empty icon="box" title="No items yet">Add one, or <Link href="/import">import a file</Link>.</Empty>}
            {...items}
          />
        </div>
      </Card>
      {isAdding && <ItemForm onClose={() => setAdding(false)} onSaved={(item) => go(`/catalog/${encodeURIComponent(item.item_id)}`)} />}
    </>
  );
}

function Name({ item }: { item: Item }) {
  return (
    <span class="item-name">
      <Picture item={item} size={38} />
      <div>
        <Link href={`/catalog/${encodeURIComponent(item.item_id)}`}>{item.title ?? item.item_id}</Link>
        <div class="small muted mono">{item.item_id}</div>
      </div>
    </span>
  );
}

function Facets({ matches, chosen, onChoose }: { matches: Matches; chosen: string | undefined; onChoose: (category: string | undefined) => void }) {
  const [isOpen, setOpen] = useState(false);
  const categories = matches.categories.filter((each, position) => isOpen || position < FEW_CATEGORIES || each.category === chosen);
  if (!categories.length && !chosen) return null;
  const all = chosen && !categories.some((each) => each.category === chosen) ? [...categories, { category: chosen, count: 0 }] : categories;
  return (
    <div class="facets" role="group" aria-label="Categories">
      {all.map(({ category, count: number }) => (
        <button key={category} type="button" aria-pressed={category === chosen} onClick={() => onChoose(category === chosen ? undefined : category)}>
          {category} <span>{count(number)}</span>
        </button>
      ))}
      {matches.categories.length > FEW_CATEGORIES && <Button kind="quiet" small onClick={() => setOpen(!isOpen)}>{isOpen ? "Fewer" : `All ${matches.categories.length}`}</Button>}
    </div>
  );
}
