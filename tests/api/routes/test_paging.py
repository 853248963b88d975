"""Pages of a list and pages of rows never repeat an item."""

from typing import Any

import httpx2

from app.config import Settings
from app.wiring import Wired
from tests.support.api_calls import ids, put, recommended
from tests.support.builders import a_project, client_of


class TestPaging:
    def test_pages_repeat_and_skip_no_item_while_events_arrive(self, trained: httpx2.Client) -> None:
        seen: list[str] = []
        page: dict[str, Any] = recommended(trained, "new", limit=3)
        while page["items"]:
            assert page["offset"] == len(seen)
            seen += ids(page)
            trained.post("/v1/events", json={"events": [{"user_id": "new", "item_id": "i2"}]})
            page = recommended(trained, "new", limit=3, continue_from=page["recommendation_id"])

        assert len(seen) == len(set(seen))
        assert set(seen) | {"i2"} == {f"i{n}" for n in range(12)}

    def test_pages_of_another_project_are_refused(
        self, trained: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        other = client_of(wired, a_project(wired, f"other-{settings.project}"))
        page = recommended(trained, "new")["recommendation_id"]

        assert other.get(f"/v1/users/new/recommendations?continue_from={page}").status_code == 400
        assert trained.get(f"/v1/users/new/recommendations?continue_from={page}x").status_code == 400


class TestPage:
    ROWS = (
        {"kind": "similar_to_recent", "title": "Because you liked {item}", "limit": 2, "count": 2},
        {"kind": "recommendations", "title": "For you", "limit": 3},
        {"kind": "popular", "title": "Popular in even", "category": "even", "limit": 5},
        {"kind": "latest", "title": "New", "limit": 12},
    )

    def test_rows_of_a_page_repeat_no_item(self, trained: httpx2.Client) -> None:
        put(trained, rows=list(self.ROWS))
        sent = [{"user_id": "new", "item_id": item_id, "timestamp": 1769860800} for item_id in ("i2", "i3")]
        trained.post("/v1/events", json={"events": sent})

        page = trained.get("/v1/users/new/pages/home").json()

        assert [row["title"] for row in page["rows"][:3]] == [
            "Because you liked Item 2",
            "Because you liked Item 3",
            "For you",
        ] or [row["title"] for row in page["rows"][:3]] == [
            "Because you liked Item 3",
            "Because you liked Item 2",
            "For you",
        ]
        assert {row["source_item"] for row in page["rows"][:2]} == {"i2", "i3"}
        shown = [item_id for row in page["rows"] for item_id in ids(row)]
        assert len(shown) == len(set(shown)) == 10  # all but the two that the user has seen
        assert all(
            int(item_id[1:]) % 2 == 0 for row in page["rows"] if row["kind"] == "popular" for item_id in ids(row)
        )
        assert page["scenario_version"] == 1

    def test_rows_without_items_are_left_out(self, client: httpx2.Client) -> None:
        put(client, rows=list(self.ROWS))

        assert client.get("/v1/sessions/unknown/pages/home").json()["rows"] == []
        assert client.get("/v1/sessions/unknown/pages/none").status_code == 404
