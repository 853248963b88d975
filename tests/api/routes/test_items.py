from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from app.wiring import Wired
from tests.support.calls import surround


def put(client: httpx2.Client, item_id: str, **body: object) -> httpx2.Response:
    return client.put(f"/v1/items/{item_id}", json=body)


class TestPut:
    def test_all_fields_of_an_item_are_stored(self, client: httpx2.Client) -> None:
        body = {"title": "Té", "categories": ["hot", "gifts"], "properties": {"price": 4.5, "deep": {"a": [1, None]}}}

        answer = put(client, "tea", **body)

        stored = client.get("/v1/items/tea").json()
        assert answer.status_code == 200
        assert {name: stored[name] for name in body} == body

    def test_putting_an_equal_item_changes_nothing(self, client: httpx2.Client) -> None:
        first = put(client, "tea", title="Tea").json()

        assert put(client, "tea", title="Tea").json() == first

    def test_replacing_an_item_moves_it_between_categories(self, client: httpx2.Client) -> None:
        put(client, "tea", categories=["hot", "gifts"])

        put(client, "tea", categories=["cold"])

        listed = {name: client.get("/v1/items", params={"category": name}).json()["items"] for name in ("hot", "cold")}
        assert [len(listed["hot"]), len(listed["cold"])] == [0, 1]


class TestPatch:
    def test_properties_are_merged_and_null_removes_them(self, client: httpx2.Client) -> None:
        put(client, "tea", title="Tea", properties={"price": 4, "old": 1, "deep": {"a": 1, "b": 2}})

        changed = client.patch("/v1/items/tea", json={"properties": {"price": 5, "old": None, "deep": {"b": None}}})

        assert changed.json()["properties"] == {"price": 5, "deep": {"a": 1}}
        assert changed.json()["title"] == "Tea"


class TestDelete:
    def test_a_deleted_item_is_gone_and_can_be_created_again(self, client: httpx2.Client) -> None:
        put(client, "tea", categories=["hot"])

        assert client.delete("/v1/items/tea").status_code == 204
        assert client.get("/v1/items/tea").status_code == 404
        assert client.delete("/v1/items/tea").status_code == 404
        assert client.get("/v1/items").json()["items"] == []
        assert client.get("/v1/items?category=hot").json()["items"] == []
        assert put(client, "tea").status_code == 200
        assert client.get("/v1/items/tea").status_code == 200


