"""`serendip-1.js` in a page of another origin, with tokens of that page's server."""

import base64
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha384
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Route

from app.api.routes.console import DIST
from tests.console.conftest import Shop
from tests.console.other_origin import OtherOrigin, serving
from tests.console.visitor import Visitor
from tests.support.builders import until
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium

TAG = "/serendip-1.js"
MOST_BYTES = 5_000
HEIGHT = 700
CARDS = """list => {
  const shelf = document.getElementById("shelf");
  shelf.replaceChildren(...list.items.map(item => {
    const card = document.createElement("article");
    card.textContent = item.title;
    card.style.height = "300px";
    card.dataset.serendipItem = item.item_id;
    card.dataset.serendipList = list.recommendation_id;
    return card;
  }));
  serendip.impressions(shelf);
}"""
INIT = """([api, user]) => serendip.init({
  api, user, token: async () => (await fetch("/token?user=" + user)).text(),
  onError: error => (window.faults ??= []).push({status: error.status, message: error.message, events: error.events}),
})"""


@pytest.fixture(scope="module")
def other(shop: Shop) -> Iterator[OtherOrigin]:
    script = httpx2.get(shop.base + TAG, timeout=60).content
    integrity = base64.b64encode(sha384(script).digest()).decode()
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>A shop</title><link rel="icon" href="data:,">'
        f'<script src="{shop.base}{TAG}" integrity="sha384-{integrity}" crossorigin></script>'
        '<main id="shelf"></main></html>'
    )
    with serving(shop, lambda _: page.encode()) as other:
        yield other


@pytest.fixture
def visit(chromium: Browser, shop: Shop, other: OtherOrigin) -> Iterator[Callable[..., Visitor]]:
    """Opens the page as a user; errors and violations of its policy fail the test."""
    contexts, visitors = [], []

    def visit(user: str, script: str = "") -> Visitor:
        contexts.append(context := chromium.new_context(viewport={"width": 800, "height": HEIGHT}))
        visitors.append(visitor := Visitor(context.new_page(), other.origin))
        if script:
            visitor.page.add_init_script(script)
        visitor.page.goto(other.origin)
        visitor.page.evaluate(INIT, [shop.base, user])
        return visitor

    yield visit
    for visitor in visitors:
        visitor.check()
        visitor.page.unroute_all(behavior="ignoreErrors")  # of requests on their way
    for context in contexts:
        context.close()


def outcome(shop: Shop, scenario: str) -> dict[str, int]:
    """Impressions, clicks and conversions of the scenario."""
    rows = shop.api.get("/v1/outcomes?by=scenario&days=1").raise_for_status().json()["outcomes"]
    names = ("impressions", "clicks", "conversions")
    return next(({name: row[name] for name in names} for row in rows if row["scenario"] == scenario), {})


class TestFile:
    def test_it_is_small(self, shop: Shop) -> None:
        for encoding in ("br", "gzip"):
            answer = httpx2.get(shop.base + TAG, headers={"Accept-Encoding": encoding}, timeout=60)
            assert int(answer.headers["content-length"]) <= MOST_BYTES
            assert answer.headers["content-encoding"] == encoding

    def test_its_hashed_name_never_changes(self, shop: Shop) -> None:
        answer = httpx2.get(shop.base + TAG, timeout=60)
        hashed = httpx2.get(shop.base + answer.headers["content-location"], timeout=60)

        assert hashed.content == answer.content == (DIST / "tag" / "serendip-1.js").read_bytes()
        assert (answer.headers["access-control-allow-origin"], hashed.headers["access-control-allow-origin"]) == (
            "*",
            "*",
        )
        assert "immutable" in hashed.headers["cache-control"]
        assert "immutable" not in answer.headers["cache-control"]
        unchanged = httpx2.get(shop.base + TAG, headers={"If-None-Match": answer.headers["etag"]}, timeout=60)
        assert unchanged.status_code == 304

    @pytest.mark.parametrize("name", ["0.js", "2.js", "1.000000000000.js", "1.js.br", "1", "..%2F1.js"])
    def test_there_is_no_other(self, shop: Shop, name: str) -> None:
        assert httpx2.get(f"{shop.base}/serendip-{name}", timeout=60).status_code == 404

    def test_it_defines_one_global(self, visit: Callable[..., Visitor]) -> None:
        page = visit("global").page
        names = page.evaluate("""() => {
          const { contentWindow } = document.body.appendChild(document.createElement("iframe"));
          return Object.getOwnPropertyNames(window).filter(name => name !== "0" && !(name in contentWindow));
        }""")

        assert names == ["serendip"]


