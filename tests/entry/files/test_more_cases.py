"""Siblings of the files in `shared/cases`, made up afterwards: each is read right or refused, none silently wrong."""

import bz2
import gzip
import lzma
import sys
from pathlib import Path

import pytest

from app.entry.files.reader import Options
from app.entry.files.rows import FileError
from tests.support.file_cases import EVENTS, PAIR, Case, loads_pair, pairs, properties, table, zstd
from tests.support.files import read, written

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
    "a title that a spreadsheet has padded": Case(
        "Sales report,,\n,,\nuser_id,sku,price\nann,tea,3\n",
        refused=r"begins with 'Sales report,,'.*header seems to be line 3.*tail -n \+3 FILE",
    ),
    "a title with a date": Case(
        "Sales report,2026-01-31,\nuser_id,item_id,price\nann,tea,3\n", refused=r"seems to be line 2.*tail -n \+2 FILE"
    ),
    "a document": Case(
        "# Tea\n\nGreen, black tea.\n\n    make tea\n\nIt is hot, so wait.\n", refused="not look like a table"
    ),
    "a list of accounts": Case(
        "root:*:19000:0:99999:7:::\nbin:*:19000:0:99999:7:::\n", refused="not look like a table"
    ),
    "accounts with commas far below": Case(
        "root:x:0:/root\n" * 20 + "www:x:33:Web,,,:/\n", refused="not look like a table"
    ),
    "rows with lines inside cells": Case(
        'name,text\nann,"One\ntwo\nthree"\n', refused="has no column item_id; it has name, text"
    ),
    "customers": Case("CustomerID,Email,Country\n1,a@b,NL\n", refused=r"example --map user_id=CustomerID\.$"),
    "accounts with an id": Case("id,email,country\n1,a@b,NL\n", refused=r"example --map user_id=id\.$"),
    "customers and amounts": Case(
        "CustomerID,amount,timestamp\n1,2,1700000000\n",
        refused="--map item_id=YOUR_COLUMN, and for events --map user_id=CustomerID",
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
    "an index that pandas has read again": Case(
        "Unnamed: 0,,item_id,price\n0,0,tea,3\n", lambda records: properties(records) == [{"price": 3}]
    ),
    "an index of pandas that is the item": Case(
        "Unnamed: 0,price\ntea,3\n",
        lambda records: [record.item_id for record in records] == ["tea"],
        options=Options(mapping={"item_id": "Unnamed: 0"}),
    ),
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
    "spaces between columns": Case("user_id  item_id\nann      tea\n", refused="Use commas or tabs between"),
    "spaces between columns, not all of them ours": Case(
        "user_id item_id rating\n1 2 3\n", refused="Use commas or tabs between"
    ),
    "colons between columns": Case("user_id:item_id\nann:tea\n", refused="Use commas or tabs between"),
    "names in another language": Case(
        "usuario,producto\nann,tea\n",
        refused="item_id=YOUR_COLUMN, and for events --map user_id=YOUR_COLUMN",
    ),
    "UTF-16 without a mark": Case(EVENTS.encode("utf-16-le"), refused="utf-16-le"),
    "UTF-16 without a mark, as named": Case(
        EVENTS.encode("utf-16-le"), loads_pair, options=Options(encoding="utf-16-le")
    ),
    "objects as ids": Case(
        '{"user_id": {"id": "ann"}, "item_id": "tea"}\n', rejects=("is an object or a list; write what belongs here",)
    ),
    "NaN in JSON": Case(
        '{"item_id": "a", "price": NaN}\n{"item_id": "b"}\n',
        lambda records: [record.item_id for record in records] == ["b"],
        ("the row is not JSON: unexpected character",),
    ),
    "two delimiters": Case(
        "user_id,item_id;event_type\nann,tea;view\n", refused="'item_id;event_type' in its header. Use one delimiter"
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
    "sales without a time as events": Case(
        "item_id,buyer,price\ntea,ann,3\n", loads_pair, options=Options(mapping={"user_id": "buyer"})
    ),
    "items with a buyer": Case(
        "item_id,buyer\ntea,ann\n", lambda r: properties(r) == [{"buyer": "ann"}], options=Options("items")
    ),
    "a score without an item": Case("user_id,score\nann,3\n", refused="no column item_id"),
    "users": Case("user_id,country\nann,NL\n", lambda records: properties(records) == [{"country": "NL"}]),
    "orders with a list of items": Case(
        '{"user_id": "ann", "items": [{"item_id": "tea"}]}\n', refused="column 'items'. Say whether"
    ),
    "pairs of users": Case("user_id,friend\n2,275\n", refused="column 'friend'. Say whether"),
    "users with a second id": Case("userID,followeeID\n2,275\n", refused="--map item_id=followeeID, or .*--kind users"),
    "users with another id in JSON": Case(
        '{"user_id": 1, "trackids": [2]}\n', refused="column 'trackids'. Say whether"
    ),
    "users with titles": Case("user_id,title\nann,Emma\n", refused="--map item_id=title, or .*--kind users"),
    "users with names of products": Case("user_id,product_name\nann,Tea\n", refused="--map item_id=product_name"),
    "users with a second id, as named": Case(
        "user_id,device_id\nann,x1\n", lambda r: properties(r) == [{"device_id": "x1"}], options=Options("users")
    ),
    "users who paid": Case("user_id,paid\nann,true\n", lambda records: properties(records) == [{"paid": True}]),
    "items with the name of a user": Case("item_id,username\ntea,ann\n", refused="--map user_id=username"),
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
    "a line end of another kind": Case(
        "user_id,item_id\nbob,mug\rcid,jam\nann,tea\n", loads_pair, ("has a line end of another kind inside",)
    ),
    "invisible characters in names": Case("user_id\u200b,\ufeffitem_id\nann,tea\n", loads_pair),
    "events that concern no item": Case(
        "user_id,item_id,event_type\nann,tea,buy\nann,,login\nann,,add_to_cart\n", loads_pair, ("item_id is empty",)
    ),
    "a list of items that is none": Case(
        '{"event_name": "purchase", "event_timestamp": 1, "user_pseudo_id": "x", "items": 5}\n',
        rejects=("items: 5 is not",),
    ),
    "another type of event": Case(EVENTS, lambda r: r[0].event_type == "buy", options=Options(event_type="buy")),
    "Latin-1 named": Case(
        "item_id,title\nx,Café\n".encode("latin-1"),
        lambda records: records[0].title == "Café",
        options=Options(encoding="cp1252"),
    ),
    "an unknown encoding": Case(EVENTS, refused="not an encoding", options=Options(encoding="klingon")),
    "Western text": Case(
        "item_id,title\nx,Café au lait\n".encode("cp1252"),
        refused="line 2 is not UTF-8 text. .* reads 'Café' .cp1252, ",
    ),
    "Russian text": Case("item_id,title\nx,Чай\n".encode("cp1251"), refused="'Чай' .cp1251.,.* --encoding NAME"),
    "Polish text": Case("item_id,title\nx,Żółw\n".encode("cp1250"), refused="'Żółw' .cp1250"),
    "Japanese text": Case("item_id,title\nx,お茶\n".encode("shift_jis"), refused="'お茶' .shift_jis"),
    "Chinese text": Case("item_id,title\nx,绿茶\n".encode("gbk"), refused="'绿茶' .gb18030"),
    "text of no encoding": Case(b"item_id,title\nx,\x81\xff\x00\n", refused="neither text nor Parquet"),
    "an encoding of bytes": Case(
        EVENTS, refused="'base64' is not an encoding of text", options=Options(encoding="base64")
    ),
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
        CASES[name].check(tmp_path)


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