class TestList:
    @pytest.mark.parametrize("category", [None, "even"])
    def test_pages_list_every_item_once(self, client: httpx2.Client, category: str | None) -> None:
        items = [{"item_id": f"i{n}", "categories": ["even"] if n % 2 == 0 else []} for n in range(45)]
        client.post("/v1/items:batch", json={"items": items})
        params = {"limit": "7"} | ({"category": category} if category else {})

        listed, cursor = [], None
        for _ in range(40):
            page = client.get("/v1/items", params=params | ({"cursor": cursor} if cursor else {})).json()
            listed += [item["item_id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break

        assert sorted(listed) == sorted(f"i{n}" for n in range(45) if category is None or n % 2 == 0)

    def test_properties_are_only_read_for_pages_with_them(self, client: httpx2.Client, wired: Wired) -> None:
        put(client, "tea", title="Tea", categories=["hot"], properties={"price": 4}, hidden=True)
        read: list[set[str]] = []

        def record(operation: str, _request: dict[str, Any], call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
            response = call()
            if operation == "BatchGetItem":
                read.extend(row.keys() for rows in response["Responses"].values() for row in rows)
            return response

        surround(wired.database, record)
        (item,) = client.get("/v1/items?fields=title,hidden,categories,expires_at,created_at").json()["items"]
        (priced,) = client.get("/v1/items?fields=properties.price").json()["items"]

        assert ["properties" in attributes for attributes in read] == [False, True]
        assert (item["title"], item["hidden"], item["categories"]) == ("Tea", True, ["hot"])
        assert item["created_at"] == client.get("/v1/items/tea").json()["created_at"]
        assert priced == {"item_id": "tea", "properties": {"price": 4}}

    def test_a_cursor_belongs_to_its_listing(self, client: httpx2.Client) -> None:
        items = [{"item_id": f"i{n}", "categories": ["a"]} for n in range(5)]
        client.post("/v1/items:batch", json={"items": items})
        cursor = client.get("/v1/items?limit=2").json()["next_cursor"]

        tampered = ("B" if cursor[0] == "A" else "A") + cursor[1:]

        for url in (
            f"/v1/items?category=a&cursor={cursor}",
            f"/v1/users?cursor={cursor}",
            f"/v1/items?cursor={tampered}",
        ):
            answer = client.get(url)
            assert (answer.status_code, answer.json()["title"]) == (400, "Invalid token")


class TestBatch:
    def test_a_batch_is_refused_whole_and_names_every_bad_item(self, client: httpx2.Client) -> None:
        items = [{"item_id": "good"}, {"item_id": "a/b"}, {"item_id": "x", "colour": "red"}]

        answer = client.post("/v1/items:batch", json={"items": items})

        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/items/1/item_id", "/items/2/colour"]
        assert client.get("/v1/items/good").status_code == 404

    def test_a_batch_counts_the_changed_items(self, client: httpx2.Client) -> None:
        items = [{"item_id": "a", "title": "A"}, {"item_id": "b"}]
        client.post("/v1/items:batch", json={"items": items})

        again = client.post("/v1/items:batch", json={"items": [items[0], {"item_id": "b", "title": "B"}]})

        assert again.json() == {"changed": 1}


class TestSearch:
    ITEMS = (
        {"item_id": "sku-1", "title": "Café-crème Mug", "categories": ["kitchen", "gifts"]},
        {"item_id": "sku-2", "title": "mug, large", "categories": ["kitchen"]},
        {"item_id": "SKU-3", "title": "Smug Cat", "categories": ["gifts"], "hidden": True},
        {"item_id": "tea", "categories": ["kitchen"], "expires_at": "2020-01-01T00:00:00Z"},
        {"item_id": "gone", "title": "Mug"},
    )

    @pytest.fixture
    def catalog(self, client: httpx2.Client) -> httpx2.Client:
        client.post("/v1/items:batch", json={"items": list(self.ITEMS)}).raise_for_status()
        client.delete("/v1/items/gone")
        return client

    @pytest.mark.parametrize(
        ("params", "expected"),
        [
            ({}, ["sku-1", "sku-2", "SKU-3", "tea"]),
            ({"text": "MUG"}, ["sku-1", "sku-2"]),
            ({"text": "creme m"}, ["sku-1"]),
            ({"text": "sku-"}, ["sku-1", "sku-2"]),
            ({"text": "SKU-3"}, ["SKU-3"]),
            ({"text": "te"}, ["tea"]),
            ({"text": "ug"}, []),
            ({"category": "gifts"}, ["sku-1", "SKU-3"]),
            ({"status": "hidden"}, ["SKU-3"]),
            ({"status": "expired"}, ["tea"]),
            ({"status": "shown", "category": "kitchen", "text": "mug"}, ["sku-1", "sku-2"]),
        ],
    )
    def test_it_finds_ids_and_words_of_titles(
        self, catalog: httpx2.Client, params: dict[str, str], expected: list[str]
    ) -> None:
        answer = catalog.get("/v1/items:search", params=params).raise_for_status().json()

        assert [item["item_id"] for item in answer["items"]] == expected
        assert (answer["total"], answer["complete"]) == (len(expected), True)

    def test_it_counts_categories_besides_the_chosen_one(self, catalog: httpx2.Client) -> None:
        answer = catalog.get("/v1/items:search?text=mug&category=gifts").json()

        assert answer["categories"] == [{"category": "kitchen", "count": 2}, {"category": "gifts", "count": 1}]
        assert answer["total"] == 1

    @pytest.mark.parametrize("order", ["title", "newest", "changed"])
    def test_pages_list_every_item_once_in_order(self, catalog: httpx2.Client, order: str) -> None:
        whole = catalog.get("/v1/items:search", params={"order": order}).json()["items"]
        pages, cursor = [], None
        for _ in whole:
            params = {"order": order, "limit": "1", **({"cursor": cursor} if cursor else {})}
            page = catalog.get("/v1/items:search", params=params).json()
            pages += page["items"]
            cursor = page["next_cursor"]

        assert cursor is None
        assert pages == whole

    def test_a_change_is_found_at_once(self, catalog: httpx2.Client) -> None:
        catalog.get("/v1/items:search?text=samovar")
        put(catalog, "tea", title="Samovar")

        answer = catalog.get("/v1/items:search?text=samovar&order=changed").json()["items"]

        assert [item["item_id"] for item in answer] == ["tea"]
