"""Slices of a file: what is loaded, and what is rejected with its reason."""

from pathlib import Path

import orjson
import pytest

from app.entry.files.reader import Options
from app.entry.files.rows import Place
from app.entry.jobs import slices, sources
from tests.support.files import written


class TestRejects:
    @pytest.mark.parametrize(
        ("content", "row"),
        [
            ("user_id,item_id\nann,tea\nann,tea,hot,\n", "ann,tea,hot,"),
            ("user_id,item_id\r\nann,tea\r\nann\r\n", "ann"),
            ('user_id,item_id\nann,tea\n"a"nn,tea\n', '"a"nn,tea'),
            ('user_id,item_id\nann,tea\n"a\nb",tea,\n', '"a\nb",tea,'),
            ('{"user_id": "ann", "item_id": "tea"}\n{"user_id": \n', '{"user_id": '),
            ('{"user_id": "ann", "item_id": "tea"}\n["ann", "tea"]\n', '["ann", "tea"]'),
            ("user_id,item_id\nann,tea\n,tea\n", {"user_id": "", "item_id": "tea"}),
        ],
    )
    def test_a_rejected_row_keeps_its_cells_or_its_text(self, tmp_path: Path, content: str, row: object) -> None:
        ((_, reader),), _ = sources.of(written(tmp_path, "e.csv", content), Options())

        checked = reader.checked(reader.rows(Place()), reader.types())
        (part,) = slices.sliced("e.csv", checked, Place(), is_first=True)

        assert [orjson.loads(reject)["row"] for reject in part.rejects] == [row]
