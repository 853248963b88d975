from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.domain.recommendations import Diversity
from app.recommender import diversity
from app.recommender.diversity import Caps
from tests.support.builders import an_item

FEATURES = st.frozensets(st.sampled_from("abcdef"), max_size=4)
SCORES = st.floats(0, 10).map(lambda score: round(score, 6))  # division rounds away smaller differences
CANDIDATES = st.lists(st.tuples(SCORES, FEATURES), max_size=8)


class TestMostMarginal:
    @given(CANDIDATES, st.lists(FEATURES, max_size=2), st.floats(0, 1), st.integers(0, 8))
    def test_each_choice_is_the_best_remaining_by_definition(
        self, candidates: list[tuple[float, frozenset[str]]], chosen: list[frozenset[str]], trade: float, count: int
    ) -> None:
        scores = [score for score, _ in candidates]
        features = [item_features for _, item_features in candidates]

        order = diversity.most_marginal(scores, features, chosen, trade, count)

        def marginal(at: int, before: list[int]) -> float:
            others = [*chosen, *(features[index] for index in before)]
            alike = max((diversity.similarity(features[at], other) for other in others), default=0.0)
            return trade * scores[at] / (max(scores) or 1.0) - (1 - trade) * alike

        assert len(order) == min(count, len(candidates)) == len(set(order))
        for position, at in enumerate(order):
            remaining = [index for index in range(len(candidates)) if index not in order[:position]]
            assert at == max(remaining, key=lambda index: (marginal(index, order[:position]), -index))

    @given(CANDIDATES)
    def test_relevance_alone_gives_the_order_of_scores(self, candidates: list[tuple[float, frozenset[str]]]) -> None:
        scores = [score for score, _ in candidates]

        order = diversity.most_marginal(scores, [features for _, features in candidates], [], 1.0, len(scores))

        assert [scores[at] for at in order] == sorted(scores, reverse=True)


class TestCaps:
    @given(st.lists(st.lists(st.sampled_from("abc"), max_size=2, unique=True), max_size=12), st.integers(1, 3))
    def test_no_value_exceeds_its_cap(self, categories: list[list[str]], most: int) -> None:
        caps = Caps(Diversity(property="categories", max_per_value=most))

        admitted = [item_categories for item_categories in categories if caps.admits(an_item("i", *item_categories))]

        assert all(
            count <= most
            for count in Counter(value for item_categories in admitted for value in item_categories).values()
        )
        for refused in (item_categories for item_categories in categories if item_categories not in admitted):
            assert any(
                Counter(value for item_categories in admitted for value in item_categories)[value] >= most
                for value in refused
            )

    def test_items_without_the_property_are_not_counted(self) -> None:
        caps = Caps(Diversity(property="brand", max_per_value=1))

        assert [caps.admits(an_item(brand=brand)) for brand in ("x", "x", None, None)] == [True, False, True, True]
        assert caps.admits(None)
