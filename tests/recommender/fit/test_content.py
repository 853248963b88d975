import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.items import Item
from app.recommender import packing
from app.recommender.content import LEAST_COSINE
from app.recommender.fit import content
from app.recommender.fit.learn import learn
from tests.support.builders import an_item, two_tastes
from tests.support.strategies import DESCRIBED_ITEMS


class TestTfIdf:
    @given(DESCRIBED_ITEMS)
    def test_rows_have_length_one_or_zero(self, items: list[Item]) -> None:
        vectors = content.tf_idf([*items, None])

        lengths = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
        assert all(length == pytest.approx(1, abs=1e-5) or length == 0 for length in lengths)
        assert lengths[-1] == 0


class TestWeights:
    @given(DESCRIBED_ITEMS, st.lists(st.integers(0, 40), min_size=9, max_size=9), st.floats(0.1, 3))
    def test_each_weight_is_the_cosine_scaled_by_the_stronger_items_strength(
        self, items: list[Item], users: list[int], scale: float
    ) -> None:
        vectors = content.tf_idf(items)
        counts = np.array(users[: len(items)], dtype=float)
        strength = 1 / (2 + counts)
        strength[strength < content.LEAST_STRENGTH] = 0
        cosines = (vectors @ vectors.T).toarray()
        expected = scale * np.maximum(strength[:, None], strength[None, :]) * cosines
        expected[cosines < LEAST_COSINE] = 0
        np.fill_diagonal(expected, 0)

        actual = content.weights(vectors, counts, scale).toarray()

        assert actual == pytest.approx(expected, abs=1e-5)


class TestWithContent:
    def test_an_item_without_events_gets_neighbors_and_is_a_neighbor(self) -> None:
        items = {f"i{n}": an_item(f"i{n}", "even" if n % 2 == 0 else "odd") for n in range(12)}
        items["new"] = an_item("new", "odd")
        items["alien"] = an_item("alien", "nothing like it")
        learned = learn(two_tastes(), neighbors=10, memory_bytes=2**30, report=lambda *_: None)

        mixed = {name: packing.unpack(packed) for name, packed in learned.with_content(items).packed_rows()}

        assert {int(item_id[1:]) % 2 for item_id in mixed["new"]} == {1}
        assert "alien" not in mixed["new"]
        assert all("new" in mixed[f"i{n}"] for n in range(1, 12, 2))
        assert not any("new" in mixed[f"i{n}"] for n in range(0, 12, 2))
        assert "alien" not in mixed
