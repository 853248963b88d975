import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommender import ranking

names = st.sampled_from("abcdefgh")
weights = st.floats(-2, 2, width=32)
rows_of_items = st.dictionaries(names, st.dictionaries(names, weights, max_size=6), max_size=6)
evidence = st.floats(-2, -0.125, width=32) | st.floats(0.125, 3, width=32)
histories = st.dictionaries(names, evidence, max_size=6).map(lambda history: list(history.items()))


def term(weight: float, value: float) -> float:
    """The contribution of a past event; a negative event can only subtract."""
    return weight * value if weight > 0 else min(0.0, weight * value)


def sources(
    history: list[tuple[str, float]], rows: dict[str, dict[str, float]]
) -> list[tuple[float, dict[str, float]]]:
    return [(weight, rows.get(item_id, {})) for item_id, weight in history]


class TestScores:
    @given(histories, rows_of_items)
    def test_the_score_is_the_sum_over_the_history(
        self, history: list[tuple[str, float]], rows: dict[str, dict[str, float]]
    ) -> None:
        scores = ranking.scores(sources(history, rows))

        for item in "abcdefgh":
            expected = sum(term(weight, rows.get(source, {}).get(item, 0.0)) for source, weight in history)
            assert scores.get(item, 0.0) == pytest.approx(expected, abs=1e-9)


class TestRanked:
    def test_items_are_ranked_by_score_then_id_without_excluded_and_unscored_ones(self) -> None:
        ranked = ranking.ranked({"b": 1.0, "a": 1.0, "c": 2.0, "d": 0.0, "e": -1.0, "x": 9.0}, {"x"})

        assert ranked == [("c", 2.0), ("a", 1.0), ("b", 1.0)]


class TestShares:
    @given(histories, rows_of_items, names)
    def test_shares_sum_to_one_and_reproduce_each_term(
        self, history: list[tuple[str, float]], rows: dict[str, dict[str, float]], item: str
    ) -> None:
        score = ranking.scores(sources(history, rows)).get(item, 0.0)
        shares = ranking.shares(item, sources(history, rows))

        if abs(score) > 1e-3:
            assert sum(share for _, share in shares) == pytest.approx(1.0)
            for place, share in shares:
                source, weight = history[place]
                assert share * score == pytest.approx(term(weight, rows[source][item]), abs=1e-6)

    def test_an_empty_history_gives_no_shares(self) -> None:
        assert ranking.shares("a", []) == []
