/** The items whose use grows the most; if there are none, the most used ones. */
import { ApiCall, Card, Empty, ErrorNote, Loading, Picture } from "../../components";
import { price } from "../../format";
import { useRequest } from "../../hooks";

const ITEMS = 12;
const POLL_SECONDS = 10;

export function Trending() {
  const list = useRequest(
    async (api) => {
      const get = (kind: "trending" | "popular") =>
        api.GET("/v1/lists/{kind}", { params: { path: { kind }, query: { limit: ITEMS, properties: true } } });
      const trending = await get("trending");
      const isTrending = trending.items.length > 0;
      const { items } = isTrending ? trending : await get("popular");
      // scores change all the time: without them, polling slows down while the list stays the same
      return { isTrending, items: items.map(({ item_id, title, categories, properties }) => ({ item_id, title, categories, properties })) };
    },
    [],
    { everySeconds: POLL_SECONDS },
  );
  const isTrending = list.data?.isTrending ?? true;
  return (
    <Card
      title={isTrending ? "Trending now" : "Popular"}
      note={isTrending ? "Items that are used more than before." : "The most used items. Nothing is used more than before right now."}
      actions={<ApiCall of={list.call} />}
    >
      <ErrorNote error={list.error} retry={list.reload} />
      {!list.data && !list.error && <Loading lines={4} />}
      {list.data?.items.length === 0 && <Empty icon="activity" title="Nothing yet">Send events to see what is used.</Empty>}
      <ol class="home-trending">
        {list.data?.items.map((item) => (
          <li key={item.item_id}>
            <Picture item={item} size={42} />
            <div>
              <p class="truncate">{item.title || item.item_id}</p>
              <p class="small muted truncate">{item.categories?.join(", ") || item.item_id}</p>
            </div>
            <span class="number">{price(item.properties?.price)}</span>
          </li>
        ))}
      </ol>
    </Card>
  );
}
