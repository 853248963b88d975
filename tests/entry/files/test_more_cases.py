"""Siblings of the files in `shared/cases`, made up afterwards: each is read right or refused, none silently wrong."""

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from app.entry.files.reader import Options
from app.entry.files.rows import FileError
from tests.support.files import read, written

EVENTS = "user_id,item_id\nann,tea\n"
PAIR = [("ann", "tea")]


@dataclass
class Case:
    """A file with what is read from it, and what is rejected or refused."""

    content: str | bytes
    holds: Callable[[list[Any]], bool] = lambda records: not records
    rejects: tuple[str, ...] = ()
    """A part of each reason."""
    refused: str = ""
    """A part of the error."""
    options: Options = field(default_factory=Options)


def pairs(records: list[Any]) -> list[tuple[str, str]]:
    return [(record.owner, record.item_id) for record in records]


def loads_pair(records: list[Any]) -> bool:
    return pairs(records) == PAIR


def properties(records: list[Any]) -> list[Any]:
    return [record.properties for record in records]


def days(records: list[Any]) -> list[tuple[int, int]]:
    return [(record.timestamp.month, record.timestamp.day) for record in records]


def table(**columns: Any) -> bytes:
    """A Parquet file."""
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue().to_pybytes())


def zstd(text: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(text.encode())
    return bytes(sink.getvalue().to_pybytes())


CASES: dict[str, Case] = {
    "pipes": Case("user_id|item_id\nann|tea\n", loads_pair),
    "a tab in a .csv": Case("user_id\titem_id\nann\ttea\n", loads_pair),
    "Windows lines and a byte order mark": Case("\ufeffuser_id,item_id\r\nann,tea\r\n", loads_pair),
    "UTF-16 of Excel": Case("user_id\titem_id\nann\ttea\n".encode("utf-16"), loads_pair),
    "a delimiter that is named for Excel": Case("sep=;\r\nuser_id;item_id\r\nann;tea\r\n", loads_pair),
    "a delimiter that no file has": Case('\ufeff"SEP=^"\nuser_id^item_id\nann^tea\n', loads_pair),
    "a tab that is named": Case("sep=\\t\nuser_id\titem_id\nann\ttea\n", loads_pair),
    "a named delimiter and a bad row": Case("sep=,\nuser_id,item_id\nann,tea\nbob\n", loads_pair, ("1 field, 2",)),
    "a column called sep": Case("sep=x,item_id\n1,tea\n", lambda r: properties(r) == [{"sep=x": 1}]),
    "names in a comment": Case("# user_id,item_id\nann,tea\n", loads_pair),
    "comment lines": Case(
        "# Exported on 2026-01-31, by us\n#\n\nuser_id,item_id\nann,tea\n",
        refused=r"begins with '# Exported on 2026-01-31, by us', which names no columns.*tail -n \+4 FILE",
    ),
    "a title before the names": Case(
        "Sales report\n\nuser_id;item_id\nann;tea\n", refused=r"begins with 'Sales report'.*tail -n \+3 FILE"
    ),
    "a file of one column that is not ours": Case("name\nann\nbob\n", refused="has no column item_id; it has name"),
    "no line end at the end": Case("user_id,item_id\nann,tea", loads_pair),
    "gzip": Case(gzip.compress(EVENTS.encode()), loads_pair),
    "two gzip members": Case(gzip.compress(b"user_id,item_id\n") + gzip.compress(b"ann,tea\n"), loads_pair),
    "zstd": Case(zstd(EVENTS), loads_pair),
    "bzip2": Case(bz2.compress(EVENTS.encode()), loads_pair),
    "xz": Case(lzma.compress(EVENTS.encode()), loads_pair),
    "gzip cut short": Case(gzip.compress(EVENTS.encode() * 99)[:-12], refused="cannot be unpacked"),
    "quoted names": Case('"user_id", "item_id"\n"ann", "tea"\n', loads_pair),
    "names in capitals with spaces": Case("User ID,Item-ID\nann,tea\n", loads_pair),
    "an index column without a name": Case(",user_id,item_id\n0,ann,tea\n", loads_pair),
    "trailing separators": Case("user_id,item_id,,\nann,tea,,\n,,,\n", loads_pair),
    "the same name twice after stripping": Case("user_id,item_id, item_id\na,b,c\n", refused="more than one column"),
    "two spellings of a field": Case(
        "user_id,item_id,timestamp,TimeStamp\nann,tea,1,2\n",
        refused="'timestamp' and 'TimeStamp' both stand for timestamp.*--map timestamp=timestamp",
    ),
    "two spellings in JSON": Case(
        '{"item_id": "a"}\n' * 99 + '{"itemId": "b"}\n', refused="'item_id' and 'itemId' both stand for item_id"
    ),
    "two spellings and a mapping": Case(
        "user_id,item_id,ItemID\nann,1,tea\n", loads_pair, options=Options(mapping={"item_id": "ItemID"})
    ),
    "two ratings": Case("user_id,item_id,Rating,rating\nann,tea,5,1\n", refused="both stand for value.*value=Rating"),
    "two spellings of a property": Case(
        "item_id,Price,price\na,1,2\n", lambda records: properties(records) == [{"Price": 1, "price": 2}]
    ),
    "a mapped property and a column of its name": Case(
        "item_id,price,UnitPrice\na,1,2\n",
        lambda records: properties(records) == [{"price": 2}],
        options=Options(mapping={"properties.price": "UnitPrice"}),
    ),
    "a mapped property and a key of its name": Case(
        '{"item_id": "a", "cost": 2, "price": 1}\n{"item_id": "b", "price": 3}\n',
        lambda records: properties(records) == [{"price": 2}, {}],
        options=Options(mapping={"properties.price": "cost"}),
    ),
    "a property in its own column and in properties": Case(
        'item_id,price,properties\na,1,"{""price"": 2}"\nb,1,"{""price"": 1}"\nc,,"{""price"": 3}"\n',
        lambda records: properties(records) == [{"price": 1}, {"price": 3}],
        ("price: 1 differs from the price in properties, 2",),
    ),
    "a name twice in a JSON object": Case(
        '{"item_id": "a", "price": 1, "price": 2}\n{"item_id": "b", "url": "a\\":b", "time": "10:00"}\n'
        '{"item_id": "c", "properties": {"size": 1, "size" :2}}\n',
        lambda records: properties(records) == [{"url": 'a":b', "time": "10:00"}],
        ("an object has the name 'price' twice", "an object has the name 'size' twice"),
    ),
    "the header again among the rows": Case(
        'item_id,title,price\nx,Tea,3\n"item_id", title,price\ny,Jam,4\n\ufeffitem_id,title,price\n',
        lambda records: [(r.item_id, r.properties) for r in records] == [("x", {"price": 3}), ("y", {"price": 4})],
    ),
    "a row that has one name of the header": Case(
        "item_id,title\nitem_id,Tea\n", lambda records: [record.item_id for record in records] == ["item_id"]
    ),
    "two delimiters": Case(
        "user_id,item_id;event_type\nann,tea;view\n", refused="'item_id;event_type' in its header. Use one delimiter"
    ),
    "ticks of .NET and Windows": Case(
        "user_id,item_id,timestamp\nann,tea,638355968000000000\nann,tea,133500000000000000\n",
        rejects=("may be ticks of Windows or .NET", "may be ticks"),
    ),
    "no header, but text": Case(
        '7,"Skyrim",play,1.0\n', refused="no column item_id.* If the first line is data, write the names of the columns"
    ),
    "no header": Case("1,2,3\n4,5,6\n", refused="no header line"),
    "an unknown item column": Case("user_id,sku,price\nann,tea,1\n", refused="--map item_id=sku"),
    "an unknown user column": Case(
        "customer,item_id,timestamp\nann,tea,1700000000\n", refused="--map user_id=customer"
    ),
    "sales without a time": Case("item_id,buyer,price\ntea,ann,3\n", refused="--map user_id=buyer.*--kind items"),
    "sales with the id of a customer": Case(
        '{"item_id": "tea", "Customer ID": 7, "quantity": 1}\n', refused="--map 'user_id=Customer ID'"
    ),
    "items with an object called user": Case(
        table(item_id=["tea"], user=[{"id": "ann"}]), refused="has items and a column 'user'"
    ),
    "sales without a time as events": Case(
        "item_id,buyer,price\ntea,ann,3\n", loads_pair, options=Options(mapping={"user_id": "buyer"})
    ),
    "items with a buyer": Case(
        "item_id,buyer\ntea,ann\n", lambda r: properties(r) == [{"buyer": "ann"}], options=Options("items")
    ),
    "Parquet in gzip": Case(gzip.compress(table(item_id=["x"])), refused="a Parquet file packed with gzip"),
    "a score without an item": Case("user_id,score\nann,3\n", refused="no column item_id"),
    "users": Case("user_id,country\nann,NL\n", lambda records: properties(records) == [{"country": "NL"}]),
    "items with an average rating": Case(
        "item_id,rating\ntea,4.5\n", lambda records: properties(records) == [{"rating": 4.5}]
    ),
    "events with titles": Case("user_id,item_id,title\nann,tea,Tea\n", refused="--kind events,items"),
    "events with titles, asked": Case(
        "user_id,item_id,title\nann,tea,Tea\n",
        lambda records: pairs(records[:1]) == PAIR and records[1].title == "Tea",
        options=Options("events,items"),
    ),
    "events with properties of items": Case(
        'user_id,item_id,title,properties\nann,tea,Tea,"{""price"": 2}"\n',
        lambda records: pairs(records[:1]) == PAIR and properties(records[1:]) == [{"price": 2}],
        options=Options("events,items"),
    ),
    "a score with a type": Case(
        "user_id,item_id,event_type,score\nann,tea,stars,3\n",
        lambda records: [(record.event_type, record.value) for record in records] == [("stars", 3)],
    ),
    "a quote that closes in a later row": Case(
        'item_id,title\na,"5 inch\nb,"Hose"\nc,Tap\n', refused=r"line 2: a quote \(\"\) opens here"
    ),
    "a quote that opens in the last row": Case('item_id,title\na,Pipe\nb,"5 inch\n', refused="line 3: a quote"),
    "a quote that opens behind one that is closed": Case(
        'item_id,title,note\na,"Two\nlines","oops\nb,c,d\n', refused="line 3: a quote"
    ),
    "inches inside a cell": Case(
        'item_id,title\na,Pipe 5"\nb,Hose\n',
        lambda records: [record.title for record in records] == ['Pipe 5"', "Hose"],
    ),
    "text after a quote": Case(
        'item_id,title\na,"5" pipe\nb,Hose\n',
        lambda records: [record.item_id for record in records] == ["b"],
        ("quote",),
    ),
    "too many fields": Case("user_id,item_id\nann,tea,hot\nann,tea\n", loads_pair, ("3 fields, 2 are expected",)),
    "codes": Case(
        "item_id,a,b,c,d\nx,007,1E10,12345678901234567890123,1\ny,008,2E10,1,2\n",
        lambda records: (
            properties(records)
            == [
                {"a": "007", "b": "1E10", "c": "12345678901234567890123", "d": 1},
                {"a": "008", "b": "2E10", "c": "1", "d": 2},
            ]
        ),
    ),
    "one code among numbers": Case(
        "item_id,size\nx,1\ny,2\nz,XL\n",
        lambda records: properties(records) == [{"size": "1"}, {"size": "2"}, {"size": "XL"}],
    ),
    "numbers with gaps and fractions": Case(
        "item_id,size\nx,1\ny,NA\nz,2.5\n",
        lambda records: (
            properties(records) == [{"size": 1.0}, {}, {"size": 2.5}]
            and isinstance(properties(records)[0]["size"], float)
        ),
    ),
    "true and false in every case": Case(
        "item_id,a,b,c\nx,true,yes,1\ny,FALSE,no,0\nz,,yes,\nw,True,no,1\n",
        lambda records: (
            properties(records)
            == [
                {"a": True, "b": "yes", "c": 1},
                {"a": False, "b": "no", "c": 0},
                {"b": "yes"},
                {"a": True, "b": "no", "c": 1},
            ]
        ),
    ),
    "a truth that is a word": Case(
        "item_id,a\nx,true\ny,maybe\n", lambda records: properties(records) == [{"a": "true"}, {"a": "maybe"}]
    ),
    "missing in every spelling": Case(
        "item_id,title,note\nx,NaN,\\N\ny,None,NULL\n",
        lambda records: [(record.title, record.properties) for record in records] == [(None, {})] * 2,
    ),
    "JSON text stays text": Case(
        '{"item_id": "x", "code": "0123", "size": "4", "title": "None"}\n',
        lambda records: (records[0].title, properties(records)) == ("None", [{"code": "0123", "size": "4"}]),
    ),
    "codes of JSON that are integers": Case(
        '{"item_id": 12345678901234567890123, "code": 98765432109876543210, "size": 9007199254740993}\n',
        lambda records: (
            records[0].item_id == "12345678901234567890123"
            and properties(records) == [{"code": "98765432109876543210", "size": 9007199254740993}]
        ),
    ),
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
    "integers of Parquet beyond 2^63 as properties": Case(
        table(item_id=["x", "y"], hash=pa.array([2**64 - 1, 5], pa.uint64()), size=[2**62 + 1, 5]),
        lambda records: (
            properties(records) == [{"hash": "18446744073709551615", "size": 2**62 + 1}, {"hash": "5", "size": 5}]
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
    "whole ids in one row only": Case("user_id,item_id\n11.0,a\nx,b\n", lambda r: pairs(r)[0] == ("11.0", "a")),
    "an id of blanks": Case("user_id,item_id\n  ,tea\nann,tea\n", loads_pair, ("user_id is empty",)),
    "ids with other letters": Case(
        "user_id,item_id\njürgen,tea\nann,tea\nann,té\n",
        loads_pair,
        ("'jürgen' is not a valid id: use 1 to 128 ASCII letters (A-Z, a-z), digits or any of", "'té' is not"),
    ),
    "cells that Excel shall show as text": Case(
        'item_id,code,title\n="007","=""0123""",5"\n',
        lambda r: (r[0].item_id, properties(r)) == ("007", [{"code": "0123"}]),
    ),
    "a line end of another kind": Case(
        "user_id,item_id\nbob,mug\rcid,jam\nann,tea\n", loads_pair, ("has a line end of another kind inside",)
    ),
    "a table of Markdown": Case(
        "| user_id | item_id |\n|---|---|\n| ann | tea |\n", loads_pair, ("'---' has no letter or digit",)
    ),
    "invisible characters in names": Case("user_id\u200b,\ufeffitem_id\nann,tea\n", loads_pair),
    "truths of Postgres": Case(
        "item_id,hidden\na,t\nb,f\nc,Y\n", lambda r: [x.hidden for x in r] == [True, False, True]
    ),
    "a long id": Case(f"item_id\n{'x' * 129}\ny\n", lambda r: [x.item_id for x in r] == ["y"], ("1 to 128",)),
    "both categories": Case(
        'item_id,categories\nx,"[""a"", ""b""]"\ny,"[\'a\', \'b\']"\nz,a|b\n',
        lambda records: [record.categories for record in records] == [("a", "b")] * 3,
    ),
    "a long category": Case(f"item_id,category\nx,{'y' * 101}\n", rejects=("categories: 'yyy",)),
    "microseconds": Case(
        "user_id,item_id,timestamp\nann,tea,1700000000000000\n",
        lambda records: records[0].timestamp == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
    ),
    "seconds of 1970 with their unit": Case(
        "user_id,item_id,timestamp\nann,tea,86400\n",
        lambda records: records[0].timestamp == datetime(1970, 1, 2, tzinfo=UTC),
        options=Options(time_unit="s"),
    ),
    "days since 1900": Case(
        "user_id,item_id,timestamp\nann,tea,45962\n", rejects=("'45962' seems to be a day number of Excel",)
    ),
    "a day that does not exist": Case("user_id,item_id,timestamp\nann,tea,2026-02-30\n", rejects=("'2026-02-30'",)),
    "a date that may be two": Case(
        "user_id,item_id,timestamp\nann,tea,02/03/2026\n",
        rejects=("'02/03/2026' may have the day or the month first: name the form, --date-format",),
    ),
    "American dates": Case(
        "user_id,item_id,timestamp\nann,tea,12/1/2010 8:26\nann,tea,12/13/2010 8:26\n",
        lambda records: days(records) == [(12, 1), (12, 13)],
    ),
    "European dates": Case(
        "user_id,item_id,timestamp\nann,tea,01/12/2010\nann,tea,13/12/2010\n",
        lambda records: days(records) == [(12, 1), (12, 13)],
    ),
    "dates of both kinds": Case(
        "user_id,item_id,timestamp\nann,tea,01/02/2010\nann,tea,13/02/2010\nann,tea,02/13/2010\n",
        lambda records: days(records) == [(2, 13), (2, 13)],
        ("'01/02/2010' may have",),
    ),
    "American dates of JSON": Case(
        '{"user_id": "ann", "item_id": "tea", "timestamp": "12/1/2010"}\n'
        '{"user_id": "ann", "item_id": "tea", "timestamp": "12/13/2010"}\n',
        lambda records: days(records) == [(12, 1), (12, 13)],
    ),
    "European dates of Parquet": Case(
        table(user_id=["ann"] * 2, item_id=["tea"] * 2, timestamp=["1/12/2010", "13/12/2010"]),
        lambda records: days(records) == [(12, 1), (12, 13)],
    ),
    "dates with their form": Case(
        "user_id,item_id,timestamp\nann,tea,02/03/26\nann,tea,2026-03-02\n",
        lambda records: days(records) == [(3, 2)],
        ("does not have the form %d/%m/%y",),
        options=Options(date_format="%d/%m/%y"),
    ),
    "a German sales export": Case(
        "user_id;item_id;value;timestamp\nann;tea;1.234,56;01.12.2010 08:26\nbob;tea;-3,5;13.12.2010 08:26\n",
        lambda records: [r.value for r in records] == [1234.56, -3.5] and days(records) == [(12, 1), (12, 13)],
        options=Options(decimal=","),
    ),
    "decimal commas nobody named": Case(
        "user_id;item_id;value\nann;tea;12,50\n", rejects=("for a decimal comma, name it: --decimal ,",)
    ),
    "German prices": Case(
        "item_id;price;size;code;weight\na;1.234,56;7;007;0,5\nb;8;1.250;1,5;1 000,25\n",
        lambda records: (
            properties(records)
            == [
                {"price": 1234.56, "size": 7, "code": "007", "weight": 0.5},
                {"price": 8.0, "size": 1250, "code": "1,5", "weight": 1000.25},
            ]
        ),
        options=Options(decimal=","),
    ),
    "points where commas are named": Case(
        "item_id;price\na;12.5\n", lambda r: properties(r) == [{"price": "12.5"}], options=Options(decimal=",")
    ),
    "a time in the future": Case("user_id,item_id,timestamp\nann,tea,2999-01-01\n", rejects=("future",)),
    "an empty time": Case("user_id,item_id,timestamp\nann,tea,NaT\n", lambda r: r[0].timestamp.year < 2002),
    "times of Parquet in nanoseconds": Case(
        table(user_id=["ann"], item_id=["tea"], timestamp=pa.array([1_700_000_000_123_456_789], pa.timestamp("ns"))),
        lambda records: records[0].timestamp.year == 2023,
    ),
    "ids of Parquet as bytes": Case(table(user_id=[b"ann"], item_id=[b"tea"]), loads_pair),
    "lists and objects of Parquet": Case(
        table(item_id=["x"], tags=[["a"]], size=[{"w": Decimal("1.5")}]),
        lambda records: properties(records) == [{"tags": ["a"], "size": {"w": 1.5}}],
    ),
    "infinity": Case(table(item_id=["x"], size=[float("inf")]), rejects=("size: inf is infinite",)),
    "a list of items that is none": Case(
        '{"event_name": "purchase", "event_timestamp": 1, "user_pseudo_id": "x", "items": 5}\n',
        rejects=("items: 5 is not",),
    ),
    "text of Parquet that is not UTF-8": Case(
        table(item_id=["x"], title=["quartz"]).replace(b"quartz", b"qu\xffrtz"), refused="cannot be read as Parquet"
    ),
    "another type of event": Case(EVENTS, lambda r: r[0].event_type == "buy", options=Options(event_type="buy")),
    "Latin-1 named": Case(
        "item_id,title\nx,Café\n".encode("latin-1"),
        lambda records: records[0].title == "Café",
        options=Options(encoding="cp1252"),
    ),
    "an unknown encoding": Case(EVENTS, refused="not an encoding", options=Options(encoding="klingon")),
    "the wrong encoding": Case("item_id\nCafé\n", refused="not ascii text", options=Options(encoding="ascii")),
    "a mapping of a column in use": Case(
        "user_id,item_id,sku\nann,1,tea\n", loads_pair, options=Options(mapping={"item_id": "sku"})
    ),
    "a mapping the wrong way round": Case(
        "user_id,sku\nann,tea\n", refused="item_id=sku", options=Options(mapping={"sku": "item_id"})
    ),
    "a kind that does not fit": Case("item_id\nx\n", refused="no column user_id", options=Options("events")),
}


@pytest.mark.parametrize("name", CASES)
class TestCases:
    def test_a_file_is_read_right_or_refused(self, tmp_path: Path, name: str) -> None:
        case = CASES[name]
        path = written(tmp_path, "x.csv", case.content)
        if case.refused:
            with pytest.raises(FileError, match=case.refused):
                read(path, case.options)
            return

        records, bad = read(path, case.options)

        assert case.holds(records), records
        assert len(bad) == len(case.rejects), bad
        for (_, reason), part in zip(bad, case.rejects, strict=True):
            assert part in reason


class TestTimes:
    def test_rows_without_a_time_get_the_same_one_under_another_name_and_with_more_rows(self, tmp_path: Path) -> None:
        first, _ = read(written(tmp_path, "a.csv", EVENTS), Options())
        again, _ = read(
            written(tmp_path, "b.csv.gz", gzip.compress((EVENTS + "bob,tea\nann,tea\n").encode())), Options()
        )
        other, _ = read(written(tmp_path, "c.csv", "user_id,item_id\nbob,tea\nann,tea\n"), Options())

        assert first == again[:1]
        assert len({event.timestamp for event in (*again, *other)}) == 5


class TestWithoutPyarrow:
    @pytest.mark.parametrize("content", [table(item_id=["x"]), zstd("item_id\nx\n")], ids=["Parquet", "Zstandard"])
    def test_a_file_that_needs_pyarrow_is_refused_with_advice(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
    ) -> None:
        path = written(tmp_path, "x", content)
        monkeypatch.setitem(sys.modules, "pyarrow", None)

        with pytest.raises(FileError, match="needs the package pyarrow"):
            read(path, Options())