class TestFields:
    def test_items_carry_what_the_page_names(self, visit: Callable[..., Visitor]) -> None:
        page = visit("choosing").page

        made = page.evaluate("serendip.recommend({limit: 2, fields: ['title', 'properties.price']})")
        item_ids = [item["item_id"] for item in made["items"]]
        ranked = page.evaluate("item_ids => serendip.rank(item_ids, {fields: ['source']})", item_ids)
        whole = page.evaluate("item_ids => serendip.rank(item_ids)", item_ids)

        assert [item.keys() for item in made["items"]] == [{"item_id", "title", "properties"}] * 2
        assert [item["properties"].keys() for item in made["items"]] == [{"price"}] * 2
        assert [item.keys() for item in ranked["items"]] == [{"item_id", "source"}] * 2
        assert [item["properties"] for item in whole["items"]] == [None] * 2


class TestImpressions:
    def test_what_was_seen_for_a_second_counts_once(self, shop: Shop, visit: Callable[..., Visitor]) -> None:
        shop.api.put("/v1/scenarios/tag-home", json={"limit": 10}).raise_for_status()
        page = visit("seen").page
        made = page.evaluate("serendip.recommend({scenario: 'tag-home'})")
        item_ids = [item["item_id"] for item in made["items"]]
        assert len(item_ids) == 10

        page.evaluate(CARDS, made)  # two cards of 300 px are visible, and a third of the third one
        page.wait_for_timeout(1_400)
        page.evaluate("scrollTo(0, 1500)")  # cards 5 and 6, and a third of 7
        page.wait_for_timeout(400)  # too short
        for _ in range(2):
            page.evaluate("scrollTo(0, 900)")  # cards 3 and 4
            page.wait_for_timeout(1_400)
            page.evaluate("scrollTo(0, 0)")
            page.wait_for_timeout(1_200)
        click = {"event_type": "click", "item_id": item_ids[3], "recommendation_id": made["recommendation_id"]}
        page.evaluate("event => serendip.track(event)", click)
        page.goto("about:blank")  # the click is sent by the page that is left

        until(lambda: len(shop.events_of("seen")) >= 5)
        kinds = [(event["event_type"], event["item_id"]) for event in shop.events_of("seen")]
        assert sorted(kinds) == sorted([("click", item_ids[3]), *(("impression", item_ids[n]) for n in (0, 1, 3, 4))])
        until(lambda: outcome(shop, "tag-home").get("clicks") == 1)
        assert outcome(shop, "tag-home") == {"impressions": 4, "clicks": 1, "conversions": 0}

    def test_cards_that_change_count_as_what_they_show(self, shop: Shop, visit: Callable[..., Visitor]) -> None:
        page = visit("changing").page
        made = page.evaluate("serendip.recommend({limit: 2})")
        first, second = (item["item_id"] for item in made["items"])
        page.evaluate(CARDS, {**made, "items": made["items"][:1]})
        page.wait_for_timeout(1_300)

        page.evaluate("id => { document.querySelector('article').dataset.serendipItem = id }", second)
        page.wait_for_timeout(1_300)
        page.evaluate("serendip.flush()")

        assert {event["item_id"] for event in shop.events_of("changing")} == {first, second}


