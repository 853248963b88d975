/** One item: its facts, what goes with it, and what users did with it. */
import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { api, isConflict, isMissing, type Schemas } from "../../api";
import { ApiCall, Badge, Button, Card, Confirm, Empty, ErrorNote, ItemCard, Loading, Note, PageHead, Picture, toast } from "../../components";
import { count, day, price, time } from "../../format";
import { useAction, useRequest } from "../../hooks";
import { may } from "../../session";
import { EventTable } from "../records/event_table";
import { useFeed } from "../records/feed";
import { PropertyList } from "../records/properties";
import { type Versioned, versioned } from "../records/versions";
import { ItemForm } from "./item_form";
import { Status } from "./status";

type Item = Schemas["ItemView"];
const RELATED = 6;
const EVENTS = 10;

export function ItemPage({ id }: { id: string }) {
  const path = { item_id: id };
  const [, go] = useLocation();
  const [dialog, setDialog] = useState<"edit" | "delete" | "add">();
  const item = useRequest((client) => versioned(client.raw.GET("/v1/items/{item_id}", { params: { path } })), [id]);
  const close = () => setDialog(undefined);

  const hiding = useAction(async ({ data, tag }: Versioned<Item>) => {
    const hidden = !data.hidden;
    try {
      await api.PATCH("/v1/items/{item_id}", { params: { path, header: { "If-Match": tag } }, body: { hidden } });
      toast(hidden ? "Hidden: it is no longer recommended." : "Shown again.");
    } catch (error) {
      if (!isConflict(error)) throw error;
      throw new Error("Someone else has just changed this item, so nothing was saved. It is now shown as they left it; check it and try again.");
    } finally {
      item.reload();
    }
  });

  async function remove(): Promise<void> {
    await api.DELETE("/v1/items/{item_id}", { params: { path } });
    toast(`Deleted ${id}.`);
    go("/catalog");
  }

  const back = <Link class="back" href="/catalog">← Catalog</Link>;
  if (isMissing(item.error)) {
    return (
      <>
        {back}
        <PageHead title={id} about="This item has no record."><ApiCall of={item.call} /></PageHead>
        <Note tone="warn">
          There is no item with this id in the catalog. Events can still name it; they count once it has a record.{" "}
          <Button small icon="plus" onClick={() => setDialog("add")}>Add it</Button>
        </Note>
        <ItemEvents id={id} />
        {dialog === "add" && <ItemForm id={id} onClose={close} onSaved={item.reload} />}
      </>
    );
  }
  const loaded = item.data;
  if (!loaded) return <>{back}<PageHead title={id} /><ErrorNote error={item.error} retry={item.reload} />{item.isLoading && <Loading lines={6} />}</>;
  const { data } = loaded;
  return (
    <>
      {back}
      <PageHead title={data.title ?? id} about={<span class="mono">{id}</span>}>
        <ApiCall of={item.call} />
        <Button icon={data.hidden ? "eye" : "hide"} busy={hiding.isRunning} onClick={() => void hiding.run(loaded)}>{data.hidden ? "Show again" : "Hide"}</Button>
        <Button icon="edit" onClick={() => setDialog("edit")}>Edit</Button>
        <Button kind="danger" icon="trash" onClick={() => setDialog("delete")}>Delete</Button>
      </PageHead>
      <ErrorNote error={hiding.error ?? item.error} retry={item.error ? item.reload : undefined} />
      <div class="grid record-main">
        <Card title="Facts">
          <div class="record-top">
            <Picture item={data} />
            <div class="stack tight">
              <div class="row"><Status item={data} /><strong class="number">{price(data.properties.price)}</strong></div>
              <div class="facets">{data.categories.map((category) => <Link key={category} href={`/catalog?category=${encodeURIComponent(category)}`}><Badge tone="accent">{category}</Badge></Link>)}</div>
              <p class="small"><Link class="underlined" href={`/view?item=${encodeURIComponent(id)}`}>Why does someone not see it?</Link></p>
              <p class="small muted">Added {day(data.created_at)}, changed {time(data.updated_at)}{data.expires_at && `, recommended until ${time(data.expires_at)}`}</p>
            </div>
          </div>
          <PropertyList properties={data.properties} />
        </Card>
        <ItemEvents id={id} />
      </div>
      {may("recommend") && (
        <>
          <Related id={id} kind="similar" />
          <Related id={id} kind="bought-together" />
        </>
      )}
      {dialog === "edit" && <ItemForm item={loaded} onClose={close} onSaved={item.reload} />}
      {dialog === "delete" && (
        <Confirm title={`Delete ${data.title ?? id}?`} action="Delete item" danger act={remove} onClose={close}>
          It is no longer recommended, and its facts are lost. Its events stay, so it can be added again. To only pause it, hide it.
        </Confirm>
      )}
    </>
  );
}

function ItemEvents({ id }: { id: string }) {
  const feed = useFeed({ item_id: id }, { limit: EVENTS });
  return (
    <Card title="Newest events" actions={<><ApiCall of={feed.call} /><Button kind="quiet" small icon="refresh" label="Refresh events" busy={feed.isLoading} onClick={feed.reload} /></>}>
      <EventTable
        label="Events of the item"
        feed={feed}
        without="item"
        empty={feed.hasMore
          ? <Empty icon="activity" title={`No events since ${time(feed.searchedTo)}`}>Only the newest events of the project were searched.</Empty>
          : <Empty icon="activity" title="No events yet">What users do with the item appears here.</Empty>}
      />
    </Card>
  );
}

const KINDS = {
  similar: { path: "/v1/items/{item_id}/similar", title: "Similar items", note: "Items that interest the same users.", none: "No similar items yet", why: "Neither the events nor the words of the catalog lead to other items." },
  "bought-together": { path: "/v1/items/{item_id}/bought-together", title: "Bought together", note: "Items of the same baskets.", none: "Nothing is bought together with it", why: "Too few people bought it and something else within a short time, or the model was trained before they did." },
} as const;

function Related({ id, kind }: { id: string; kind: keyof typeof KINDS }) {
  const { path, title, note, none, why } = KINDS[kind];
  const list = useRequest((client) => client.GET(path, { params: { path: { item_id: id }, query: { limit: RELATED, properties: true } } }), [id]);
  const [, go] = useLocation();
  const items = list.data?.items.filter(({ source }) => kind === "similar" || source === "bought_together"); // the rest is similar
  return (
    <Card title={title} note={note} actions={<ApiCall of={list.call} />}>
      <ErrorNote error={list.error} retry={list.reload} />
      {!list.data && list.isLoading && <Loading />}
      {items?.length === 0 && <Empty title={none}>{list.data?.model_version ? why : <>A model learns it from events; <Link href="/models">train one</Link>.</>}</Empty>}
      <div class="items">
        {items?.map((each) => (
          <ItemCard key={each.item_id} item={each} onChoose={() => go(`/catalog/${encodeURIComponent(each.item_id)}`)}>
            {basketsOf(each) && <p class="small muted">{basketsOf(each)}</p>}
          </ItemCard>
        ))}
      </div>
    </Card>
  );
}

function basketsOf({ reasons }: Schemas["RecommendationView"]): string | undefined {
  const reason = reasons?.find((each) => each.baskets_together);
  return reason ? `In ${count(reason.baskets_together)} of ${count(reason.baskets)} baskets` : undefined;
}
