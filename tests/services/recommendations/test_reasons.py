"""Reasons are exact: their shares sum to the score, and their counterfactuals come true."""

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.recommendations import Diversity, RecommendationQuery
from app.services.models.rollout import Split
from app.wiring import Wired
from tests.support.builders import a_project, an_event, an_item
from tests.support.planted_models import plant, plant_recent
from tests.support.strategies import IDS, ROWS

_numbers = count(1)
RECENT_PARAMETERS = {"recent_exponent": 0.5, "recent_half_life_days": 1.0}
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(IDS),
        st.sampled_from(["view", "like", "purchase", "dislike", "hide", "impression", "rating"]),
        st.integers(0, 60),
    ),
    min_size=1,
    max_size=8,
)
BASKETS = st.dictionaries(
    st.sampled_from(IDS[:3]),
    st.tuples(
        st.dictionaries(st.sampled_from(IDS), st.tuples(st.floats(0.01, 1), st.integers(2, 9)), min_size=1, max_size=4),
        st.integers(9, 99),
    ),
    max_size=3,
)
QUERIES = st.builds(
    RecommendationQuery,
    limit=st.integers(1, 5),
    explain=st.just(True),
    include_seen=st.booleans(),
    filters=st.sampled_from([(), ("item.price > 1.0",)]),
    boost=st.sampled_from([None, "item.price"]),
    recommenders=st.sampled_from([("neighbors",), ("neighbors", "popular"), ("popular", "neighbors")]),
    diversity=st.sampled_from([None, Diversity(relevance=0.5), Diversity(property="price", max_per_value=1)]),
    impression_decay=st.sampled_from([None, 1.0]),
    context_item=st.sampled_from([None, "i0"]),
    cart=st.lists(st.sampled_from(IDS[:5]), max_size=3, unique=True).map(tuple),
    exploration=st.sampled_from([0.0, 0.4]),
)


class TestReasons:
    @given(
        table=ROWS,
        history=EVENTS,
        popular=st.dictionaries(st.sampled_from(IDS), st.integers(1, 9).map(float), max_size=4),
        query=QUERIES,
        other=st.one_of(st.none(), ROWS),
        compared=st.booleans(),
        share=st.sampled_from([None, 0.25]),
        recent=st.dictionaries(st.sampled_from(IDS), st.integers(1, 9).map(float), max_size=3),
        bought=BASKETS,
    )
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_shares_sum_to_the_score_and_counterfactuals_come_true(
        self,
        wired: Wired,
        table: dict[str, dict[str, float]],
        history: list[Any],
        popular: dict[str, float],
        query: RecommendationQuery,
        other: dict[str, dict[str, float]] | None,
        compared: bool,  # noqa: FBT001 - hypothesis gives it
        share: float | None,
        recent: dict[str, float],
        bought: dict[str, Any],
    ) -> None:
        """Also with two interleaved versions, new items, rows of two parts, recent popularity and carts."""
        project, recommend = f"reasons{next(_numbers)}", wired.services.recommend
        wired.services.items.put_many(
            project, [an_item(item_id, f"c{n % 3}", price=n % 4) for n, item_id in enumerate(IDS)]
        )
        a_project(wired, project)
        terms = {"category:c0": 1.0, "category:c1": 2.0, "i2": 1.5} if compared else {}
        version = plant(
            wired,
            project,
            "v1",
            table,
            popular,
            terms=terms,
            from_order=share,
            parameters=RECENT_PARAMETERS,
            bought=bought,
        )
        plant_recent(wired, project, recent)
        wired.services.rollout.activate(project, version)
        if other is not None:
            second = plant(wired, project, "v2", other, popular, terms=terms)
            wired.services.rollout.split(project, Split({second: 1.0}, interleaved=True))
        events = [
            an_event("ann", item, kind, minutes, value=3.0 if kind == "rating" else None)
            for item, kind, minutes in {(item, kind): (item, kind, minutes) for item, kind, minutes in history}.values()
        ]
        wired.services.events.accept(project, events)

        answer = recommend.for_user(project, "ann", query)

        for recommendation in answer.recommendations:
            if recommendation.reasons:
                assert abs(sum(reason.share for reason in recommendation.reasons) - 1.0) < 1e-6
                total = sum(reason.contribution for reason in recommendation.reasons)
                assert abs(total - recommendation.score) <= 1e-6 * max(1.0, abs(recommendation.score))
            popularity = recent.get(recommendation.item_id, 0.0)
            counts = recommendation.reasons and not recommendation.from_challenger
            assert recommendation.recent_factor == pytest.approx((1.0 + popularity) ** 0.5 if counts else 1.0)
            if not compared and other is None:
                counted = {reason.item_id for reason in recommendation.reasons if reason.baskets is not None}
                assert counted <= {*query.cart} & {*bought}
                assert {reason.from_order for reason in recommendation.reasons if not reason.baskets} <= {share}
            assert recommendation.item_id not in query.cart
            for reason in recommendation.reasons:
                if reason.event_id is None:  # the context item and the cart are not events
                    continue
                removed = next(event for event in events if event.event_id == reason.event_id)
                others = [event for event in events if event is not removed]
                without = recommend.for_session(project, others, query)
                retried = recommend.for_user(
                    project,
                    "ann",
                    RecommendationQuery(
                        **{**_fields(query), "without_events": frozenset({reason.event_id}), "explain": False}
                    ),
                )
                kept = recommendation.item_id in {other.item_id for other in retried.recommendations}
                assert reason.kept_without == kept
                if not query.exploration and other is None:  # both depend on the user
                    assert kept == (recommendation.item_id in {other.item_id for other in without.recommendations})


def _fields(query: RecommendationQuery) -> dict[str, Any]:
    return {name: getattr(query, name) for name in RecommendationQuery.__dataclass_fields__}
