"""`fields` decides what the items of every list carry."""

from typing import Any

import httpx2
import pytest

from app.api.schemas.items import ItemView
from app.api.schemas.recommendations import ReasonView, RecommendationView
from app.config import Settings
from app.domain.fields import ITEM_FIELDS, REASON_FIELDS, RECOMMENDATION_FIELDS
from app.domain.recommendations import RecommendationResponse
from app.wiring import Wired
from tests.support.api_calls import put, train

LISTS = {
    "user": "/v1/users/u2/recommendations",
    "session": "/v1/sessions/s2/recommendations",
    "list": "/v1/lists/popular",
    "similar": "/v1/items/i2/similar",
    "bought together": "/v1/items/i2/bought-together",
    "page": "/v1/users/u2/pages/home",
    "page of a session": "/v1/sessions/s2/pages/home",
}
POSTED: dict[str, tuple[str, dict[str, Any]]] = {
    "events": ("/v1/recommendations", {"events": [{"item_id": "i2", "event_type": "view", "timestamp": 1769860800}]}),
    "ranking": ("/v1/rankings", {"user_id": "u2", "item_ids": ["i1", "i4", "i6"]}),
}
CATALOG = ("/v1/items", "/v1/items:search")
ROWS = [{"kind": "recommendations", "title": "You"}, {"kind": "popular", "title": "All"}]


def stocked(client: httpx2.Client) -> httpx2.Client:
    """Trains a project in which u2 and the session s2 know i2, with a page `home`."""
    train(client)
    events = [{"user_id": "u2", "item_id": "i2"}, {"session_id": "s2", "item_id": "i2"}]
    assert client.post("/v1/events", json={"events": events}).status_code == 202
    put(client, rows=ROWS, log_sample_rate=1.0)
    return client


@pytest.fixture(scope="module")
def shop(shared_client: httpx2.Client) -> httpx2.Client:
    """For tests that only read."""
    return stocked(shared_client)


@pytest.fixture
def own_shop(client: httpx2.Client) -> httpx2.Client:
    return stocked(client)


