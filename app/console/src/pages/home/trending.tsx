/** The items whose use grows the most, or popular ones. */
import { ApiCall, Card, Empty, ErrorNote, Loading, Picture } from "../../components";
import { price } from "../../format";
import { useRequest } from "../../hooks";

const ITEMS = 9;
const POLL_SECONDS = 10;

export function Trending() {
  const list = useRequest(
    (api) => api.GET("/v1/lists/{kind}", { params: { path: { kind: "trending" }, query: { limit: ITEMS, properties: true } } }),
    [],
    { everySeconds: POLL_SECONDS },
  );
  return (
    <Card title="Trending now" note="Items that are used more than before." actions={<ApiCall of={list.call} />}>
      <ErrorNote error={list.error} retry={list.reload} />
      {!list.data && !list.error && <Loading lines={4} />}
      {list.data?.items.length === 0 && <Empty icon="activity" title="Nothing yet">Send events to see what is trending.</Empty>}
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
