"""Events may name items that are not in the catalog: they are learned from, and recommended once they have a record."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.config import Settings
from app.domain.access import Limits
from app.domain.events import Event
from app.domain.recommendations import RecommendationList, RecommendationQuery
from app.entry.stream import Consumer
from app.wiring import Wired
from tests.support.builders import an_event, an_item, two_tastes, wired_on
from tests.support.call_recorder import Recorder
from tests.support.stream_records import NoSockets, a_record

QUERY = RecommendationQuery(limit=12)


@pytest.fixture
def learned(settings: Settings) -> Iterator[Wired]:
    """A model of items without records."""
    wired = wired_on(settings.model_copy(update={"list_ttl_seconds": 0.0, "key_ttl_seconds": 0.0}))
    wired.services.projects.create(settings.project, None, Limits())
    wired.services.events.accept(settings.project, two_tastes())
    wired.services.train.run(settings.project, wired.services.train.queue(settings.project))
    yield wired
    wired.close()


def ids(recommendations: RecommendationList) -> set[str]:
    return {recommendation.item_id for recommendation in recommendations.recommendations}


def everything(wired: Wired, project: str) -> set[str]:
    """Returns the items of all kinds of lists."""
    recommend = wired.services.recommend
    return (
        ids(recommend.for_user(project, "u2", QUERY))
        | ids(recommend.for_session(project, [an_event("", "i2")], QUERY))
        | ids(recommend.similar(project, "i2", QUERY))
        | ids(recommend.from_list(project, "popular", None, QUERY))
        | ids(recommend.for_user(project, "u2", replace(QUERY, filters=('item.id != "none"',))))
    )


class TestUnknownItems:
    def test_a_project_with_events_only_recommends_what_it_knows(self, learned: Wired, settings: Settings) -> None:
        listed = learned.services.recommend.for_user(settings.project, "u2", QUERY)

        assert {"neighbors"} <= {recommendation.source for recommendation in listed.recommendations}
        assert len(everything(learned, settings.project)) >= 10

    def test_with_a_catalog_an_item_is_recommended_when_it_has_a_record(
        self, learned: Wired, settings: Settings
    ) -> None:
        """Also if the items are imported after the events."""
        project = settings.project
        everything(learned, project)

        learned.services.items.put_many(project, [an_item("i3"), an_item("i4")])

        assert everything(learned, project) == {"i3", "i4"}
        learned.services.items.put_many(project, [an_item("i5")])
        assert everything(learned, project) == {"i3", "i4", "i5"}

    @pytest.mark.parametrize(("unknown_items", "listed"), [(True, True), (False, False)])
    def test_a_project_decides_for_itself(
        self,
        learned: Wired,
        settings: Settings,
        unknown_items: bool,  # noqa: FBT001 - a parameter
        listed: bool,  # noqa: FBT001 - a parameter
    ) -> None:
        learned.services.tuning.put(settings.project, unknown_items=unknown_items)
        if listed:
            learned.services.items.put_many(settings.project, [an_item("i3")])

        assert ("i4" in everything(learned, settings.project)) == listed

    def test_live_lists_leave_out_unknown_items(self, learned: Wired, settings: Settings) -> None:
        now, project = datetime.now(UTC), settings.project
        learned.services.items.put_many(project, [an_item("i3")])
        events = [Event(f"u{n}", item, "view", now, item) for n in range(3) for item in ("nowhere", "i3")]

        Consumer(learned.services, NoSockets()).apply([a_record(project, event) for event in events])

        for kind in ("popular", "trending"):
            assert "nowhere" not in ids(learned.services.recommend.from_list(project, kind, None, QUERY))
        assert ids(learned.services.recommend.from_list(project, "trending", None, QUERY)) == {"i3"}

    @pytest.mark.usefixtures("learned")
    def test_warm_instances_do_not_look_again_whether_there_is_a_catalog(self, settings: Settings) -> None:
        warm = wired_on(settings)
        warm.services.recommend.for_user(settings.project, "u2", replace(QUERY, limit=2))
        recorder = Recorder(warm.database)

        warm.services.recommend.for_user(settings.project, "u2", replace(QUERY, limit=2))

        assert [name for name, _, _ in recorder.calls] == ["Query"]
        warm.close()


class TestRankings:
    def test_hidden_items_are_left_out_unless_asked_for(self, learned: Wired, settings: Settings) -> None:
        learned.services.items.put_many(settings.project, [an_item("i3"), replace(an_item("i4"), hidden=True)])
        rank = learned.services.recommend.rank

        assert ids(rank(settings.project, "u2", ["i3", "i4", "new"], QUERY)) == {"i3", "new"}
        assert ids(rank(settings.project, "u2", ["i3", "i4"], QUERY, include_hidden=True)) == {"i3", "i4"}
