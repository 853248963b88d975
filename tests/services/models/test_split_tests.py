"""Split tests: versions that serve shares of the users, or lists together, and are compared by outcomes."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx2
import pytest

from app import clock
from app.config import Settings
from app.domain.events import Attribution, Event
from app.domain.recommendations import RecommendationQuery
from app.domain.users import of_session
from app.entry.stream import Consumer
from app.recommender.outcomes import Outcome
from app.wiring import Wired
from tests.services.models.conftest import USERS
from tests.support.builders import an_event
from tests.support.stream_records import NoSockets, a_record

TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
"""Not a fixed day, because the database removes expired rows."""


class Week:
    """Users who visit each day and click on items of their taste; the stream delivers their events."""

    def __init__(self, wired: Wired, client: httpx2.Client, project: str) -> None:
        self._wired, self._client, self._project = wired, client, project
        self._random, self._consumer = Random(1), Consumer(wired.services, NoSockets())
        self.now = TODAY  # a past week's rows have expired: the database deletes them when it gets to it

    def pass_by(self, days: int = 7) -> None:
        for _ in range(days):
            with clock.frozen(self.now, b"seed"):
                self._visits()
            self.now += timedelta(days=1)

    def _visits(self) -> None:
        """Every user sees a list and reacts to it; then the stream delivers the events of all."""
        sent = [event for number, user in enumerate(USERS) for event in self._visit(user, number % 2)]
        assert self._client.post("/v1/events", json={"events": sent}).status_code == 202
        pages = (self._wired.services.events.list_page(self._project, user, None, 50) for user in USERS)
        stored = [event for page in pages for event in page.records if event.timestamp == self.now]
        assert len(stored) == len(sent)
        assert self._consumer.apply([a_record(self._project, event, arrived=self.now) for event in stored]) is None

    def _visit(self, user: str, taste: int) -> list[dict[str, Any]]:
        url = f"/v1/users/{user}/recommendations"
        response = self._client.get(url, params={"limit": 3, "include_seen": True}).json()
        common = {"user_id": user, "recommendation_id": response["recommendation_id"]}
        events: list[dict[str, Any]] = []
        for item in response["items"]:
            events.append({**common, "item_id": item["item_id"], "event_type": "impression"})
            suits = int(item["item_id"][1:]) % 2 == taste
            if self._random.random() < (0.5 if suits else 0.05):
                events.append({**common, "item_id": item["item_id"], "event_type": "click"})
                if self._random.random() < 0.5:
                    events.append({**common, "item_id": item["item_id"], "event_type": "purchase", "value": 20.0})
        return events

    def get(self, url: str, **parameters: Any) -> Any:
        with clock.frozen(self.now, b"seed"):
            return self._client.get(url, params=parameters).json()

    def check_days(self, whole: list[dict[str, Any]]) -> None:
        """The outcomes of all days, and those of two parts of the time, sum up to those of the whole."""
        by_day = self.get("/v1/outcomes", days=8, by=["day", "version"])["outcomes"]
        assert len({outcome["day"] for outcome in by_day}) == 7
        middle = (self.now - timedelta(days=4)).date()
        parts = [self.get("/v1/outcomes", days=20, to=middle), self.get("/v1/outcomes", days=4, to=self.now.date())]
        for version in whole:
            for several in (by_day, parts[0]["outcomes"] + parts[1]["outcomes"]):
                same = [outcome["clicks"] for outcome in several if outcome["version"] == version["version"]]
                assert sum(same) == version["clicks"], several
        assert self.get("/v1/outcomes", days=7, to="1970-01-01")["outcomes"] == []

    def activate(self, version: str, **parameters: Any) -> httpx2.Response:
        with clock.frozen(self.now, b"seed"):
            return self._client.post(f"/v1/models/{version}:activate", params=parameters)


class TestSplitTest:
    def test_within_a_week_the_better_version_wins_and_the_worse_one_is_refused(
        self, shop: Wired, client: httpx2.Client, settings: Settings
    ) -> None:
        shares = {"middle": 34, "good": 33, "bad": 33}
        assert client.put("/v1/rollout", json={"shares": shares}).json()["shares"] == pytest.approx(shares)
        week = Week(shop, client, settings.project)

        week.pass_by()

        response = week.get("/v1/outcomes", days=8)
        verdicts = {comparison["version"]: comparison["verdict"] for comparison in response["comparisons"]}
        assert verdicts == {"good": "better", "bad": "worse"}
        of_version = {outcome["version"]: outcome for outcome in response["outcomes"]}
        shown = sum(outcome["impressions"] for outcome in of_version.values())
        assert shown == response["total"]["impressions"] == 7 * len(USERS) * 3
        assert of_version["good"]["click_through"]["low"] > of_version["bad"]["click_through"]["high"]
        assert of_version["good"]["revenue"] == 20.0 * of_version["good"]["conversions"] > 0
        interval = of_version["good"]["revenue_per_impression"]
        assert interval["low"] < interval["value"] < interval["high"]
        week.check_days(response["outcomes"])
        pair = week.get("/v1/outcomes/comparison", days=8, by="version", name="good", against="bad")
        assert pair["click_through"]["verdict"] == pair["conversion"]["verdict"] == "better"
        assert pair["click_through"]["low"] > 0 < pair["revenue_per_impression"]["low"]
        refused = week.activate("bad")
        assert refused.status_code == 409
        assert "click-through is lower" in refused.json()["detail"]
        assert week.activate("good").json()["previous"] == "middle"
        assert week.get("/v1/rollout") == {
            "active": "good",
            "previous": "middle",
            "activated_at": week.now.isoformat().replace("+00:00", "Z"),
            "shares": {"good": 100.0},
            "interleaved": False,
            "shadows": [],
            "shadow_share": 0.0,
        }
        assert week.activate("bad", force=True).status_code == 200

    def test_interleaved_versions_are_compared_by_the_same_users(
        self, shop: Wired, client: httpx2.Client, settings: Settings
    ) -> None:
        client.put("/v1/rollout", json={"shares": {"good": 100}, "interleaved": True})
        week = Week(shop, client, settings.project)

        week.pass_by(4)

        response = week.get("/v1/outcomes", days=8, by=["version", "source"])
        shown = {(group["version"], group["source"]): group["impressions"] for group in response["outcomes"]}
        assert abs(shown["good", "neighbors"] - shown["middle", "neighbors"]) <= 4 * len(USERS)
        [compared] = response["comparisons"]
        assert (compared["version"], compared["verdict"]) == ("good", "better")

    def test_repeated_replaced_and_removed_events_are_counted_once(self, shop: Wired, settings: Settings) -> None:
        project, consumer = settings.project, Consumer(shop.services, NoSockets())
        now = datetime.now(UTC)
        shown = Event("ann", "i1", "impression", now, "a", attribution=Attribution("good", "home", "neighbors"))
        clicked = shown._replace(event_type="click", event_id="b")
        bought = shown._replace(event_type="purchase", event_id="d", value=10.0)
        written = [a_record(project, event) for event in (shown, clicked, shown._replace(event_id="c"), bought)]
        changed = [
            a_record(project, None, old=shown),
            a_record(project, clicked._replace(event_type="purchase", value=5.0), old=clicked),
        ]

        for batch in (written, written, changed, [*changed, *written]):
            assert consumer.apply(batch) is None

        [((day, attribution), outcome)] = shop.services.outcomes.of(project, 7).items()
        assert (day, attribution) == (now.date(), shown.attribution)
        assert outcome == Outcome(impressions=1, clicks=0, conversions=2, revenue=15.0, squares=125.0)
        assert (
            shop.services.recommend.from_list(project, "popular", None, RecommendationQuery())
            .recommendations[0]
            .item_id
            == "i1"
        )

    @pytest.mark.usefixtures("shop")
    def test_events_with_the_recommendation_id_of_another_list_are_refused(self, client: httpx2.Client) -> None:
        answer = client.get("/v1/users/u0/recommendations", params={"limit": 1}).json()
        shown, token = answer["items"][0]["item_id"], answer["recommendation_id"]
        event = {"user_id": "u0", "event_type": "click", "item_id": shown, "recommendation_id": token}
        elsewhere = {**event, "item_id": "i11" if shown != "i11" else "i10"}

        refused = client.post("/v1/events", json={"events": [event, elsewhere, {**event, "recommendation_id": "x"}]})

        assert refused.status_code == 400
        assert [error["pointer"] for error in refused.json()["errors"]] == [
            "/events/1/recommendation_id",
            "/events/2/recommendation_id",
        ]
        events = client.get("/v1/users/u0/events").json()["events"]
        assert len(events) == 1
        assert client.post("/v1/events", json={"events": [event]}).status_code == 202
        kept = client.get("/v1/users/u0/events").json()["events"][0]
        assert kept["attribution"] == {"version": "middle", "scenario": "", "source": answer["items"][0]["source"]}

    def test_events_of_a_merged_session_keep_their_attribution(self, shop: Wired, settings: Settings) -> None:
        attribution = Attribution("good", "", "neighbors")
        event = an_event(of_session("s1"), "i3")._replace(attribution=attribution)
        shop.services.events.accept(settings.project, [event])

        shop.services.sessions.merge(settings.project, "s1", "ann")

        [moved] = shop.services.events.list_page(settings.project, "ann", None, 10).records
        assert moved.attribution == attribution
