/** How outcomes come about, for a project that sends no impressions yet. */
import { useState } from "preact/hooks";
import { Card, Empty, Tabs } from "../../components";
import { amounts } from "../../format";
import { API } from "../../place";
import type { Outcome } from "./groups";

const WAYS = { tag: "In a web page", rest: "From a server" } as const;
type Way = keyof typeof WAYS;

const TEXTS: Readonly<Record<Way, string>> = {
  tag: `<script src="${API}/serendip-1.js"></script>
<script type="module">
  serendip.init({ user: "ann", token: async () => (await fetch("/my-token")).text() }); // your server's
  const list = await serendip.recommend({ scenario: "home" });
  // <article data-serendip-item="sku-7" data-serendip-list="<list.recommendation_id>">
  serendip.impressions(document.querySelector("#shelf"));
  serendip.track({ event_type: "click", item_id: "sku-7", recommendation_id: list.recommendation_id });
</script>`,
  rest: `POST ${API}/v1/events
{"events": [
  {"user_id": "ann", "item_id": "sku-7", "event_type": "impression", "recommendation_id": "<of the list>"},
  {"user_id": "ann", "item_id": "sku-7", "event_type": "click", "recommendation_id": "<of the list>"},
  {"user_id": "ann", "item_id": "sku-7", "event_type": "purchase", "value": 14.5, "recommendation_id": "<of the list>"}]}`,
};
const NOTES: Readonly<Record<Way, string>> = {
  tag: "Your server makes the token. The tag counts an item as shown when half of it was visible for a second. The example shop in the navigation uses it.",
  rest: "Send the recommendation_id of the response that showed the item. Its version, scenario and recommender are then known.",
};

export function HowTo({ days, total }: { days: number; total: Outcome }) {
  const [way, setWay] = useState<Way>("tag");
  const counted = amounts({ clicks: total.clicks, purchases: total.conversions });
  return (
    <Card>
      {counted ? (
        <Empty icon="chart" title="No impressions yet">In these {days} days {counted} named the list that showed the item, but no impression did. Outcomes are per item shown.</Empty>
      ) : (
        <Empty icon="chart" title="No outcomes yet">In these {days} days no event named the list that showed its item.</Empty>
      )}
      <ol class="outcome-steps">
        <li>Ask for a list and keep its <code>recommendation_id</code>.</li>
        <li>Send an <code>impression</code> for each item that the user saw, with that id.</li>
        <li>Send <code>click</code> (or <code>view</code>) and <code>purchase</code> with the same id; the <code>value</code> of a purchase is revenue.</li>
      </ol>
      <Tabs label="Where" choices={WAYS} value={way} onChoice={(each) => setWay(each as Way)} />
      <pre class="code" tabIndex={0}>{TEXTS[way]}</pre>
      <p class="small muted">{NOTES[way]} Outcomes follow within about a minute.</p>
    </Card>
  );
}
