"""Parquet files as engines write them: numbers stay exact, and nothing is silently wrong."""

import gzip
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from tests.support.file_cases import Case, days, loads_pair, pairs, properties, table

CASES: dict[str, Case] = {
    "an index of pandas": Case(
        table(item_id=["tea"], price=[3], __index_level_0__=[7]), lambda records: properties(records) == [{"price": 3}]
    ),
    "items with an object called user": Case(
        table(item_id=["tea"], user=[{"id": "ann"}]), refused="has items and a column 'user'"
    ),
    "Parquet in gzip": Case(gzip.compress(table(item_id=["x"])), refused="a Parquet file packed with gzip"),
    "codes of Parquet that are decimals": Case(
        table(item_id=["x", "y"], code=[Decimal(98765432109876543210), Decimal(1)]),
        lambda records: properties(records) == [{"code": "98765432109876543210"}, {"code": "1"}],
    ),
    "decimals of Parquet that are prices": Case(
        table(
            item_id=["x", "y"],
            price=pa.array([Decimal("9.99"), Decimal("12345.6")], pa.decimal128(38, 9)),
            size=pa.array([Decimal(7), None], pa.decimal128(38, 0)),
        ),
        lambda records: properties(records) == [{"price": 9.99, "size": 7}, {"price": 12345.6}],
    ),
    "decimals of Parquet with more digits than a number has": Case(
        table(item_id=["x", "y"], share=[Decimal("0.12345678901234567890"), Decimal("0.5")]),
        lambda records: (
            properties(records) == [{"share": "0.12345678901234567890"}, {"share": "0.50000000000000000000"}]
        ),
    ),
    "ids of Parquet that are decimals": Case(
        table(user_id=pa.array([Decimal(12345678901234567890)], pa.decimal128(38, 9)), item_id=[Decimal("1.50")]),
        lambda records: pairs(records) == [("12345678901234567890", "1.50")],
    ),
    "integers of Parquet beyond 2^53": Case(
        table(
            user_id=[2**53 + 1],
            item_id=pa.array([2**64 - 1], pa.uint64()),
        ),
        lambda records: pairs(records) == [("9007199254740993", "18446744073709551615")],
    ),
    "integers of Parquet beyond 15 digits as properties": Case(
        table(item_id=["x", "y"], hash=pa.array([2**64 - 1, 5], pa.uint64()), size=[2**53 + 1, 5]),
        lambda records: (
            properties(records)
            == [{"hash": "18446744073709551615", "size": "9007199254740993"}, {"hash": "5", "size": "5"}]
        ),
    ),
    "floats of Parquet with 32 bits": Case(
        table(
            item_id=["x", "y"],
            price=pa.array([0.1, None], pa.float32()),
            vector=pa.array([[0.1, 1e-7], None], pa.list_(pa.float32(), 2)),
            size=pa.array([{"w": 0.3}, None], pa.struct([("w", pa.float32())])),
        ),
        lambda records: properties(records) == [{"price": 0.1, "vector": [0.1, 1e-7], "size": {"w": 0.3}}, {}],
    ),
    "ids of Parquet with 32 bits that are not exact": Case(
        table(user_id=pa.array([16_777_218.0, 3.0], pa.float32()), item_id=["tea", "tea"]),
        lambda records: pairs(records) == [("3", "tea")],
        ("user_id: 16777218.0 is a fraction",),
    ),
    "values of Parquet with 32 bits and decimals": Case(
        table(
            user_id=["ann", "bob"],
            item_id=["tea", "tea"],
            value=pa.array([0.1, 5], pa.float32()),
            timestamp=pa.array([Decimal("1700000000.250000"), Decimal(1700000000)], pa.decimal128(20, 6)),
        ),
        lambda records: [(r.value, r.timestamp.microsecond) for r in records] == [(0.1, 250_000), (5, 0)],
    ),
    "nanoseconds inside lists": Case(
        table(item_id=["x"], seen=pa.array([[1_700_000_000_123_456_789]], pa.list_(pa.timestamp("ns")))),
        lambda records: properties(records) == [{"seen": ["2023-11-14T22:13:20.123456"]}],
    ),
    "ids of Parquet that are floats and not exact": Case(
        table(user_id=[1e17, 3.0], item_id=["tea", "tea"]), lambda r: pairs(r) == [("3", "tea")], ("not exact",)
    ),
    "European dates of Parquet": Case(
        table(user_id=["ann"] * 2, item_id=["tea"] * 2, timestamp=["1/12/2010", "13/12/2010"]),
        lambda records: days(records) == [(12, 1), (12, 13)],
    ),
    "times of Parquet in nanoseconds": Case(
        table(user_id=["ann"], item_id=["tea"], timestamp=pa.array([1_700_000_000_123_456_789], pa.timestamp("ns"))),
        lambda records: records[0].timestamp.year == 2023,
    ),
    "ids of Parquet as bytes": Case(table(user_id=[b"ann"], item_id=[b"tea"]), loads_pair),
    "lists and objects of Parquet": Case(
        table(item_id=["x"], tags=[["a"]], size=[{"w": Decimal("1.5")}]),
        lambda records: properties(records) == [{"tags": ["a"], "size": {"w": 1.5}}],
    ),
    "maps": Case(
        table(
            item_id=["x"],
            sizes=pa.array(
                [[(1, {"w": Decimal("1.5")})]], pa.map_(pa.int64(), pa.struct([("w", pa.decimal128(5, 2))]))
            ),
        ),
        lambda records: properties(records) == [{"sizes": {"1": {"w": 1.5}}}],
    ),
    "a map with a key twice": Case(
        table(item_id=["x"], sizes=pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int64()))),
        refused="has a map with a key twice",
    ),
    "infinity": Case(
        table(item_id=["x"], size=[float("inf")]), rejects=("size: inf is or holds a number that is not",)
    ),
    "values inside lists of Parquet that JSON does not know": Case(
        table(item_id=["x", "y"], a=[[1.0], [float("nan")]], b=[{"c": [b"x"]}, None]),
        rejects=("b: {'c': [b'x']} is or holds binary data", "a: [nan] is or holds a number that is not finite"),
    ),
    "text of Parquet that is not UTF-8": Case(
        table(item_id=["x"], title=["quartz"]).replace(b"quartz", b"qu\xffrtz"), refused="cannot be read as Parquet"
    ),
}


@pytest.mark.parametrize("name", CASES)
class TestCases:
    def test_a_file_is_read_right_or_refused(self, tmp_path: Path, name: str) -> None:
        CASES[name].check(tmp_path)
