"""Rollout of model versions: shares, interleaving, shadows, and comparisons by outcomes."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event as Signal
from typing import Any

import httpx2
import pytest

from app import clock, telemetry
from app.config import Settings
from app.domain.events import Attribution, Event
from app.domain.models import Scoring
from app.domain.recommendations import RecommendationQuery
from app.domain.users import of_session
from app.entry.stream import Consumer
from app.errors import Conflict, NotActivatable
from app.recommender.outcomes import Outcome
from app.services.models.rollout import Split
from app.services.recommendations import slate
from app.storage.versions import VersionRow, VersionStore
from app.telemetry import RequestLog
from app.wiring import Wired
from tests.support.builders import NOON, an_event, an_item, two_tastes, until
from tests.support.planted_models import Table, plant
from tests.support.server_process import served
from tests.support.stream_records import NoSockets, a_record

ITEMS = 12
USERS = [f"u{number}" for number in range(40)]
TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
"""Not a fixed day, because the database removes expired rows."""


def neighbors_at(*distances: int) -> Table:
    """Rows in which each item's neighbors have these distances, best first. Even distances stay within a taste."""
    return {
        f"i{item}": {f"i{(item + distance) % ITEMS}": 1.0 / (1 + rank) for rank, distance in enumerate(distances)}
        for item in range(ITEMS)
    }


@pytest.fixture
def shop(wired: Wired, settings: Settings) -> Wired:
    """A project of forty users with two tastes and three versions; `middle` is active."""
    project = settings.project
    wired.services.items.put_many(project, [an_item(f"i{number}") for number in range(ITEMS)])
    wired.services.events.accept(project, [an_event(user, f"i{number % 2}") for number, user in enumerate(USERS)])
    plant(wired, project, "middle", neighbors_at(2, 3, 5))
    plant(wired, project, "good", neighbors_at(2, 4, 6))
    plant(wired, project, "bad", neighbors_at(1, 3, 5))
    wired.services.rollout.activate(project, "middle")
    return wired


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


class TestCompareLists:
    @pytest.mark.usefixtures("shop")
    def test_a_named_version_makes_the_list_whichever_serves_the_user(self, client: httpx2.Client) -> None:
        def listed(**parameters: Any) -> Any:
            return client.get("/v1/users/u0/recommendations", params={"limit": 3, **parameters}).json()

        by_active, by_good = listed(), listed(model_version="good")
        body = {"events": [{"item_id": "i0"}], "limit": 3, "model_version": "good"}
        in_session = client.post("/v1/recommendations", json=body).json()

        assert [item["item_id"] for item in by_active["items"]] == ["i2", "i3", "i5"]
        assert [item["item_id"] for item in by_good["items"]] == ["i2", "i4", "i6"]
        assert [item["item_id"] for item in in_session["items"]] == ["i2", "i4", "i6"]
        assert (by_active["model_version"], by_good["model_version"]) == ("middle", "good")
        client.post("/v1/models/good:activate", params={"force": True})
        assert listed(model_version="middle")["items"] == by_active["items"]

    def test_only_ready_versions_can_be_named(self, client: httpx2.Client, shop: Wired, settings: Settings) -> None:
        training = shop.services.train.queue(settings.project).version

        missing, unready = (
            client.get("/v1/users/u0/recommendations", params={"model_version": version})
            for version in ("missing", training)
        )

        assert (missing.status_code, unready.status_code) == (404, 409)
        assert "only a ready version can serve" in unready.json()["detail"]


class TestInterleaving:
    def test_items_name_the_version_that_chose_them_and_its_reasons(
        self, shop: Wired, client: httpx2.Client, settings: Settings
    ) -> None:
        client.put("/v1/rollout", json={"shares": {"good": 100}, "interleaved": True})

        answer = client.get("/v1/users/u0/recommendations", params={"limit": 4, "explain": True}).json()

        assert answer["model_version"] == "middle"
        chosen = {item["item_id"]: item["model_version"] for item in answer["items"]}
        assert Counter(chosen.values()) == {None: 2, "good": 2}
        assert {item_id for item_id, version in chosen.items() if version} <= {"i2", "i4", "i6"}
        assert all(abs(sum(reason["share"] for reason in item["reasons"]) - 1) < 1e-6 for item in answer["items"])
        served = shop.services.tokens.served(settings.project, answer["recommendation_id"])
        assert {item_id: served.attribution(item_id) for item_id in chosen} == {
            item_id: (version or "middle", "neighbors") for item_id, version in chosen.items()
        }


