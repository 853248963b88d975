"""Previews show what an import would do, and turn what it would ask into choices."""

from pathlib import Path
from typing import Any

import pytest

from app.entry.files import contents
from app.entry.files.reader import Options
from app.entry.jobs.previews import Choice, choices_in, preview_of


def preview(tmp_path: Path, text: str, **options: Any) -> dict[str, Any]:
    path = tmp_path / "file"
    path.write_text(text)
    return preview_of(contents.of_path(path), Options(in_job=True, **options), since=None)


class TestPreviewOf:
    def test_it_shows_what_becomes_of_columns_and_rows(self, tmp_path: Path) -> None:
        text = "user_id,item_id,rating,comment\nann,tea,5,good\nbob,a b,4,\n" + "eve,cup,3,\n" * 1_500

        shown = preview(tmp_path, text)

        assert {column["name"]: (column["means"], column["ignored"]) for column in shown["columns"]} == {
            "user_id": (["user_id"], None),
            "item_id": (["item_id"], None),
            "rating": (["value"], None),
            "comment": ([], ""),
        }
        assert shown["columns"][3]["cells"][:2] == ["good", ""]
        first, second = shown["rows"][:2]
        (record,) = first["records"]
        assert (first["line"], record["kind"], record["fields"]["value"]) == (2, "events", 5)
        assert (second["records"], second["reason"].split()[:2]) == ([], ["item_id:", "'a"])
        assert (len(shown["rows"]), shown["summary"]["read"], shown["summary"]["rejected"]) == (10, 1_000, 1)

    def test_it_names_the_layout(self, tmp_path: Path) -> None:
        shown = preview(tmp_path, "1::122::5::838985046\n2::185::3::838983525\n")

        assert shown["layout"].startswith("MovieLens")
        assert shown["problem"] is None

    @pytest.mark.parametrize(
        ("header", "row", "choices"),
        [
            ("sku,price", "1,2", [Choice(columns={"item_id": "sku"})]),
            (
                "user_id,item_id,title",
                "a,b,c",
                [Choice(records="events,items"), Choice(records="events")],
            ),
            (
                "user_id,item_id,what",
                "a,b,purchase",
                [Choice(columns={"event_type": "what"}), Choice(event_type="view")],
            ),
            (
                'user_id,item_id,my "cart"',
                "a,b,add_to_cart",
                [Choice(columns={"event_type": 'my "cart"'}), Choice(event_type="view")],
            ),
        ],
    )
    def test_what_an_import_asks_becomes_choices(
        self, tmp_path: Path, header: str, row: str, choices: list[Choice]
    ) -> None:
        shown = preview(tmp_path, f"{header}\n{row}\n")

        assert shown["problem"]
        assert [Choice(**choice) for choice in shown["choices"]] == choices
        for choice in choices:
            answers = {"kind": choice.records, "mapping": choice.columns or {}, "event_type": choice.event_type}
            assert preview(tmp_path, f"{header}\n{row}\n", **answers)["problem"] is None

    def test_advice_of_notes_becomes_choices(self) -> None:
        note = 'no title: if Description is the title, map it ("columns": {"title": "Description"})'

        assert list(choices_in(note)) == [Choice(columns={"title": "Description"})]
        assert list(choices_in('map it ("columns": {"user_id": "YOUR_COLUMN"})')) == []
