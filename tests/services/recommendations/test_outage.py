"""Behavior without the database."""

from dataclasses import replace

import httpx2

from app.api.http.problems import RETRY_AFTER_SECONDS
from app.config import Settings
from tests.support.builders import a_project, an_item, client_of, two_tastes, wired_on
from tests.support.slow_proxy import Proxy


class TestOutage:
    def test_recommendations_degrade_and_writes_are_refused(self, proxy: Proxy, settings: Settings) -> None:
        wired = wired_on(
            settings.model_copy(
                update={"endpoint": proxy.endpoint, "connect_timeout_seconds": 0.2, "key_ttl_seconds": 0.0}
            )
        )
        key = a_project(wired, settings.project)
        services = wired.services
        services.items.put_many(settings.project, [an_item(f"i{n}") for n in range(12)])
        services.events.accept(settings.project, two_tastes())
        services.train.run(settings.project, services.train.queue(settings.project))
        with client_of(wired, key) as client:
            assert client.get("/v1/users/new/recommendations").json()["degraded"] is False

            proxy.stop()
            read = client.get("/v1/users/u2/recommendations?limit=4&exclude=i1&cart=i2&context_item=i3")
            written = client.post("/v1/events", json={"events": [{"user_id": "u2", "item_id": "i1"}]})
            ready = client.get("/health/ready")

        assert (read.status_code, read.json()["degraded"], len(read.json()["items"])) == (200, True, 4)
        assert {"i1", "i2", "i3"}.isdisjoint(item["item_id"] for item in read.json()["items"])
        assert read.json()["items"][0]["title"]
        for refused in (written, ready):
            assert_unavailable(refused)
        wired.database.close()

    def test_rankings_lists_and_pages_degrade_too(self, proxy: Proxy, settings: Settings) -> None:
        changes = {"endpoint": proxy.endpoint, "pointer_ttl_seconds": 0.0, "connect_timeout_seconds": 0.2}
        wired = wired_on(settings.model_copy(update=changes))
        services = wired.services
        key = a_project(wired, settings.project)
        services.items.put_many(settings.project, [an_item(f"i{n}", "all" if n % 2 else "odd") for n in range(12)])
        services.items.put(settings.project, replace(an_item("i3", "all"), hidden=True))
        services.events.accept(settings.project, two_tastes())
        services.train.run(settings.project, services.train.queue(settings.project))
        rows = [{"kind": "recommendations", "title": "For you"}, {"kind": "similar_to_recent", "title": "Like {item}"}]
        with client_of(wired, key) as client:
            client.put("/v1/scenarios/home", json={"rows": rows}).raise_for_status()
            ranking = {"user_id": "u2", "item_ids": ["i5", "i3", "i1", "unknown"]}
            before = client.post("/v1/rankings", json=ranking).json()
            client.get("/v1/users/u2/pages/home").raise_for_status()

            proxy.stop()
            ranked = client.post("/v1/rankings", json=ranking).json()
            popular = client.get("/v1/lists/popular?category=all").json()
            page = client.get("/v1/users/u2/pages/home").json()

        assert (before["degraded"], ranked["degraded"]) == (False, True)
        assert [item["item_id"] for item in ranked["items"]] == ["i5", "i1", "unknown"]
        assert popular["degraded"]
        assert page["rows"]
        wired.database.close()


def assert_unavailable(answer: httpx2.Response) -> None:
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) in RETRY_AFTER_SECONDS
    assert answer.json()["title"] == "Database unavailable"
