import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommender import packing

ids = st.from_regex(r"[A-Za-z0-9._:~|@-]{1,128}", fullmatch=True)


class TestPack:
    @given(st.dictionaries(ids, st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=120))
    def test_packed_rows_are_unpacked_in_order(self, weights: dict[str, float]) -> None:
        unpacked = packing.unpack(packing.pack(weights.items()))

        assert list(unpacked.items()) == list(weights.items())

    def test_a_weight_takes_four_bytes_plus_its_id(self) -> None:
        assert len(packing.pack([("ab", 1.0), ("cd", 2.0)])) == packing.HEADER.size + 2 * 4 + len("ab\ncd")


class TestUnpack:
    def test_an_unknown_format_is_refused(self) -> None:
        with pytest.raises(ValueError, match="unknown format"):
            packing.unpack(b"\x02" + packing.pack([("a", 1.0)])[1:])
