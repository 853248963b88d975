"""The files of a folder: which are read, which are named instead, and what stops an import before it begins."""

import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from app.entry.files.reader import Options
from app.entry.files.rows import FileError
from app.entry.jobs import sources
from tests.support.files import read, written

EVENTS = "user_id,item_id\nann,tea\n"


def owners(path: Path) -> set[str]:
    return {record.owner for record in read(path, Options())[0]}


class TestFolder:
    def test_stray_files_are_named_and_the_others_load(self, tmp_path: Path) -> None:
        written(tmp_path, "events.csv", EVENTS)
        stray: dict[str, str | bytes] = {
            "notes.csv": "name,age\nann,3\n",
            "README.txt": "These are our data.\n",
            "picture.png": b"\x89PNG",
            "empty.csv": "",
            "book.csv": b"PK\x03\x04",
        }
        for name, content in stray.items():
            written(tmp_path, name, content)

        readers, unused = sources.of(tmp_path, Options())

        assert [path.name for path, _ in readers] == ["events.csv"]
        assert [line.partition(" is not used")[0] for line in unused] == [
            "README.txt",
            "book.csv",
            "empty.csv",
            "notes.csv",
            "picture.png",
        ]

    def test_a_data_set_loads_as_it_is_unpacked(self, tmp_path: Path) -> None:
        written(tmp_path, "user_artists.dat", "userID\tartistID\tweight\r\n2\t51\t13883\r\n")
        written(tmp_path, "artists.dat", "id\tname\turl\tpictureURL\n51\tDuran Duran\thttp://x/y\thttp://x/z.jpg\n")
        written(tmp_path, "user_friends.dat", "userID\tfriendID\n2\t275\n")
        written(tmp_path, "tags.dat", "tagID\ttagValue\n1\ttechno d\xe9troit\n".encode("latin-1"))
        written(tmp_path, "user_taggedartists-timestamps.dat", "userID\tartistID\ttagID\ttimestamp\n2\t52\t13\t1\n")
        written(tmp_path, "readme.txt", "hetrec2011-lastfm-2k\n")

        readers, unused = sources.of(tmp_path, Options())

        assert [path.name for path, _ in readers] == ["artists.dat", "user_artists.dat"]
        assert unused == [
            "readme.txt is not used: its name is not that of a data file.",
            "tags.dat is not used: it holds names of tags (HetRec tags).",
            "user_friends.dat is not used: it holds friendships between users (HetRec friends).",
            "user_taggedartists-timestamps.dat is not used: it holds tags by users (HetRec tagged artists).",
        ]

    def test_folders_and_broken_links_are_named(self, tmp_path: Path) -> None:
        written(tmp_path, "events.csv", EVENTS)
        (tmp_path / "2026").mkdir()
        (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere.csv")

        _, unused = sources.of(tmp_path, Options())

        assert unused == [
            "2026 is not used: folders inside a folder are not read; import them by themselves.",
            "gone.csv is not used: it is a link to a file that does not exist.",
        ]

    def test_a_folder_of_folders_is_refused_with_their_names(self, tmp_path: Path) -> None:
        for name in ("2025", "2026"):
            (tmp_path / name).mkdir()

        with pytest.raises(FileError, match=r"nothing to import.*2025 is not used: folders.*2026 is not used"):
            sources.of(tmp_path, Options())

    def test_a_mapping_applies_to_the_files_that_have_its_column(self, tmp_path: Path) -> None:
        written(tmp_path, "events.csv", "user_id,sku\nann,tea\n")
        written(tmp_path, "items.csv", "item_id,name\ntea,Tea\n")

        records, _ = read(tmp_path, Options(mapping={"item_id": "sku", "title": "name"}))

        assert records[0].title == "Tea"
        assert [(record.owner, record.item_id) for record in records[1:]] == [("ann", "tea")]

    def test_a_mapping_to_a_column_of_no_file_is_refused(self, tmp_path: Path) -> None:
        written(tmp_path, "events.csv", "user_id,sku\nann,tea\n")

        with pytest.raises(FileError, match="Did you mean 'sku'"):
            read(tmp_path, Options(mapping={"item_id": "sku", "value": "skuu"}))

    def test_a_broken_file_of_events_is_not_left_out_silently(self, tmp_path: Path) -> None:
        written(tmp_path, "events.csv", EVENTS)
        written(tmp_path, "items.csv", "item_id,title\nx,Café\n".encode("latin-1"))

        with pytest.raises(FileError, match="not UTF-8"):
            read(tmp_path, Options())


class TestParts:
    def test_parts_of_engines_are_read_whatever_their_names_are(self, tmp_path: Path) -> None:
        texts = {
            name: f"user_id,item_id\n{user},tea\n"
            for user, name in enumerate(("part-00000", "000000_0", "export.csv.000", "part-00001-4f.c000.csv"))
        }
        packed = {"part-0002.gz": 4, "0000_part_00.GZ": 5, "part-00003-4f.c000.csv.gz": 6}
        files: dict[str, str | bytes] = {
            **texts,
            **{name: gzip.compress(f"user_id,item_id\n{user},tea\n".encode()) for name, user in packed.items()},
            "_SUCCESS": "",
            ".part-00000.crc": b"crc\x00",
            "_committed_123": "{}",
        }
        for name, content in files.items():
            written(tmp_path, name, content)
        parquet.write_table(pa.table({"user_id": ["7"], "item_id": ["tea"]}), tmp_path / "part-00004")

        _, unused = sources.of(tmp_path, Options())

        assert unused == []
        assert owners(tmp_path) == set("01234567")

    def test_documents_without_an_ending_are_named(self, tmp_path: Path) -> None:
        for name in ("events.csv", "notes"):
            written(tmp_path, name, EVENTS if name == "events.csv" else "These are our data.\n")
        written(tmp_path, "README", "Café\n".encode("latin-1"))

        _, unused = sources.of(tmp_path, Options())

        assert [line.partition(":")[0] for line in unused] == ["README is not used", "notes is not used"]

    def test_parts_share_the_types_of_their_columns(self, tmp_path: Path) -> None:
        for number, price in enumerate(("1", "2.5", "TBD")):
            written(tmp_path, f"part-{number}", f"item_id,price\n{number},{price}\n")
        written(tmp_path, "other.csv", "item_id,price,size\n3,1,2\n")

        files, _ = sources.of(tmp_path, Options())
        types = sources.types_of(files, lambda *_: None)

        prices = {file.name: by_column.types()["price"] for (file, _), by_column in zip(files, types, strict=True)}
        assert prices == {"other.csv": "integer", "part-0": "text", "part-1": "text", "part-2": "text"}

    @pytest.mark.parametrize(("name", "table"), [("_delta_log", "a Delta Lake"), (".hoodie", "an Apache Hudi")])
    def test_tables_that_their_files_alone_do_not_tell_are_refused(self, tmp_path: Path, name: str, table: str) -> None:
        written(tmp_path, "part-00000.csv", EVENTS)
        (tmp_path / name).mkdir()

        with pytest.raises(FileError, match=f"is {table} table"):
            sources.of(tmp_path, Options())


class TestBroken:
    @pytest.mark.parametrize(
        ("name", "content", "says"),
        [
            ("b.pq", b"PAR1 and then nothing", "b.pq cannot be read as Parquet"),
            ("b", gzip.compress(EVENTS.encode() * 99, mtime=0)[:-12], "b cannot be unpacked"),
            ("b.csv", 'user_id,item_id\nann,"tea\n', "b.csv, line 2: a quote"),
            ("b.csv", "user_id,item_id\n" + "ann,tea\n" * 2_000 + "ann,t\xe9\n", "b.csv, line 2002 is not UTF-8"),
        ],
    )
    def test_nothing_is_loaded_if_a_file_is_broken(
        self, tmp_path: Path, name: str, content: str | bytes, says: str
    ) -> None:
        written(tmp_path, "a.csv", EVENTS)
        written(tmp_path, name, content.encode("latin-1") if isinstance(content, str) else content)
        written(tmp_path, "c.csv", EVENTS)

        with pytest.raises(FileError, match=f"{says}.* Nothing was loaded: repair this file"):
            sources.types_of(sources.of(tmp_path, Options())[0], lambda *_: None)