def items_of(response: httpx2.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    content = response.json()
    rows = content.get("rows", [content])
    assert all(row["items"] for row in rows)
    return [item for row in rows for item in row["items"]]


def listed(client: httpx2.Client, name: str, *fields: str, **more: Any) -> list[dict[str, Any]]:
    """The items of a list that is named in LISTS or POSTED, with these fields."""
    if name in LISTS:
        params = more | ({"fields": ",".join(fields)} if fields else {})
        return items_of(client.get(LISTS[name], params=params))
    url, body = POSTED[name]
    return items_of(client.post(url, json=body | more | ({"fields": list(fields)} if fields else {})))


def near(value: Any) -> Any:
    """The value with tolerance for numbers, which fall with the age of events."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-3)
    if isinstance(value, list):
        return [near(each) for each in value]
    return {name: near(each) for name, each in value.items()} if isinstance(value, dict) else value


class TestNames:
    def test_every_field_of_an_item_can_be_named(self) -> None:
        assert set(RECOMMENDATION_FIELDS) == set(RecommendationView.model_fields)
        assert set(REASON_FIELDS) == set(ReasonView.model_fields)
        assert set(ITEM_FIELDS) == set(ItemView.model_fields)


@pytest.mark.parametrize("name", [*LISTS, *POSTED])
class TestEveryList:
    def test_ids_alone(self, shop: httpx2.Client, name: str) -> None:
        whole, ids = listed(shop, name), listed(shop, name, "item_id")

        assert ids == [{"item_id": item["item_id"]} for item in whole]

    def test_named_fields_have_the_values_that_they_have_in_the_whole_list(
        self, shop: httpx2.Client, name: str
    ) -> None:
        whole = listed(shop, name, properties=True)

        for field in RECOMMENDATION_FIELDS:
            expected = [{"item_id": item["item_id"], field: near(item[field])} for item in whole]
            assert listed(shop, name, field) == expected
        assert listed(shop, name, *RECOMMENDATION_FIELDS) == near(whole)

    def test_single_properties(self, shop: httpx2.Client, name: str) -> None:
        whole = listed(shop, name, properties=True)

        prices = listed(shop, name, "properties.price", "properties.unknown")

        assert prices == [
            {"item_id": item["item_id"], "properties": {"price": item["properties"]["price"]}} for item in whole
        ]

    def test_parts_of_reasons(self, shop: httpx2.Client, name: str) -> None:
        whole = listed(shop, name)

        assert listed(shop, name, "reasons.title", "reasons.event_type") == [
            {
                "item_id": item["item_id"],
                "reasons": [
                    {"title": reason["title"], "event_type": reason["event_type"]} for reason in item["reasons"]
                ],
            }
            for item in whole
        ]

    def test_fields_decide_whatever_properties_says(self, shop: httpx2.Client, name: str) -> None:
        assert listed(shop, name, "score", properties=True)[0].keys() == {"item_id", "score"}

    def test_a_whole_field_includes_its_parts(self, shop: httpx2.Client, name: str) -> None:
        named = listed(shop, name, "properties.price", "properties", "reasons", "reasons.title")

        assert named == listed(shop, name, "properties", "reasons") == near(named)


class TestCatalog:
    @pytest.mark.parametrize("url", CATALOG)
    def test_items_carry_the_named_fields(self, shop: httpx2.Client, url: str) -> None:
        whole = {item["item_id"]: item for item in items_of(shop.get(url))}

        for field in ITEM_FIELDS:
            chosen = items_of(shop.get(url, params={"fields": field}))
            assert {item["item_id"]: item[field] for item in chosen} == {key: it[field] for key, it in whole.items()}
            assert all(item.keys() == {"item_id", field} for item in chosen)
        prices = items_of(shop.get(url, params={"fields": "properties.price"}))
        assert {item["item_id"]: item["properties"] for item in prices} == {f"i{n}": {"price": n} for n in range(12)}

    @pytest.mark.parametrize("url", CATALOG)
    def test_pages_continue(self, shop: httpx2.Client, url: str) -> None:
        first = shop.get(url, params={"fields": "title", "limit": 5}).json()

        second = shop.get(url, params={"fields": "title", "limit": 5, "cursor": first["next_cursor"]}).json()

        assert not {item["item_id"] for item in first["items"]} & {item["item_id"] for item in second["items"]}


class TestParameter:
    def test_names_are_separated_by_commas_or_the_parameter_is_repeated(self, shop: httpx2.Client) -> None:
        url = LISTS["user"]

        by_commas = items_of(shop.get(f"{url}?fields=title,source"))
        repeated = items_of(shop.get(f"{url}?fields=title&fields=source"))

        assert by_commas == repeated
        assert by_commas[0].keys() == {"item_id", "title", "source"}

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ("tite", "did you mean title?"),
            ("item_id,reasons.tile", "did you mean reasons.title?"),
            ("price", "(a property is properties.NAME)"),
            ("propertys", "did you mean properties?"),
            ("", "valid fields are item_id, title, score"),
            ("title,", "valid fields are"),
            ("properties.", "properties. must precede the name of a property"),
            ("properties." + "x" * 201, "200 letters at most"),
        ],
    )
    @pytest.mark.parametrize("name", LISTS)
    def test_unknown_names_are_refused_with_the_nearest(
        self, shop: httpx2.Client, name: str, fields: str, says: str
    ) -> None:
        problem = shop.get(LISTS[name], params={"fields": fields}).json()

        assert problem["status"] == 422
        assert problem["errors"][0]["pointer"] == "fields"
        assert says in problem["errors"][0]["detail"]

    @pytest.mark.parametrize("name", POSTED)
    def test_unknown_names_in_a_body_are_refused_with_their_place(self, shop: httpx2.Client, name: str) -> None:
        url, body = POSTED[name]

        problem = shop.post(url, json=body | {"fields": ["title", "scor"]}).json()

        assert problem["errors"] == [
            {
                "pointer": "/fields/1",
                "detail": "is not a field of an item here; did you mean score? (a property is properties.NAME)",
            }
        ]
        assert shop.post(url, json=body | {"fields": []}).status_code == 422

    @pytest.mark.parametrize("url", CATALOG)
    def test_items_of_the_catalog_have_no_scores(self, shop: httpx2.Client, url: str) -> None:
        problem = shop.get(url, params={"fields": "title,score"}).json()

        assert problem["errors"][0]["pointer"] == "fields"
        assert problem["errors"][0]["detail"].startswith("is not a field of an item here")

    def test_an_item_without_a_record_has_neither_title_nor_properties(self, client: httpx2.Client) -> None:
        client.post("/v1/events", json={"events": [{"user_id": "ann", "item_id": "bare"}]})

        body = {"user_id": "ann", "item_ids": ["bare"], "fields": ["title", "properties.price", "categories"]}
        assert items_of(client.post("/v1/rankings", json=body)) == [
            {"item_id": "bare", "title": None, "categories": None, "properties": None}
        ]


class TestReplay:
    @pytest.mark.parametrize("fields", ["item_id", "score,properties.price,reasons.title", "recent_factor,categories"])
    def test_a_stored_list_is_replayed_as_it_was_sent(self, own_shop: httpx2.Client, fields: str) -> None:
        response = own_shop.get(LISTS["user"], params={"scenario": "home", "explain": True, "fields": fields})
        own_shop.patch("/v1/items/" + response.json()["items"][0]["item_id"], json={"properties": {"price": 99}})

        replayed = own_shop.get("/v1/recommendations/" + response.json()["recommendation_id"])

        assert replayed.content == response.content

    def test_reasons_and_properties_are_only_stored_if_they_were_sent(
        self, own_shop: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        stored: list[RecommendationResponse] = []
        for fields in ("item_id", "score,properties.price", "recent_factor"):
            sent = own_shop.get(f"{LISTS['user']}?scenario=home&explain=true&fields={fields}").json()[
                "recommendation_id"
            ]
            stored.append(wired.services.recommendations.replay(settings.project, sent))

        assert all(item.reasons == () and item.categories is None for each in stored for item in each.items)
        assert [item.properties for item in stored[0].items] == [None] * len(stored[0].items)
        assert [item.properties.keys() for item in stored[1].items if item.properties] == [{"price"}] * len(
            stored[1].items
        )


class TestSizes:
    def test_fields_make_a_large_response_small_enough(self, client: httpx2.Client) -> None:
        for start in range(0, 20, 10):
            items = [
                {"item_id": f"i{n}", "properties": {"text": "x" * 350_000, "n": n}} for n in range(start, start + 10)
            ]
            assert client.post("/v1/items:batch", json={"items": items}).status_code == 200
        url = "/v1/lists/latest?limit=100"

        refused = client.get(url + "&properties=true").json()
        chosen = items_of(client.get(url + "&fields=properties.n"))

        assert (refused["status"], refused["title"]) == (422, "Response too large")
        assert "choose with `fields`" in refused["detail"].lower()
        assert "with `limit`" in refused["detail"]
        assert {item["properties"]["n"] for item in chosen} == {int(item["item_id"][1:]) for item in chosen}
        assert len(chosen) == len(client.get(url).json()["items"]) > 15  # the emulator's index pages are short

    def test_the_problem_names_what_the_operation_takes(self, client: httpx2.Client) -> None:
        properties = {"text": "x" * 350_000}
        for start in range(0, 20, 10):
            numbers = range(start, start + 10)
            items = [{"item_id": f"i{n}", "properties": properties} for n in numbers]
            users = [{"user_id": f"u{n}", "properties": properties} for n in numbers]
            assert client.post("/v1/items:batch", json={"items": items}).status_code == 200
            assert client.post("/v1/users:batch", json={"users": users}).status_code == 200
        body = {"user_id": "u1", "item_ids": [f"i{n}" for n in range(20)], "properties": True}

        ranking, exported = client.post("/v1/rankings", json=body).json(), client.get("/v1/users?limit=100").json()

        assert ranking["detail"].endswith("such as `fields=title`, or rank fewer items.")
        assert exported["detail"].endswith("5 MB. Ask for fewer records with `limit`.")