class TestTrack:
    def test_what_is_forged_is_refused_and_the_rest_is_stored(self, shop: Shop, visit: Callable[..., Visitor]) -> None:
        bobs = shop.api.get("/v1/users/bob/recommendations?limit=2").json()
        item_id, another = (item["item_id"] for item in bobs["items"])
        visitor = visit("honest")
        visitor.expected = ["403", "422", "400"]  # what Chromium says about responses
        page = visitor.page

        page.evaluate(
            """async ([item_id, recommendation_id, another]) => {
              const view = {event_type: "view", item_id};
              const forged = [{user_id: "bob"}, {event_type: "teleport"}, {recommendation_id}];
              for (const more of [{}, ...forged, {item_id: another}]) serendip.track({...view, ...more});
              await serendip.flush();
            }""",
            [item_id, bobs["recommendation_id"], another],
        )

        faults = page.evaluate("window.faults")
        assert [(fault["status"], len(fault["events"])) for fault in faults] == [(403, 1), (422, 1), (400, 1)]
        assert {event["item_id"] for event in shop.events_of("honest")} == {item_id, another}
        assert len(shop.events_of("honest")) == 2
        assert [event for event in shop.events_of("bob") if event["item_id"] == item_id] == []

    def test_events_survive_an_outage_and_are_stored_once(self, shop: Shop, visit: Callable[..., Visitor]) -> None:
        """The first request is lost on its way, the response to the second on its way back."""
        visitor = visit("outage")
        visitor.expected = ["ERR_FAILED"]
        attempts = []

        def fail(route: Route) -> None:
            if route.request.method == "OPTIONS":
                route.continue_()
                return
            attempts.append(route.request.post_data)
            if len(attempts) == 2:
                route.fetch()
            if len(attempts) <= 2:
                route.abort()
            else:
                route.continue_()

        visitor.page.route("**/v1/events", fail)
        visitor.page.evaluate("serendip.track({event_type: 'view', item_id: 'sku-001'})")
        for number in (1, 2):
            visitor.page.evaluate("serendip.flush()")
            assert len(attempts) >= number
        visitor.page.evaluate("serendip.flush()")

        assert len(set(attempts)) == 1, "the same time each time"
        assert len(shop.events_of("outage")) == 1

    def test_an_expired_token_is_replaced(self, shop: Shop, other: OtherOrigin, visit: Callable[..., Visitor]) -> None:
        other.seconds, made = 1, other.tokens
        visitor = visit("expired")
        visitor.expected = ["401"]
        visitor.page.evaluate("serendip.recommend()")
        time.sleep(1.2)
        other.seconds = 3_600

        visitor.page.evaluate("serendip.track({event_type: 'view', item_id: 'sku-001'}); serendip.flush()")

        until(lambda: len(shop.events_of("expired")) == 1)
        assert other.tokens == made + 2

    @pytest.mark.parametrize("hours", [-30, 3])
    def test_a_wrong_clock_is_corrected(self, shop: Shop, visit: Callable[..., Visitor], hours: int) -> None:
        wrong = f"const now = Date.now; Date.now = () => now() + {hours * 3_600_000}"
        visitor = visit(f"clock{hours}", wrong)
        visitor.expected = ["422"]

        visitor.page.evaluate("serendip.track({event_type: 'view', item_id: 'sku-001'}); serendip.flush()")

        until(lambda: len(shop.events_of(f"clock{hours}")) == 1)
        [event] = shop.events_of(f"clock{hours}")
        assert abs((datetime.fromisoformat(event["timestamp"]) - datetime.now(UTC)).total_seconds()) < 30


class TestLists:
    def test_every_kind_of_list_counts_for_the_user(self, shop: Shop, visit: Callable[..., Visitor]) -> None:
        page = visit("lists").page
        queries: list[dict[str, Any]] = [
            {"limit": 3, "properties": True},
            {"similar_to": "sku-001"},
            {"bought_with": "sku-001"},
            {"list": "popular"},
            {"cart": ["sku-001", "sku-002"]},
        ]

        for query in queries:
            made = page.evaluate("query => serendip.recommend(query)", query)
            assert made["items"], query
            item_id = made["items"][0]["item_id"]
            event = {"event_type": "view", "item_id": item_id, "recommendation_id": made["recommendation_id"]}
            page.evaluate("event => serendip.track(event)", event)
        page.evaluate("serendip.flush()")

        assert page.evaluate("window.faults") is None
        assert [event["attribution"] is not None for event in shop.events_of("lists")] == [True] * len(queries)

    def test_a_list_follows_events_over_a_socket(self, visit: Callable[..., Visitor]) -> None:
        page = visit("live").page
        page.evaluate("window.lists = []; window.stop = serendip.subscribe({limit: 5}, list => lists.push(list)); null")
        until(lambda: page.evaluate("lists.length") == 1)
        item_id = page.evaluate("lists[0].items[0].item_id")

        page.evaluate(
            "item_id => { serendip.track({event_type: 'purchase', item_id}); return serendip.flush() }", item_id
        )

        until(lambda: page.evaluate("lists.length") > 1)
        assert item_id not in page.evaluate("lists.at(-1).items.map(item => item.item_id)")
        page.evaluate("stop()")
