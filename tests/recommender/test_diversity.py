from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.domain.recommendations import Diversity
from app.recommender import diversity
from app.recommender.diversity import Caps
from tests.support.builders import an_item

FEATURES = st.frozensets(st.sampled_from("abcdef"), max_size=4)
SCORES = st.floats(0, 10).map(
    lambda score: round(score, 6)
)  # division makes numbers equal that differ by less than that
CANDIDATES = st.lists(st.tuples(SCORES, FEATURES), max_size=8)


class TestMostMarginal:
    @given(CANDIDATES, st.lists(FEATURES, max_size=2), st.floats(0, 1), st.integers(0, 8))
    def test_each_is_the_best_of_those_left_by_the_definition(
        self, candidates: list[tuple[float, frozenset[str]]], chosen: list[frozenset[str]], trade: float, count: int
    ) -> None:
        scores = [score for score, _ in candidates]
        features = [one for _, one in candidates]

        order = diversity.most_marginal(scores, features, chosen, trade, count)

        def marginal(at: int, before: list[int]) -> float:
            others = [*chosen, *(features[one] for one in before)]
            alike = max((diversity.similarity(features[at], other) for other in others), default=0.0)
            return trade * scores[at] / (max(scores) or 1.0) - (1 - trade) * alike

        assert len(order) == min(count, len(candidates)) == len(set(order))
        for place, at in enumerate(order):
            left = [one for one in range(len(candidates)) if one not in order[:place]]
            assert at == max(left, key=lambda one: (marginal(one, order[:place]), -one))

    @given(CANDIDATES)
    def test_relevance_alone_is_the_order_of_the_scores(self, candidates: list[tuple[float, frozenset[str]]]) -> None:
        scores = [score for score, _ in candidates]

        order = diversity.most_marginal(scores, [one for _, one in candidates], [], 1.0, len(scores))

        assert [scores[at] for at in order] == sorted(scores, reverse=True)


class TestCaps:
    @given(st.lists(st.lists(st.sampled_from("abc"), max_size=2, unique=True), max_size=12), st.integers(1, 3))
    def test_no_value_comes_more_often_than_it_may(self, categories: list[list[str]], most: int) -> None:
        caps = Caps(Diversity(property="categories", max_per_value=most))

        admitted = [one for one in categories if caps.admits(an_item("i", *one))]

        assert all(count <= most for count in Counter(value for one in admitted for value in one).values())
        for refused in (one for one in categories if one not in admitted):
            assert any(Counter(value for one in admitted for value in one)[value] >= most for value in refused)

    def test_items_without_the_property_are_not_counted(self) -> None:
        caps = Caps(Diversity(property="brand", max_per_value=1))

        assert [caps.admits(an_item(brand=brand)) for brand in ("x", "x", None, None)] == [True, False, True, True]
        assert caps.admits(None)
