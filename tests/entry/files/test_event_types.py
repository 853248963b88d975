"""What users did is read from every usual column, and no event gets another type in silence."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.entry.files.reader import Options
from app.entry.files.rows import FileError
from tests.support.file_cases import table
from tests.support.files import notes, read, written

SALES = {"user_id": "client", "item_id": "article"}


def types(path: Path, options: Options | None = None) -> list[str]:
    records, bad = read(path, options or Options())
    assert bad == []
    return [record.event_type for record in records if hasattr(record, "event_type")]


class TestColumn:
    @pytest.mark.parametrize(
        "name",
        ["event", "action", "Interaction", "behavior", "behaviour_type", "activity", "feedback_type", "Event Name"],
    )
    def test_another_usual_name_is_understood_and_said(self, tmp_path: Path, name: str) -> None:
        path = written(tmp_path, "e.csv", f"user_id,item_id,{name}\nann,tea,buy\nbob,tea,view\n")

        assert types(path) == ["buy", "view"]
        assert f"{name} is read as event_type" in notes(path)

    def test_our_own_name_and_a_mapping_come_first(self, tmp_path: Path) -> None:
        path = written(tmp_path, "e.csv", "user_id,item_id,event_type,action\nann,tea,buy,tap\n")

        assert types(path) == ["buy"]
        assert types(path, Options(mapping={"event_type": "action"})) == ["tap"]

    def test_two_such_columns_are_refused(self, tmp_path: Path) -> None:
        path = written(tmp_path, "e.csv", "user_id,item_id,event,action\nann,tea,a,b\n")

        with pytest.raises(FileError, match=r"'event' or 'action' may be the event_type.*--map event_type=event"):
            types(path)
        assert types(path, Options(mapping={"event_type": "action", "event_id": "event"}))

    @pytest.mark.parametrize("content", ["item_id,title,action\nx,Tea,hot\n", "user_id,activity,event\nann,high,no\n"])
    def test_such_a_column_of_items_or_users_is_a_property(self, tmp_path: Path, content: str) -> None:
        (record,), _ = read(written(tmp_path, "x.csv", content), Options())

        assert {"hot", "high"} & set(record.properties.values())

    @pytest.mark.parametrize("options", [Options(), Options(in_job=True)])
    @pytest.mark.parametrize(
        "content",
        [
            "user_id,item_id,type,timestamp\nann,tea,Purchase,1700000000\nbob,tea,,1700000000\n",
            "user_id,item_id,what\nann,tea,Purchase\nann,tea,view\n",
            '{"user_id": "ann", "item_id": "tea", "what": "Purchase"}',
            table(user_id=["ann"], item_id=["tea"], type=["Purchase"]),
        ],
    )
    def test_a_column_with_types_is_asked_about(self, tmp_path: Path, content: str | bytes, options: Options) -> None:
        path = written(tmp_path, "e.csv", content)

        advice = r'"event_type": "view"' if options.in_job else r"--map event_type=\w+, .*--event-type view"
        with pytest.raises(FileError, match=r"seems to be the type of the events, for example 'Purchase'.*" + advice):
            read(path, options)
        assert set(types(path, replace(options, event_type="sale"))) == {"sale"}

    def test_a_column_that_may_be_the_type_is_offered(self, tmp_path: Path) -> None:
        path = written(tmp_path, "e.csv", "user_id,item_id,type\nann,tea,buy\nann,tea,mug\n")

        assert "no event_type: all 2 events are `view`; if type is the type, map it (--map event_type=type)" in notes(
            path
        )


class TestStatus:
    """Orders that did not last count against their items, so a column that says so is never left out in silence."""

    @pytest.mark.parametrize("options", [Options(), Options(event_type="purchase"), Options(in_job=True)])
    @pytest.mark.parametrize(
        ("name", "states", "undone"),
        [
            ("status", ["completed", "cancelled", "refunded"], "cancelled"),
            ("Order Status", ["on hold", "Canceled by customer"], "Canceled by customer"),
            ("financial_status", ["paid", "partially_refunded"], "partially_refunded"),
            ("state", ["wc-completed", *["wc-pending"] * 200, "wc-failed"], "wc-failed"),
            ("what", ["order", "Refund"], "Refund"),
        ],
    )
    def test_events_that_were_undone_are_asked_about(
        self, tmp_path: Path, name: str, states: list[str], undone: str, options: Options
    ) -> None:
        path = written(tmp_path, "e.csv", f"user_id,item_id,{name}\n" + "".join(f"ann,tea,{s}\n" for s in states))

        advice = rf'"event_type": "{name}"' if options.in_job else rf"--map '?event_type={name}"
        with pytest.raises(FileError, match=rf"some events were undone, for example '{undone}'.*{advice}.* or delete"):
            read(path, options)
        assert types(path, replace(options, mapping={"event_type": name})) == [s.replace(" ", "_") for s in states]

    def test_the_one_type_of_ratings_does_not_hide_them(self, tmp_path: Path) -> None:
        path = written(tmp_path, "e.csv", "user_id,item_id,rating,status\nann,tea,5,returned\n")

        with pytest.raises(FileError, match="some events were undone, for example 'returned'"):
            read(path, Options())

    def test_orders_that_all_lasted_are_asked_about_unless_their_type_is_stated(self, tmp_path: Path) -> None:
        path = written(tmp_path, "e.csv", "user_id,item_id,status\nann,tea,shipped\nann,tea,Paid\n")

        with pytest.raises(FileError, match="'status' seems to be the type of the events, for example 'shipped'"):
            read(path, Options())
        assert types(path, Options(event_type="purchase")) == ["purchase", "purchase"]

    @pytest.mark.parametrize("column", ["state\nann,tea,CA", "user_status\nann,tea,returning", "note\nann,tea,void"])
    def test_other_words_are_not(self, tmp_path: Path, column: str) -> None:
        assert types(written(tmp_path, "e.csv", f"user_id,item_id,{column}\n")) == ["view"]


class TestLiked:
    @pytest.mark.parametrize("cells", [("true", "FALSE"), ("1", "0"), ("yes", "No"), ("1.0", "0.0")])
    @pytest.mark.parametrize("name", ["liked", "Like", "is_liked"])
    def test_true_is_a_like_and_false_a_dislike(self, tmp_path: Path, name: str, cells: tuple[str, str]) -> None:
        path = written(tmp_path, "e.csv", f"user_id,item_id,{name}\nann,tea,{cells[0]}\nbob,tea,{cells[1]}\ncid,tea,\n")

        assert types(path) == ["like", "dislike", "view"]
        assert {
            f"{name} is read as the event type: true is `like`, false is `dislike`",
            "1 event has no type and is stored as `view`",
        } < set(notes(path))

    def test_json_has_truths_of_its_own(self, tmp_path: Path) -> None:
        content = "".join(f'{{"user_id": "ann", "item_id": "tea", "liked": {liked}}}\n' for liked in ("true", "false"))

        assert types(written(tmp_path, "e.jsonl", content)) == ["like", "dislike"]

    def test_a_number_of_likes_is_rejected(self, tmp_path: Path) -> None:
        _, bad = read(written(tmp_path, "e.csv", "user_id,item_id,like\nann,tea,12\n"), Options())

        assert bad == [(2, "like: '12' is neither true nor false")]

    def test_not_to_have_liked_beside_other_deeds_is_no_dislike(self, tmp_path: Path) -> None:
        """In feeds, each kind of deed has a column, and false says that a user did not bother."""
        path = written(tmp_path, "e.csv", "user_id,item_id,is_click,like\nann,tea,1,0\n")

        assert types(path) == ["view"]
        assert "no event_type: all events are `view`" in notes(path)


class TestName:
    def test_spaces_are_stored_as_underscores(self, tmp_path: Path) -> None:
        path = written(tmp_path, "e.csv", "user_id,item_id,event\nann,tea,Add To Cart\nann,tea,  Order  Completed \n")

        assert types(path) == ["Add_To_Cart", "Order_Completed"]


class TestReturns:
    @pytest.mark.parametrize(
        ("columns", "options"),
        [
            ("client,article,Menge", Options(mapping={**SALES, "value": "Menge"}, event_type="purchase")),
            ("client,article,Qty", Options(mapping=SALES, event_type="Order")),
            ("client,article,quantity", Options("events,items", SALES, event_type="sale")),
            ("user_id,item_id,quantity,action", Options()),
        ],
    )
    def test_a_purchase_of_less_than_nothing_is_a_return(self, tmp_path: Path, columns: str, options: Options) -> None:
        more = ",buy" if columns.endswith("action") else ""
        path = written(tmp_path, "sales.csv", f"{columns}\n1,a,-6{more}\n1,a,2{more}\n")

        records, bad = read(path, options)

        assert bad == []
        assert [(record.event_type, record.value) for record in records] == [
            ("return", 6),
            ("buy" if more else options.event_type, 2),
        ]
        assert "1 purchase event has a negative value: stored as `return` with the positive one" in notes(path, options)

    def test_a_quantity_beside_the_value_gives_the_sign(self, tmp_path: Path) -> None:
        path = written(tmp_path, "sales.csv", "client,article,price,Qty\n1,a,2.5,-6\n1,b,3,2\n1,c,3,two\n")

        records, bad = read(path, Options(mapping={**SALES, "value": "price"}, event_type="purchase"))

        assert bad == []
        assert [(record.event_type, record.value) for record in records] == [
            ("return", 2.5),
            ("purchase", 3),
            ("purchase", 3),
        ]

    @pytest.mark.parametrize(("type_", "stored"), [("addtocart", "remove_from_cart"), ("rating", "rating")])
    def test_negative_values_of_other_types(self, tmp_path: Path, type_: str, stored: str) -> None:
        path = written(tmp_path, "e.csv", f"user_id,item_id,event_type,value\nann,tea,{type_},-2\n")

        assert types(path) == [stored]
