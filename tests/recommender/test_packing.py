import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommender import packing

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
ids = st.from_regex(r"[A-Za-z0-9._:~|@-]{1,128}", fullmatch=True)


class TestPack:
    @given(st.dictionaries(ids, floats, max_size=120))
    def test_packed_rows_are_unpacked_in_order(self, weights: dict[str, float]) -> None:
        unpacked = packing.unpack(packing.pack(weights.items()))

        assert list(unpacked.items()) == list(weights.items())

    def test_a_weight_takes_four_bytes_plus_its_id(self) -> None:
        assert len(packing.pack([("ab", 1.0), ("cd", 2.0)])) == packing.HEADER.size + 2 * 4 + len("ab\ncd")


class TestPackParts:
    @given(st.dictionaries(ids, st.tuples(floats, st.floats(0, 1))))
    def test_a_row_keeps_its_weights_and_which_share_of_each_came_from_order(
        self, neighbors: dict[str, tuple[float, float]]
    ) -> None:
        rows = [(item_id, weight, weight * share) for item_id, (weight, share) in neighbors.items()]

        row = packing.unpack(packing.pack_parts(rows))

        assert list(row.items()) == [(item_id, weight) for item_id, weight, _ in rows]
        for item_id, weight, part in rows:
            assert row.from_order(item_id) == pytest.approx(part / weight if weight else 0.0, abs=2**-11)

    def test_a_part_takes_two_bytes(self) -> None:
        assert len(packing.pack_parts([("a", 1.0, 0.5)])) == len(packing.pack([("a", 1.0)])) + 2

    @pytest.mark.parametrize(("weight", "part", "share"), [(2.0, 3.0, 1.0), (2.0, -1.0, 0.0), (1e-9, 1.0, 1.0)])
    def test_the_stronger_of_two_opposite_parts_counts_as_all(self, weight: float, part: float, share: float) -> None:
        assert packing.unpack(packing.pack_parts([("a", weight, part)])).from_order("a") == share


class TestPackCounts:
    @given(st.dictionaries(ids, st.tuples(floats, st.integers(0, 2**32 - 1))), st.integers(0, 2**32 - 1))
    def test_a_row_keeps_its_weights_and_counts(self, neighbors: dict[str, tuple[float, int]], baskets: int) -> None:
        rows = [(item_id, weight, count) for item_id, (weight, count) in neighbors.items()]

        row = packing.unpack(packing.pack_counts(rows, baskets))

        assert [(item_id, weight, row.baskets(item_id)) for item_id, weight in row.items()] == [
            (item_id, weight, (count, baskets)) for item_id, weight, count in rows
        ]
        assert all(row.from_order(item_id) is None for item_id in row)

    def test_other_rows_have_no_counts(self) -> None:
        assert packing.unpack(packing.pack_parts([("a", 1.0, 0.5)])).baskets("a") is None


class TestUnpack:
    def test_an_unknown_format_is_refused(self) -> None:
        with pytest.raises(ValueError, match="unknown format"):
            packing.unpack(b"\x04" + packing.pack([("a", 1.0)])[1:])

    def test_a_row_of_an_earlier_release_does_not_say_what_came_from_order(self) -> None:
        assert packing.unpack(packing.pack([("a", 1.0)])).from_order("a") is None


class TestWithSimilar:
    def test_similar_items_come_from_similarity_and_replace_no_neighbor(self) -> None:
        row = packing.unpack(packing.pack_parts([("a", 1.0, 0.5)])).with_similar({"a": 9.0, "b": 2.0})

        assert row == {"a": 1.0, "b": 2.0}
        assert (row.from_order("a"), row.from_order("b")) == (0.5, 0.0)
