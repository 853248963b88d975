import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from app.recommender.fit.evaluation.trial import DENSE, LOCAL
from app.recommender.fit.gram import BLOCK_ITEMS
from app.recommender.fit.interactions import Interactions
from app.recommender.fit.order import DECAY, HALF_LIFE_DAYS, SAME, transition_blocks, transitions
from app.recommender.fit.parameter_search import fitted
from app.recommender.fit.solver import Parameters, Regression, normalized
from tests.support.matrices import timed_interactions


def parts(x: Interactions, parameters: Parameters, name: str) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """The part of similarity and that of order of all weights."""
    rows = fitted(x, parameters, name, 100)
    assert rows.order is not None
    return rows.final - rows.order, rows.order


MIXED = Parameters(0.25, 0.3, 2.0, recent_pairs=2.0, order_share=0.4, discount=0.2)
DAY = 86_400.0


def reference(x: Interactions, normal: np.ndarray, recent_pairs: float) -> np.ndarray:
    """K by its definition: pairs of every user's entries, one after the other."""
    result = np.zeros((len(x.item_ids), len(x.item_ids)))
    for user in range(len(x.user_ids)):
        own = np.flatnonzero(x.users == user)
        moments = np.unique(x.times[own])
        for earlier in own:
            for later in own:
                steps = np.searchsorted(moments, x.times[later]) - np.searchsorted(moments, x.times[earlier])
                if earlier != later and 0 <= steps <= 20:
                    pair = x.items[earlier], x.items[later]
                    weight = DECAY ** (steps - 1) if steps else SAME
                    weight *= 1 + recent_pairs * 2 ** ((x.times[later] - x.times.max()) / DAY / HALF_LIFE_DAYS)
                    result[pair] += weight * normal[user, pair[0]] * normal[user, pair[1]]
    return result


def peak_bytes(blocks: int) -> int:
    """What counting pairs takes at most, of histories of 20 moments with blocks of items used 10 times each."""
    items, users = blocks * BLOCK_ITEMS, blocks * BLOCK_ITEMS // 2
    user, item = np.repeat(np.arange(users), 20), np.random.default_rng(0).permutation(np.tile(np.arange(items), 10))
    times = np.tile(np.arange(20.0), users)
    x = Interactions([""] * users, [""] * items, user, item, np.ones(len(user)), times)
    normal, _ = normalized(x.matrix(), Regression(0.25, 0.25, 1.0))
    tracemalloc.start()
    for _ in transition_blocks(x, normal):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


class TestTransitions:
    @given(st.integers(0, 50), st.sampled_from([1, 3, 1_000]), st.sampled_from([0.0, 3.0]))
    def test_pairs_are_counted_from_earlier_to_later(self, seed: int, moments: int, recent_pairs: float) -> None:
        x = timed_interactions(seed, users=8, items=30, moments=moments)
        x = replace(x, times=x.times * DAY / 10)
        normal, _ = normalized(x.matrix(), Regression(0.25, 0.25, 1.0))

        counted = transitions(x, normal, recent_pairs).toarray()

        assert counted == pytest.approx(reference(x, normal.toarray(), recent_pairs))

    def test_parts_of_the_users_add_up_if_ages_count_from_the_same_time(self) -> None:
        x = timed_interactions(3)
        x = replace(x, times=x.times * DAY / 10)
        normal, _ = normalized(x.matrix(), Regression(0.25, 0.25, 1.0))

        halves = [
            sparse.vstack([block for _, block in transition_blocks(x.taken(half), normal, 3.0, x.times.max())])
            for half in (x.users < 15, x.users >= 15)
        ]

        assert sum(halves).toarray() == pytest.approx(transitions(x, normal, 3.0).toarray())

    def test_with_one_time_for_all_they_are_a_share_of_the_gram_matrix(self) -> None:
        x = timed_interactions(moments=1)
        normal, _ = normalized(x.matrix(), Regression(0.0, 0.0, 1.0))
        expected = (normal.T @ normal).toarray()
        np.fill_diagonal(expected, 0.0)

        assert transitions(x, normal).toarray() == pytest.approx(SAME * expected)

    def test_a_catalog_four_times_as_large_does_not_take_twice_the_memory(self) -> None:
        """With all pairs of histories in memory, a million items took more than 21 GB."""
        small, large = peak_bytes(blocks=2), peak_bytes(blocks=8)

        assert large < 2 * small


@pytest.mark.parametrize("name", [DENSE, LOCAL])
class TestOrder:
    def test_reversing_all_times_changes_only_the_part_of_order(self, name: str) -> None:
        x = timed_interactions(4)

        similarity, order = parts(x, MIXED, name)
        reversed_similarity, reversed_order = parts(replace(x, times=-x.times), MIXED, name)

        assert similarity.toarray() == pytest.approx(reversed_similarity.toarray(), abs=1e-6)
        assert abs(order - reversed_order).max() > 0.01

    def test_the_sequence_of_simultaneous_events_does_not_matter(self, name: str) -> None:
        x = timed_interactions(5, moments=3)
        place = np.random.default_rng(1).permutation(len(x))
        shuffled = replace(x, users=x.users[place], items=x.items[place], times=x.times[place])

        for part, other in zip(parts(x, MIXED, name), parts(shuffled, MIXED, name), strict=True):
            assert part.toarray() == pytest.approx(other.toarray(), abs=1e-6)

    def test_without_order_the_weights_are_those_of_similarity(self, name: str) -> None:
        x = timed_interactions(6)
        plain = Parameters(0.25, 0.3, 2.0)

        rows = fitted(x, plain, name, 100)
        half, _ = parts(x, replace(plain, order_share=0.5), name)

        assert rows.order is None
        assert 2 * half.toarray() == pytest.approx(rows.final.toarray(), abs=1e-5)
