import struct
from random import Random
from uuid import UUID

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

    def test_a_row_of_uuids_takes_two_thirds_and_one_of_numbered_ids_six_tenths(self) -> None:
        random = Random(1)
        uuids = [str(UUID(int=random.getrandbits(128))) for _ in range(100)]
        numbered = [f"sku-{random.randrange(20_000):05}" for _ in range(100)]

        for item_ids, share in ((uuids, 0.66), (numbered, 0.62)):
            rows = [(item_id, 1.0, 0.5) for item_id in item_ids]
            plain = packing.HEADER.size + 6 * len(rows) + len("\n".join(item_ids))
            assert len(packing.pack_parts(rows)) <= share * plain

    def test_a_weight_takes_four_bytes_and_at_most_its_id(self) -> None:
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
    @pytest.mark.parametrize("form", [b"\x00", b"\x04", b"\x84"])
    def test_an_unknown_format_is_refused(self, form: bytes) -> None:
        with pytest.raises(ValueError, match="unknown format"):
            packing.unpack(form + packing.pack([("a", 1.0)])[1:])

    def test_rows_of_an_earlier_release_whose_ids_are_not_compressed_can_be_read(self) -> None:
        ids, weights = b"item-1\nitem-2\nitem-3", struct.pack("<3f", 3.0, 2.0, 1.0)

        parts = packing.unpack(b"\x02" + struct.pack("<I", 3) + weights + struct.pack("<3e", 1.0, 0.5, 0.0) + ids)
        counts = packing.unpack(b"\x03" + struct.pack("<I", 3) + weights + struct.pack("<4I", 9, 5, 4, 3) + ids)

        assert parts == counts == {"item-1": 3.0, "item-2": 2.0, "item-3": 1.0}
        assert [parts.from_order(item_id) for item_id in parts] == [1.0, 0.5, 0.0]
        assert [counts.baskets(item_id) for item_id in counts] == [(5, 9), (4, 9), (3, 9)]

    def test_a_row_of_an_earlier_release_does_not_say_what_came_from_order(self) -> None:
        assert packing.unpack(packing.pack([("a", 1.0)])).from_order("a") is None

    def test_rows_share_the_text_of_equal_ids(self) -> None:
        packed = packing.pack([("item-1", 1.0)])

        assert next(iter(packing.unpack(packed))) is next(iter(packing.unpack(packed)))


class TestWithSimilar:
    def test_similar_items_come_from_similarity_and_replace_no_neighbor(self) -> None:
        row = packing.unpack(packing.pack_parts([("a", 1.0, 0.5)])).with_similar({"a": 9.0, "b": 2.0})

        assert row == {"a": 1.0, "b": 2.0}
        assert (row.from_order("a"), row.from_order("b")) == (0.5, 0.0)
