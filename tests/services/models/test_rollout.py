"""Rollout of model versions: shares, interleaving, shadows, and activation."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event as Signal
from typing import Any

import httpx2
import pytest

from app import clock, telemetry
from app.config import Settings
from app.domain.models import Scoring
from app.domain.recommendations import RecommendationQuery
from app.errors import Conflict, NotActivatable
from app.services.models.rollout import Split
from app.services.recommendations import slate
from app.storage.versions import VersionRow, VersionStore
from app.telemetry import RequestLog
from app.wiring import Wired
from tests.services.models.conftest import USERS, neighbors_at
from tests.support.builders import NOON, two_tastes, until
from tests.support.planted_models import plant
from tests.support.server_process import served

TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
"""Not a fixed day, because the database removes expired rows."""


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
