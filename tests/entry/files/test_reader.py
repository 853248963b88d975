"""The reader of files: formats, columns, kinds and values."""

from pathlib import Path

import pytest

from app.entry.files import streams
from app.entry.files.reader import Options
from app.entry.files.rows import FileError
from app.entry.jobs import sources
from tests.support.files import records, written


class TestCsv:
    def test_columns_are_mapped_and_bad_rows_are_reported_by_line(self, tmp_path: Path) -> None:
        path = written(
            tmp_path,
            "events.csv",
            "user,sku,timestamp\nann,tea,1769860800\nb/b,tea,\nann\nbob,mug,2026-01-31 12:00:00\n",
        )

        good, bad = records(path, user_id="user", item_id="sku")

        assert [(record.user_id, record.item_id) for record in good] == [("ann", "tea"), ("bob", "mug")]
        assert [number for number, _ in bad] == [3, 4]
        assert "user_id" in bad[0][1]
        assert bad[1][1] == "the row has 1 field, 3 are expected"

    def test_rows_with_a_user_and_a_session_belong_to_the_user(self, tmp_path: Path) -> None:
        path = written(tmp_path, "events.csv", "session_id,user_id,item_id\n7,,tea\n,ann,mug\n7,ann,mug\n")

        good, bad = records(path)

        assert [record.owner for record in good] == ["#session#7", "ann", "ann"]
        assert bad == []

    def test_unknown_columns_of_items_become_properties(self, tmp_path: Path) -> None:
        path = written(tmp_path, "items.csv", "item_id,title,categories,price,brand\ntea,Tea,hot|gifts,4.5,Acme\n")

        [item], _ = records(path)

        assert item.model_dump(exclude_defaults=True) == {
            "item_id": "tea",
            "title": "Tea",
            "categories": ("hot", "gifts"),
            "properties": {"price": 4.5, "brand": "Acme"},
        }

    def test_numbers_in_properties_keep_their_spelling(self, tmp_path: Path) -> None:
        path = written(tmp_path, "items.csv", "item_id,price,postcode,name,gap\ntea,4.50,01234,Infinity,\n")

        [item], _ = records(path)

        assert item.properties == {"price": 4.5, "postcode": "01234", "name": "Infinity"}

    def test_rows_with_properties_that_are_not_json_are_bad(self, tmp_path: Path) -> None:
        path = written(tmp_path, "items.csv", 'item_id,properties\ntea,{broken\nmug,"{""a"": 1}"\n')

        good, bad = records(path)

        assert [item.properties for item in good] == [{"a": 1}]
        assert [number for number, _ in bad] == [2]


class TestJsonLines:
    def test_lines_that_are_not_objects_are_reported(self, tmp_path: Path) -> None:
        path = written(
            tmp_path, "events.jsonl", '{"user_id": "a", "item_id": "b"}\nnonsense\n[1]\n\n{"user_id": "a"}\n'
        )

        good, bad = records(path)

        assert len(good) == 1
        assert [number for number, _ in bad] == [2, 3, 5]


class TestJsonArrays:
    ITEMS = (
        '\n [ {"item_id": "a", "title": "[1, {2", "sizes": [1, [2]],\r\n  "more": {"x": "\\\\\\"],[}"}},'
        '\n{"item_id": "b", "title": "caf\u00e9"}, 5 ,"x, y", {"item_id": "c"}]\n'
    )

    @pytest.mark.parametrize("block", [1, 2, 3, 7, 1_024])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_objects_are_read_one_by_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, encoding: str
    ) -> None:
        monkeypatch.setattr(streams, "BLOCK_BYTES", block)

        good, bad = records(written(tmp_path, "items.json", self.ITEMS.encode(encoding)))

        assert [(item.item_id, item.title) for item in good] == [("a", "[1, {2"), ("b", "café"), ("c", None)]
        assert good[0].properties == {"sizes": [1, [2]], "more": {"x": '\\"],[}'}}
        assert bad == [(3, "the row is not a JSON object"), (4, "the row is not a JSON object")]

    def test_a_line_end_inside_a_string_is_refused_as_in_json(self, tmp_path: Path) -> None:
        good, bad = records(written(tmp_path, "items.json", '[{"item_id": "a", "title": "x\ny"}, {"item_id": "b"}]'))

        assert [item.item_id for item in good] == ["b"]
        assert "is not JSON" in bad[0][1]


