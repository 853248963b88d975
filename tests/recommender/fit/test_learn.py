import numpy as np
import pytest

from app.errors import NotEnoughData
from app.recommender import packing, ranking
from app.recommender.fit.evaluation import holdouts, metrics
from app.recommender.fit.interactions import gather
from app.recommender.fit.learn import chosen, fitted, learn
from tests.support import datasets
from tests.support.builders import an_event, two_tastes

RIDGES = 7
"""The start of the search, and its first group."""


def quiet(_phase: str, _progress: float) -> None: ...


class TestLearn:
    def test_items_of_one_taste_become_neighbors(self) -> None:
        learned = learn(two_tastes(), neighbors=10, memory_bytes=2**30, report=quiet)

        row = packing.unpack(dict(learned.packed_rows())["i0"])

        assert {int(item[1:]) % 2 for item, weight in row.items() if weight > 0.05} == {0}
        assert learned.metrics["ndcg"] > 0.5

    def test_serving_scores_are_the_matrix_product(self) -> None:
        events = two_tastes()
        learned = learn(events, neighbors=6, memory_bytes=2**30, report=quiet)
        unpacked = {item: packing.unpack(packed) for item, packed in learned.packed_rows()}
        x = gather(events)

        product = (x.matrix() @ learned.model).toarray()
        served = ranking.scores([(1.0, unpacked[e.item_id]) for e in events if e.user_id == "u3"])

        expected = dict(zip(x.item_ids, product[x.user_ids.index("u3")], strict=True))
        assert {item: served.get(item, 0.0) for item in x.item_ids} == pytest.approx(expected, abs=1e-5)

    def test_the_order_of_events_does_not_matter(self) -> None:
        events = two_tastes()

        first = dict(learn(events, neighbors=6, memory_bytes=2**30, report=quiet).packed_rows())
        second = dict(learn(events[::-1] + events, neighbors=6, memory_bytes=2**30, report=quiet).packed_rows())

        assert first == second

    @pytest.mark.parametrize(
        "events",
        [[], [an_event(item_id="a"), an_event(item_id="b")], [an_event("ann"), an_event("bob")]],
        ids=["no events", "one user", "one item"],
    )
    def test_training_needs_two_users_and_two_items(self, events: list[object]) -> None:
        with pytest.raises(NotEnoughData, match="at least 2 users on 2 items"):
            learn(events, neighbors=10, memory_bytes=2**30, report=quiet)  # type: ignore[arg-type]


class TestPopular:
    def test_lists_count_users_by_category(self) -> None:
        events = [an_event(user, item) for user, item in (("a", "x"), ("b", "x"), ("c", "y"), ("a", "y"), ("d", "x"))]
        learned = learn(events, neighbors=6, memory_bytes=2**30, report=quiet)

        lists = {name: packing.unpack(packed) for name, packed in learned.popular({"y": ("hot",)})}

        assert lists == {"": {"x": 3.0, "y": 2.0}, "hot": {"y": 2.0}}


class TestNewest:
    def test_each_users_newest_fifth_is_held_out(self) -> None:
        x = gather([an_event("a", f"i{n:02d}", minutes=n) for n in range(10)] + [an_event("b", "i01")])

        held = holdouts.newest(x)

        assert [x.item_ids[item] for item in x.items[held]] == ["i08", "i09"]


class TestQualityFloor:
    @pytest.mark.skipif(not datasets.MOVIETWEETINGS.exists(), reason=f"there is no {datasets.MOVIETWEETINGS}")
    def test_movietweetings_reaches_the_design_table(self) -> None:
        """Chooses ridge and solver from the training part only; `make bench` searches them all on both data sets."""
        x = gather(an_event(user, item, minutes=time / 60) for user, item, time in datasets.movietweetings())
        held = holdouts.at_random(x, 0)
        train = x.taken(~held)

        tried: list[float] = []
        choice = chosen(
            train,
            neighbors=100,
            memory_bytes=2**30,
            report=lambda _phase, done: tried.append(done),
            holdout=holdouts.RANDOM,
            seed=1,
            is_over=lambda: len(tried) >= RIDGES,
        )
        learned = fitted(train, choice, neighbors=100, report=quiet)
        history = train.aged(choice.recency.half_life_days)
        quality = metrics.quality(history, learned.model, train.matrix(), x.matrix(held), 20)

        assert quality.ndcg >= 0.202
        assert np.isfinite(learned.model.data).all()
