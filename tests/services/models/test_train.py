"""A stopped training leaves the active version unchanged, and its own rows are collected."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.config import Settings
from app.domain.models import ModelVersion, VersionState
from app.domain.recommendations import RecommendationQuery
from app.errors import Cancelled, Conflict, NotActivatable
from app.recommender.events.weights import Weights
from app.services.models import cache, train, training
from app.services.models.training import Engine
from app.storage.database import Raw
from app.storage.neighbors import ListRow, NeighborRow, NeighborStore
from app.storage.versions import VersionStore
from app.wiring import Wired
from tests.support.builders import a_project, an_event, an_item, two_tastes, until, wired_on
from tests.support.fake_clock import FakeClock


class Stop(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def project(wired: Wired, settings: Settings) -> str:
    wired.services.events.accept(settings.project, two_tastes())
    return settings.project


def run(wired: Wired, project: str, report: Callable[[str, float], None] | None = None) -> ModelVersion:
    service = wired.services.train
    return service.run(project, service.queue(project), report=report)


def rows_of(wired: Wired, version: str) -> list[Raw]:
    """Every row of a version, found by scanning the tables."""
    rows: list[Raw] = []
    for model in (NeighborRow, ListRow):
        request: dict[str, Any] = {"TableName": model.Meta.table_name}
        while True:
            page = wired.database.call("Scan", request)
            rows += [row for row in page["Items"] if f"#{version}#" in row["key"]["S"]]
            if "LastEvaluatedKey" not in page:
                break
            request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}
    return rows


def stop_at(phase: str) -> Callable[[str, float], None]:
    def report(reached: str, _progress: float) -> None:
        if reached == phase:
            raise Stop

    return report


class TestRun:
    @pytest.mark.parametrize(
        "phase", ["reading events", "choosing parameters", "learning", "reading items", "publishing"]
    )
    def test_a_failed_training_leaves_the_active_version_and_its_rows_are_collected(
        self, wired: Wired, project: str, phase: str
    ) -> None:
        active = run(wired, project)

        with pytest.raises(Stop):
            run(wired, project, stop_at(phase))

        failed = wired.services.train.list_page(project, None, 10).records[0]
        pointer = wired.services.rollout.active(project)
        assert (failed.state, failed.detail) == (VersionState.FAILED, "Stop")
        assert pointer
        assert pointer.version == active.version
        wired.services.train.collect(project)
        assert rows_of(wired, failed.version) == []
        assert len(rows_of(wired, active.version)) == 12 + 1 + 2

    def test_what_is_bought_together_is_stored_and_removed_with_the_version(self, wired: Wired, project: str) -> None:
        baskets = [an_event(f"b{n}", item, "purchase", 99) for n in range(2) for item in ("i0", "i1", "i2")]
        wired.services.events.accept(project, baskets)
        trained = run(wired, project)
        names = {row["key"]["S"].split("#", 2)[2] for row in rows_of(wired, trained.version)}

        assert trained.counts["bought_together"] == 3
        assert {f"bought_together#i{n}" for n in range(3)} < names
        assert len(names) == 12 + 3 + 1 + 2
        NeighborStore(wired.database).delete(project, trained.version, trained.manifest_chunks)
        assert rows_of(wired, trained.version) == []

    def test_a_killed_training_is_detected_by_its_old_heartbeat(self, wired: Wired, project: str) -> None:
        service = wired.services.train
        with pytest.raises(Stop):
            run(wired, project, stop_at("publishing"))
        lost = service.list_page(project, None, 1).records[0]
        old = replace(lost, state=VersionState.TRAINING, heartbeat_at=lost.heartbeat_at - 2 * train.LOST_AFTER)
        VersionStore(wired.database).update(project, old, expected=VersionState.FAILED)

        assert service.collect(project) == 1

        failed = service.get(project, lost.version)
        assert (failed.state, failed.detail) == (VersionState.FAILED, "The training was killed.")
        assert rows_of(wired, lost.version) == []

    def test_a_training_that_has_ended_keeps_its_rows_when_another_worker_resumes_it(
        self, wired: Wired, project: str
    ) -> None:
        """The second worker read the row before the first one, which seemed killed, finished."""
        trained = run(wired, project)
        before = len(rows_of(wired, trained.version))

        with pytest.raises(Cancelled):
            wired.services.train.run(project, replace(trained, state=VersionState.TRAINING))

        assert len(rows_of(wired, trained.version)) == before > 0

    def test_a_training_with_a_recent_heartbeat_is_not_collected(self, wired: Wired, project: str) -> None:
        version = wired.services.train.queue(project)

        assert wired.services.train.collect(project) == 0
        assert wired.services.train.get(project, version.version).state is VersionState.TRAINING

    def test_old_versions_are_collected_except_the_active_and_the_previous_one(
        self, wired: Wired, project: str, settings: Settings
    ) -> None:
        trained = [run(wired, project) for _ in range(2)]
        wired.services.rollout.activate(project, trained[0].version)
        for _ in range(settings.keep_versions):
            version = wired.services.train.queue(project)
            ended = replace(version, state=VersionState.READY)
            VersionStore(wired.database).update(project, ended, expected=VersionState.TRAINING)

        wired.services.train.collect(project)

        kept = [version.version for version in wired.services.train.list_page(project, None, 50).records]
        assert {trained[0].version, trained[1].version} <= set(kept)
        assert len(kept) == settings.keep_versions + 2


class TestEngine:
    def test_a_training_on_another_engine_sends_heartbeats_and_stops_when_cancelled(
        self, wired: Wired, project: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(training, "HEARTBEAT_SECONDS", 0.05)
        service = wired.services.train
        version = service.queue(project)

        def learn(report: Callable[[str, float], None], _weights: Weights) -> Any:
            report("learning elsewhere", 0.0)
            begun = service.get(project, version.version).heartbeat_at
            until(lambda: service.get(project, version.version).heartbeat_at > begun)
            service.cancel(project, version.version)
            report("never reached", 0.5)

        with pytest.raises(Cancelled):
            service.run(project, version, engine=Engine(learn, lambda *_: None))

        ended = service.get(project, version.version)
        assert (ended.state, ended.phase) == (VersionState.CANCELLED, "ended")


class TestCancel:
    def test_a_cancelled_training_stops_at_the_next_report(self, wired: Wired, project: str) -> None:
        service = wired.services.train
        version = service.queue(project)

        def cancel(phase: str, _progress: float) -> None:
            if phase == "choosing parameters" and service.get(project, version.version).state is VersionState.TRAINING:
                service.cancel(project, version.version)

        with pytest.raises(Cancelled):
            service.run(project, version, report=cancel)

        assert service.get(project, version.version).state is VersionState.CANCELLED
        assert wired.services.rollout.active(project) is None
        with pytest.raises(NotActivatable):
            wired.services.rollout.activate(project, version.version)
        with pytest.raises(Conflict):
            service.cancel(project, version.version)

    def test_a_training_whose_worker_is_gone_is_cancelled_and_its_rows_are_removed(
        self, wired: Wired, project: str
    ) -> None:
        service = wired.services.train
        queued = service.queue(project)
        versions, neighbors = VersionStore(wired.database), NeighborStore(wired.database)
        killed = replace(queued, manifest_chunks=1)
        versions.update(project, killed, expected=VersionState.TRAINING)
        neighbors.put_manifest(project, killed.version, ["tea"])

        service.cancel(project, killed.version)

        assert service.get(project, killed.version).state is VersionState.CANCELLED
        with pytest.raises(Cancelled):
            service.run(project, killed)
        assert service.collect(project) == 1
        assert service.get(project, killed.version).manifest_chunks == 0

    def test_a_training_cancelled_while_it_ends_is_not_activated(self, wired: Wired, project: str) -> None:
        service = wired.services.train
        version = service.queue(project)

        def cancel_at_the_end(phase: str, _progress: float) -> None:
            if phase == "publishing" and service.get(project, version.version).phase == "publishing":
                with suppress(Conflict):
                    service.cancel(project, version.version)

        with pytest.raises(Cancelled):
            service.run(project, version, report=cancel_at_the_end)

        ended = service.get(project, version.version)
        assert (ended.state, ended.detail) == (VersionState.CANCELLED, "Cancelled.")
        assert wired.services.rollout.active(project) is None
        assert service.collect(project) == 1


class TestJudge:
    def test_a_clearly_worse_version_is_published_but_activated_only_if_forced(
        self, wired: Wired, project: str
    ) -> None:
        good = run(wired, project)
        praised = replace(good, metrics={**good.metrics, "ndcg": good.metrics["ndcg"] * 1.5})
        VersionStore(wired.database).update(project, praised, expected=VersionState.READY)

        worse = run(wired, project)

        service = wired.services.train
        assert worse.state is VersionState.READY
        assert "clearly below" in (worse.detail or "")
        assert wired.services.rollout.active(project) == replace(
            wired.services.rollout.active(project), version=good.version
        )  # type: ignore[type-var]
        forced = service.run(project, service.queue(project), force=True)
        assert wired.services.rollout.active(project).version == forced.version  # type: ignore[union-attr]

    def test_metrics_of_another_holdout_are_not_compared(self, wired: Wired, project: str) -> None:
        good = run(wired, project)
        metrics, parameters = {**good.metrics, "ndcg": 0.99}, {**good.parameters, "holdout": "last"}
        praised = replace(good, metrics=metrics, parameters=parameters)
        VersionStore(wired.database).update(project, praised, expected=VersionState.READY)

        other = run(wired, project)

        assert wired.services.rollout.active(project).version == other.version  # type: ignore[union-attr]


class TestSearch:
    def test_long_reading_takes_no_time_from_choosing_parameters(self, settings: Settings, project: str) -> None:
        clock, tried = FakeClock(), 0
        other = wired_on(settings, clock=clock)

        def report(phase: str, _progress: float) -> None:
            nonlocal tried
            tried += phase == "choosing parameters"
            if phase == "reading events":
                clock.advance(2 * training.SEARCH_SECONDS)

        run(other, project, report)

        assert tried > 20
        other.close()

    def test_the_search_ends_in_time(self, settings: Settings, project: str) -> None:
        clock, tried = FakeClock(), 0
        other = wired_on(settings, clock=clock)

        def report(phase: str, _progress: float) -> None:
            nonlocal tried
            if phase == "choosing parameters":
                tried += 1
                clock.advance(training.SEARCH_SECONDS / 4)

        run(other, project, report)

        assert tried < 10
        other.close()


class TestActivate:
    def test_the_second_of_two_concurrent_activations_is_a_conflict(self, wired: Wired, project: str) -> None:
        first, second = run(wired, project), run(wired, project)
        versions = VersionStore(wired.database)
        before = versions.active(project)
        assert before
        versions.activate(project, replace(before, version=first.version), before)
        later = replace(before, activated_at=before.activated_at + timedelta(seconds=1))

        with pytest.raises(Conflict):
            versions.activate(project, replace(later, version=second.version), before)


class TestNewItems:
    def test_a_new_item_is_recommended_to_users_of_similar_items(self, wired: Wired, settings: Settings) -> None:
        services, project = wired.services, settings.project
        services.items.put_many(project, [an_item(f"i{n}", "even" if n % 2 == 0 else "odd") for n in range(12)])
        services.items.put_many(project, [an_item("new", "odd")])
        services.events.accept(project, two_tastes())
        services.train.run(project, services.train.queue(project))
        query = RecommendationQuery(recommenders=("neighbors",))

        odd = services.recommend.for_session(project, [an_event("x", "i1"), an_event("x", "i3")], query)
        even = services.recommend.for_session(project, [an_event("x", "i2"), an_event("x", "i4")], query)

        [reasons] = [item.reasons for item in odd.recommendations if item.item_id == "new"]
        assert {reason.item_id for reason in reasons} == {"i1", "i3"}
        assert "new" not in {item.item_id for item in even.recommendations}

    def test_an_item_added_after_the_training_is_recommended_at_once_with_exact_reasons(
        self, wired: Wired, settings: Settings
    ) -> None:
        services, project = wired.services, settings.project
        services.items.put_many(project, [an_item(f"i{n}", "even" if n % 2 == 0 else "odd") for n in range(12)])
        services.events.accept(project, two_tastes())
        services.train.run(project, services.train.queue(project))
        services.items.put_many(project, [an_item("later", "odd"), an_item("alien", "nothing like it")])
        events = [an_event("x", "i1"), an_event("x", "i3", "purchase")]
        query = RecommendationQuery(recommenders=("neighbors",), explain=True, limit=20)

        other = wired_on(settings)  # an instance that has written nothing
        shown = {
            item.item_id: item for item in other.services.recommend.for_session(project, events, query).recommendations
        }
        even = other.services.recommend.for_session(project, [an_event("x", "i2")], query)

        assert sum(reason.contribution for reason in shown["later"].reasons) == pytest.approx(shown["later"].score)
        assert {reason.item_id for reason in shown["later"].reasons} == {"i1", "i3"}
        assert "alien" not in shown
        used = other.services.recommend.for_session(project, [*events, an_event("x", "later")], query)
        assert "later" not in {item.item_id for item in used.recommendations}
        similar = services.recommend.similar(project, "i5", RecommendationQuery(limit=20)).recommendations
        assert ("later", "similar") in {(item.item_id, item.source) for item in similar}
        assert "later" not in {item.item_id for item in even.recommendations}
        services.items.put_many(project, [replace(an_item("later", "odd"), hidden=True)])
        hidden = services.recommend.for_session(project, events, query)
        assert "later" not in {item.item_id for item in hidden.recommendations}
        other.close()

    def test_an_evicted_vocabulary_is_read_again(
        self, wired: Wired, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cache, "MAX_VOCABULARIES", 1)
        services, projects = wired.services, (settings.project, f"{settings.project}-too")
        for project in projects:
            a_project(wired, project)
            services.items.put_many(project, [an_item(f"i{n}", "even" if n % 2 == 0 else "odd") for n in range(12)])
            services.events.accept(project, two_tastes())
            services.train.run(project, services.train.queue(project))
        instance = wired_on(settings.model_copy(update={"item_ttl_seconds": 0.0}))
        query = RecommendationQuery(recommenders=("neighbors",), limit=20)

        def listed(project: str) -> set[str]:
            response = instance.services.recommend.for_session(project, [an_event("x", "i1")], query)
            return {item.item_id for item in response.recommendations}

        for project in projects:
            services.items.put_many(project, [an_item("first", "odd")])
            assert "first" in listed(project)
        services.items.put_many(projects[0], [an_item("second", "odd")])

        assert {"first", "second"} <= listed(projects[0])
        instance.close()