class TestParquet:
    def test_rows_with_typed_columns_are_read(self, tmp_path: Path) -> None:
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        moment = pa.array([1769860800000], pa.timestamp("ms"))
        table = pa.table({"user_id": [7], "item_id": ["tea"], "timestamp": moment})
        parquet.write_table(table, tmp_path / "events.parquet")

        [event], _ = records(tmp_path / "events.parquet")

        assert (event.user_id, event.timestamp.isoformat()) == ("7", "2026-01-31T12:00:00+00:00")

    def test_integer_ids_stay_integers_and_nan_is_a_missing_value(self, tmp_path: Path) -> None:
        """A pandas column of ids with missing values holds floats, and NaN for the missing ones."""
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        table = pa.table({"user_id": [12345678.0, float("nan")], "item_id": [98765432, 1]})
        parquet.write_table(table, tmp_path / "events.parquet")

        good, bad = records(tmp_path / "events.parquet")

        assert [(record.user_id, record.item_id) for record in good] == [("12345678", "98765432")]
        assert [number for number, _ in bad] == [2]


class TestMovieLens:
    def test_ratings_and_movies_of_both_formats_are_read(self, tmp_path: Path) -> None:
        written(tmp_path, "movies.dat", "0001::Té: the film (1999)::Drama|Short\n")
        written(tmp_path, "ratings.dat", "1::0001::8::1365029107\n2::0001::broken\n")
        written(tmp_path, "movies.csv", 'movieId,title,genres\n1,"Tea, the film (1999)",(no genres listed)\n')
        written(tmp_path, "ratings.csv", "userId,movieId,rating,timestamp\n1,1,4.5,964982703\n")

        good, bad = records(tmp_path)

        kinds = [type(record).__name__ for record in good]
        assert kinds == ["BatchItem", "BatchItem", "EventIn", "EventIn"]
        assert {(record.event_type, record.value) for record in good[2:]} == {("rating", 4.5), ("rating", 8)}
        assert bad == [(2, "the row has 3 fields, 4 are expected")]


class TestWrongFiles:
    @pytest.mark.parametrize(
        ("name", "content", "says"),
        [
            ("events.parquet", b"PAR1 and then nothing", "cannot be read as Parquet"),
            ("events.csv", b"PAR2\x00\xff\xfe\x00", "neither text nor Parquet"),
            ("events.csv", b"", "is empty"),
            ("events.csv", b"\n\n \n", "is empty"),
            ("events.csv", b"name,age\nann,3\n", "--map"),
            ("events.jsonl", b"\x00\x01\x02\n", "NUL bytes"),
            ("events.xlsx", b"PK\x03\x04", "Excel"),
            ("people.dat", b"ann::tea::3\n", "no header line"),
            ("events.json", b"[1, 2]", "not a JSON array of objects"),
            ("events.json", b"[]", "is empty"),
            ("events.json", b'[{"user_id": 1, "item_id": 2}', "ends inside its JSON array"),
            ("events.json", b'[{"user_id": 1, "item_id": "2}]', "ends inside its JSON array"),
            ("events.json", b'[{"user_id": 1, "item_id": 2}]\n[{}]', "has text after its JSON array"),
            ("items.json", b'{"items": [\n{"item_id": 1}]}', "not JSON Lines"),
            ("events.csv", b"<html><body>Log in</body></html>", "HTML"),
            ("events.csv", b"user_id,item_id\ra,b\rc,d\r", "CR alone"),
            ("events.csv.gz", b"\x1f\x8b\x08 broken", "cannot be unpacked"),
        ],
    )
    def test_a_file_whose_content_contradicts_its_name_is_refused(
        self, tmp_path: Path, name: str, content: bytes, says: str
    ) -> None:
        with pytest.raises(FileError, match=says):
            records(written(tmp_path, name, content))

    def test_a_missing_file_is_reported(self, tmp_path: Path) -> None:
        with pytest.raises(FileError, match="does not exist"):
            sources.of(tmp_path / "none.csv", Options())
