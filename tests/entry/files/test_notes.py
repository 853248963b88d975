"""The summary says what a user might not expect of how their file was read."""

from pathlib import Path

import pytest

from app.entry.files.cells import column_types
from app.entry.files.cells.formats import NAME_COMMA
from app.entry.files.notes import SAME_TIMES
from app.entry.files.reader import Options
from app.entry.jobs import sources
from tests.support.files import notes, written

PRICES = "".join(f"i{number},{number}.5\n" for number in range(1_999))
NOTES: dict[str, tuple[str, str]] = {
    "a word among numbers": (
        f"item_id,price\n{PRICES}x,TBD\n",
        "price: 1 of 2,000 values is not a plain number, for example 'TBD', so the column is text",
    ),
    "words before the numbers": (
        "item_id,price\nx,TBD\ny,\nz,ask us\na,1\nb,2\nc,3.5\n",
        "price: 2 of 5 values are not plain numbers, for example 'TBD', so the column is text",
    ),
    "a number among truths": (
        "item_id,in_stock\na,true\nb,FALSE\nc,1\n",
        "in_stock: 1 of 3 values is not true or false, for example '1', so the column is text",
    ),
    "a truth among numbers": (
        "item_id,size\na,1\nb,2.5\nc,true\n",
        "size: 1 of 3 values is not a plain number, for example 'true', so the column is text",
    ),
    "codes among numbers": (
        "item_id,zip\na,01234\nb,90210\nc,10001\n",
        "zip: '01234' is not a plain number, so the column is text",
    ),
    "numbers in unusual spellings": (
        "item_id,price\na,.5\nb,+3\nc,2\n",
        "price: '.5' is not a plain number, so the column is text",
    ),
    "codes of JSON": (
        '{"item_id": "a", "ean": 12345678901234567}\n{"item_id": "b", "ean": 5}\n',
        "ean: '12345678901234567' is not a plain number, so the column is text",
    ),
    "users": (
        "user_id,age\nann,30\nbob,31\ncid,old\n",
        "age: 1 of 3 values is not a plain number, for example 'old', so the column is text",
    ),
    "decimal commas": (
        "item_id;price\na;12,50\nb;1.299,00\nc;3\n",
        "price: '12,50' is not a plain number, so the column is text; " + NAME_COMMA,
    ),
    "currencies": (
        "item_id,price\na,$12.50\nb,$3\n",
        "price: '$12.50' is not a plain number, so the column is text",
    ),
    "the order of days and months": (
        "user_id,item_id,timestamp\nann,tea,1/2/2010\nann,tea,1/22/2010\n",
        "timestamp: the month comes first, as 1/22/2010 shows",
    ),
    "deeds in columns of their own": (
        "user_id,item_id,clicked,purchases\nann,tea,1,0\n",
        "not read: clicked, purchases; write a row with an event_type for each of these actions",
    ),
    "a name that may be the title": (
        "item_id,brand,product_name\na,Acme,Tea\n",
        "no title: if product_name is the title, map it (--map title=product_name)",
    ),
    "a description that may be the title of items in sales": (
        "user_id,item_id,event_type,Description\nann,tea,buy,Green tea\n",
        "no facts of items: if Description is the title, map it (--map title=Description)",
    ),
    "no types": ("user_id,item_id\nann,tea\nbob,tea\n", "no event_type: all 2 events are `view`"),
    "an empty type": (
        "user_id,item_id,event_type\nann,tea,buy\nbob,tea,\n",
        "1 event has no type and is stored as `view`",
    ),
    "empty types": (
        """{"user_id": "a", "item_id": "b"}
        {"user_id": "a", "item_id": "c", "event_type": null}
        {"user_id": "a", "item_id": "c", "event_type": "buy"}""",
        "2 events have no type and are stored as `view`",
    ),
    "events without an item": (
        "user_id,item_id,event_type\nann,tea,buy\nann,,session_start\nann,,Page View\n",
        "2 rows have no item and are skipped",
    ),
    "an event without an item in an export of all events": (
        (
            "event_name,event_timestamp,user_pseudo_id,item_id\nview_item,1700000000,1.2,tea\nview_item,1700000000,1.2,\n"
            "view_promotion,1700000000,1.2,(not set)\n"
        ),
        "2 rows have no item and are skipped",
    ),
    "rows with nothing": (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\n1,tea,,1,2010-12-01,,\n",
        "1 row has neither a user nor facts of its item and is skipped",
    ),
}
SILENT = {
    "numbers": f"item_id,price\n{PRICES}",
    "types beside ratings": "user_id,item_id,event_type,rating,timestamp\nann,tea,stars,5,1700000000\n",
    "sizes": "item_id,size\na,S\nb,M\nc,40\n",
    "names beside titles": "item_id,title,name\na,Tea,tea-1\n",
    "names of others": "item_id,brand_name,file_name\na,Acme,a.jpg\n",
    "text": "item_id,brand\na,Acme\nb,Bolt\n",
    "types": "user_id,item_id,event_type,timestamp\nann,tea,buy,1700000000\n",
    "titles that are numbers": "item_id,title\na,1984\nb,Emma\nc,2001\n",
}


class TestNotes:
    @pytest.mark.parametrize("name", NOTES)
    def test_a_surprise_is_noted(self, tmp_path: Path, name: str) -> None:
        content, note = NOTES[name]

        assert note in notes(written(tmp_path, "x.csv", content))

    @pytest.mark.parametrize("name", SILENT)
    def test_what_is_as_expected_is_not(self, tmp_path: Path, name: str) -> None:
        assert notes(written(tmp_path, "x.csv", SILENT[name])) == []

    @pytest.mark.parametrize(
        ("name", "advice"),
        [
            ("created_at", "timestamp=created_at"),
            ("createdAt", "timestamp=createdAt"),
            ("Paid at", "'timestamp=Paid at'"),
            ("event_ts", "timestamp=event_ts"),
            ("when", "timestamp=when"),
        ],
    )
    def test_a_column_that_may_be_the_time_is_offered(self, tmp_path: Path, name: str, advice: str) -> None:
        path = written(tmp_path, "x.csv", f"user_id,item_id,event_type,{name}\nann,tea,buy,2024-01-31\n")

        assert notes(path) == [f"no timestamp: each event {SAME_TIMES}; if {name} is the time, map it (--map {advice})"]

    def test_a_column_that_is_certainly_text_is_not_looked_at_further(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(column_types, "MOST_TEXTS", 2)
        path = written(tmp_path, "x.csv", "item_id,a,b\n1,x,x\n2,x,1\n3,x,1\n4,x,1\n5,x,1\n")
        ((_, reader),), _ = sources.of(path, Options())

        assert reader.types().cells == {
            "item_id": {"text": [1, "1"]},
            "a": {"text": [3, "x"]},
            "b": {"text": [1, "x"], "integer": [4, "1"]},
        }

    def test_types_continue_from_a_checkpoint(self, tmp_path: Path) -> None:
        path = written(tmp_path, "x.jsonl", '{"item_id": 1}\n' * 1_001 + '{"item_id": 2, "ean": 12345678901234567}\n')
        ((_, reader),), _ = sources.of(path, Options())
        types = reader.types()

        continued = reader.new_types(types.cells)

        assert continued.types() == types.types()
        assert list(continued.exceptions()) == list(types.exceptions()) != []
