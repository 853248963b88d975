"""A project weighs its own event types, and sees types that it did not expect."""

from datetime import UTC, datetime

import httpx2
import pytest

from app.config import Settings
from app.domain.events import Attribution, Event
from app.domain.recommendations import RecommendationQuery
from app.entry.stream import Consumer
from app.recommender.events import verdicts
from app.storage.events import EventStore
from app.wiring import Wired
from tests.support.builders import an_event, an_item, two_tastes
from tests.support.stream_records import NoSockets, a_record

QUERY = RecommendationQuery(limit=10)


def happen(wired: Wired, project: str, *events: tuple[str, str, str]) -> None:
    """Lets the stream apply new events: user, item, type."""
    now = datetime.now(UTC)
    records = [a_record(project, Event(user, item, kind, now, f"{item}-{kind}")) for user, item, kind in events]
    assert Consumer(wired.services, NoSockets()).apply(records) is None


class TestList:
    def test_types_are_listed_with_counts_weights_and_meaning(
        self, client: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        happen(wired, settings.project, ("u1", "a", "AddToCart"), ("u2", "a", "AddToCart"), ("u1", "b", "zoomed"))
        client.put("/v1/event-types/archive", json={"serving": -1.0})

        listed = client.get("/v1/event-types").json()["event_types"]

        assert [(each["event_type"], each["kind"], each["count"], each["is_default"]) for each in listed] == [
            ("AddToCart", "cart", 2, True),
            ("zoomed", None, 1, True),
            ("archive", None, 0, False),
        ]
        assert [each["weights"] for each in listed] == [
            {"learning": 2.0, "serving": 2.0, "lists": 2.0},
            {"learning": 1.0, "serving": 1.0, "lists": 1.0},
            {"learning": 1.0, "serving": -1.0, "lists": 1.0},
        ]

    def test_removed_events_are_not_counted(self, client: httpx2.Client, wired: Wired, settings: Settings) -> None:
        event = Event("u1", "a", "view", datetime.now(UTC), "e1")
        consumer = Consumer(wired.services, NoSockets())
        consumer.apply([a_record(settings.project, event), a_record(settings.project, None, event)])

        assert client.get("/v1/event-types").json() == {"event_types": []}


class TestPut:
    def test_weights_hold_for_every_spelling_until_they_are_deleted(self, client: httpx2.Client) -> None:
        assert client.put("/v1/event-types/Save_Later", json={"learning": 0.5, "lists": 0}).status_code == 200

        stored = client.get("/v1/event-types/save-later").json()
        assert (stored["weights"], stored["is_default"]) == ({"learning": 0.5, "serving": 1.0, "lists": 0.0}, False)
        assert client.delete("/v1/event-types/savelater").status_code == 204
        assert client.get("/v1/event-types/Save_Later").json()["is_default"]
        assert client.delete("/v1/event-types/savelater").status_code == 404

    @pytest.mark.parametrize(
        "body", [{"learning": -1}, {"serving": 11}, {"weight": 1}, {"lists": "two"}, {"serving": False}]
    )
    def test_invalid_weights_are_refused(self, client: httpx2.Client, body: dict[str, object]) -> None:
        assert client.put("/v1/event-types/view", json=body).status_code == 422

    def test_lists_use_the_weights_of_the_project(
        self, client: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        wired.services.items.put_many(settings.project, [an_item("a"), an_item("b")])
        client.put("/v1/event-types/read", json={"lists": 5})
        client.put("/v1/event-types/view", json={"lists": 0})

        happen(wired, settings.project, ("u1", "a", "view"), ("u2", "a", "view"), ("u1", "b", "read"))

        listed = wired.services.recommend.from_list(settings.project, "popular", None, QUERY)
        assert [(each.item_id, each.score) for each in listed.recommendations] == [("b", 5.0)]

    def test_models_learn_with_the_weights_of_the_project(
        self, client: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        project, services = settings.project, wired.services
        services.events.accept(project, two_tastes())
        services.events.accept(project, [an_event(f"u{n}", f"z{n % 4}", "noise") for n in range(40)])
        client.put("/v1/event-types/noise", json={"learning": 0})

        version = services.train.run(project, services.train.queue(project))

        assert version.counts["items"] == 12

    def test_serving_uses_the_weights_of_the_project(
        self, client: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        project, services = settings.project, wired.services
        services.events.accept(project, two_tastes())
        services.train.run(project, services.train.queue(project))
        events = [an_event("", "i2", "archive"), an_event("", "i4", "view")]
        liked = {each.item_id for each in services.recommend.for_session(project, events, QUERY).recommendations[:3]}
        assert liked <= {f"i{n}" for n in range(0, 12, 2)}

        client.put("/v1/event-types/archive", json={"serving": -5})

        listed = services.recommend.for_session(project, events[:1], QUERY).recommendations
        scores = {each.item_id: each.score for each in listed if each.source == "neighbors"}
        assert all(score < 0 for item_id, score in scores.items() if item_id in liked)

    def test_a_type_that_means_a_purchase_counts_as_one_everywhere(
        self, client: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        project, services = settings.project, wired.services
        put = client.put("/v1/event-types/Bestellung", json={"means": "purchase", "lists": 2}).json()
        client.put("/v1/event-types/ruecksendung", json={"means": "return"})
        assert (put["kind"], put["weights"]) == ("purchase", {"learning": 3.0, "serving": 3.0, "lists": 2.0})

        baskets = [an_event(f"u{n}", item, "bestellung", 50) for n in range(4) for item in ("i1", "i2", "i3")]
        services.events.accept(project, [*two_tastes(), *baskets])
        services.events.accept(project, [an_event(f"u{n}", "i3", "Ruecksendung", 60) for n in range(3)])
        version = services.train.run(project, services.train.queue(project))
        now = datetime.now(UTC)
        served = Attribution(version.version, "home", "neighbors")
        sold = Event("u9", "i1", "BESTELLUNG", now, "order", 20.0, served)
        assert Consumer(wired.services, NoSockets()).apply([a_record(project, sold)]) is None

        together = services.recommend.bought_together(project, "i1", QUERY).recommendations
        assert [each.item_id for each in together if each.source == "bought_together"] == ["i2"]
        [outcome] = services.outcomes.of(project, 1).values()
        assert (outcome.conversions, outcome.revenue) == (1, 20.0)
        packed = EventStore(wired.database).history(project, "u9", 1).verdicts
        assert packed
        assert verdicts.consumed(verdicts.unpack(packed)) == {"i1"}

    def test_a_type_without_a_meaning_is_what_its_name_says(self, client: httpx2.Client) -> None:
        client.put("/v1/event-types/bestellung", json={"means": "purchase"})

        client.put("/v1/event-types/bestellung", json={"lists": 2})

        assert client.get("/v1/event-types/bestellung").json()["kind"] is None
        assert client.put("/v1/event-types/bestellung", json={"means": "view"}).status_code == 422

    def test_changes_of_the_project_keep_its_weights(
        self, client: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        client.put("/v1/event-types/archive", json={"serving": -1})

        wired.services.projects.change(settings.project, {"name": "renamed"})
        client.put("/v1/settings", json={"recommend_unknown_items": True})

        assert client.get("/v1/event-types/archive").json()["weights"]["serving"] == -1
        assert client.get("/v1/settings").json() == {"recommend_unknown_items": True, "origins": []}


class TestSettings:
    def test_a_decision_can_be_taken_back(self, client: httpx2.Client) -> None:
        assert client.get("/v1/settings").json() == {"recommend_unknown_items": None, "origins": []}
        assert client.put("/v1/settings", json={"recommend_unknown_items": False}).json() == {
            "recommend_unknown_items": False,
            "origins": [],
        }
        assert client.put("/v1/settings", json={}).json() == {"recommend_unknown_items": None, "origins": []}