class TestShadows:
    def test_shadows_are_compared_but_not_shown_and_their_failures_do_not_matter(
        self, shop: Wired, client: httpx2.Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = client.get("/v1/users/u0/recommendations", params={"limit": 2}).json()["items"]
        client.put("/v1/rollout", json={"shares": {"middle": 100}, "shadows": ["bad"], "shadow_share": 100})
        work = RequestLog()

        with telemetry.logging_context(work):
            answer = shop.services.recommend.for_user(settings.project, "u0", RecommendationQuery(limit=2))

        shown = [recommendation.item_id for recommendation in answer.recommendations]
        assert shown == [item["item_id"] for item in before] == ["i2", "i3"]
        assert (work.shadow_version, work.shadow_overlap) == ("bad", 0.5)
        monkeypatch.setattr(slate, "build_for_version", _failing_for("bad", slate.build_for_version))
        assert shop.services.recommend.for_user(settings.project, "u0", RecommendationQuery(limit=2)) == answer

    def test_shadows_are_compared_with_their_share_of_the_responses(self, shop: Wired, settings: Settings) -> None:
        shop.services.rollout.split(settings.project, Split({"middle": 100}, shadows=["bad"], shadow_share=20))
        compared = 0

        for number in range(200):
            with (
                clock.frozen(TODAY + timedelta(seconds=number), b"seed"),
                telemetry.logging_context(RequestLog()) as work,
            ):
                shop.services.recommend.for_user(settings.project, "u0", RecommendationQuery(limit=1))
            compared += work.shadow_version == "bad"

        assert 20 < compared < 60


def _failing_for(version: str, build: Callable[..., Any]) -> Callable[..., Any]:
    def failing(context: Any, excluded: Any) -> Any:
        if context.active.version == version:
            raise RuntimeError
        return build(context, excluded)

    return failing


@pytest.mark.usefixtures("shop")
class TestRollout:
    def test_an_invalid_rollout_is_refused_and_changes_nothing(self, client: httpx2.Client) -> None:
        bodies: dict[int, list[dict[str, Any]]] = {
            422: [
                {"shares": {"good": 0}},
                {"shares": {}},
                {"shares": {"good": 100}, "shadow_share": 101},
            ],
            404: [{"shares": {"good": 50, "unknown": 50}}, {"shares": {"good": 100}, "shadows": ["unknown"]}],
        }
        for status, bodies_of_status in bodies.items():
            for body in bodies_of_status:
                assert client.put("/v1/rollout", json=body).status_code == status
        assert client.get("/v1/rollout").json()["shares"] == {"middle": 100}

    def test_an_anonymous_visitor_is_served_by_the_active_version(self, client: httpx2.Client) -> None:
        client.put("/v1/rollout", json={"shares": {"good": 100}})

        user = client.get("/v1/users/u0/recommendations").json()
        visitor = client.post("/v1/recommendations", json={"events": [{"item_id": "i0"}]}).json()

        assert (user["model_version"], visitor["model_version"]) == ("good", "middle")

    def test_the_second_of_two_concurrent_rollouts_is_a_conflict(self, shop: Wired, settings: Settings) -> None:
        project, traffic = settings.project, shop.services.rollout
        versions = VersionStore(shop.database)
        before = versions.active(project)
        assert before
        traffic.split(project, Split({"middle": 50, "good": 50}))

        with pytest.raises(Conflict):
            versions.activate(project, replace(before, revision=before.revision + 1), before)

    def test_serving_versions_and_shadows_are_kept_and_a_training_does_not_end_a_split_test(
        self, shop: Wired, settings: Settings
    ) -> None:
        services, project = shop.services, settings.project
        services.events.accept(project, two_tastes())
        services.rollout.split(project, Split({"middle": 50, "good": 50}, shadows=["bad"]))
        trained = [services.train.run(project, services.train.queue(project)) for _ in range(settings.keep_versions)]

        services.train.collect(project)

        left = {version.version for version in services.train.list_page(project, None, 50).records}
        assert {"middle", "good", "bad"} <= left
        assert all("split test is running" in str(version.detail) for version in trained)
        assert services.rollout.active(project).variants  # type: ignore[union-attr]

    def test_a_pointer_of_an_earlier_release_is_read_and_moved(self, shop: Wired, settings: Settings) -> None:
        row = {
            "project": {"S": settings.project},
            "version": {"S": "#active"},
            "active_version": {"S": "good"},
            "created_at": {"S": "2026-01-31T12:00:00.000000Z"},
            "facts": {"S": '{"half_life_days": 9.0, "rating_threshold": null}'},
        }
        shop.database.call("PutItem", {"TableName": VersionRow.Meta.table_name, "Item": row})

        before = shop.services.rollout.active(settings.project)

        assert before
        assert (before.version, before.scoring.half_life_days) == ("good", 9.0)
        assert shop.services.rollout.activate(settings.project, "middle").previous == "good"

    def test_the_scoring_of_every_serving_version_is_kept(self, shop: Wired, settings: Settings) -> None:
        project, parameters = (
            settings.project,
            {"step_decay": 0.8, "recent_exponent": 0.2, "recent_half_life_days": 2.0, "open_recent_exponent": 0.0},
        )
        plant(shop, project, "steps", neighbors_at(0), parameters=parameters)
        shop.services.rollout.activate(project, "steps")

        shop.services.rollout.split(project, Split({"steps": 50, "good": 50}, shadows=["steps"]))

        active = shop.services.rollout.active(project)
        assert active
        others = {variant.version: variant.scoring for variant in active.variants}
        expected = Scoring(learned_at=NOON.timestamp(), **parameters)
        assert active.scoring == others["steps"] == active.shadows[0].scoring == expected
        assert others["good"].recent_exponent == 0.0
        assert active.recent_half_life_days == 2.0


class TestActivate:
    def test_a_version_with_clearly_lower_ndcg_is_refused_unless_forced_or_a_rollback(
        self, shop: Wired, settings: Settings
    ) -> None:
        traffic, project = shop.services.rollout, settings.project
        plant(shop, project, "weak", neighbors_at(1), ndcg=0.1)

        with pytest.raises(NotActivatable, match="clearly below"):
            traffic.activate(project, "weak")

        assert traffic.activate(project, "weak", force=True).previous == "middle"
        traffic.activate(project, "good")
        assert traffic.activate(project, "weak").version == "weak"

    def test_activation_under_load_fails_no_request_and_takes_effect_within_seconds(
        self, shop: Wired, settings: Settings, key: str
    ) -> None:
        ended, statuses, versions = Signal(), Counter[int](), list[str]()

        def ask(user: str, base: str) -> None:
            with httpx2.Client(base_url=base, headers={"X-API-Key": key}) as client:
                while not ended.is_set():
                    answer = client.get(f"/v1/users/{user}/recommendations")
                    statuses[answer.status_code] += 1
                    versions.append(answer.json()["model_version"])

        more = {"SERENDIP_POINTER_TTL_SECONDS": "0.2"}
        with served(settings, settings.project, more) as base, ThreadPoolExecutor(4) as threads:
            futures = [threads.submit(ask, user, base) for user in USERS[:4]]
            try:
                for version in ("good", "middle", "bad", "middle"):
                    shop.services.rollout.activate(settings.project, version)
                    until(lambda version=version: versions[-8:] == [version] * 8)  # type: ignore[misc]
            finally:
                ended.set()
            for future in futures:
                future.result()

        assert set(statuses) == {200}
        assert set(versions) == {"good", "middle", "bad"}
