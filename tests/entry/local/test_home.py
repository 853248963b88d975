"""The files of `.serendip`: each fault is one sentence that names the file, and a second server is refused."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from secrets import token_bytes

import pytest

from app.entry.errors import SetupError
from app.entry.local import dynamodb, home
from app.services.access import secret_keys


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".serendip"


def a_check(folder: Path) -> None:
    dynamodb.check_file(folder / "databases" / "sample" / dynamodb.FILE)


class TestFaults:
    @pytest.mark.parametrize(
        ("name", "content", "read"),
        [
            ("key", b"", home.check),
            ("key", b"what is this\n", home.check),
            ("key", b"\xff\xfe\x00", home.check),
            ("current", b"", home.check),
            ("current", b"what is this", home.check),
            ("server", b"what is this", home.check),
            ("secret", b"short\n", home.check),
            ("databases", b"", home.check),
            ("files", b"", home.check),
            ("secret", b"", home.secret),
            ("secret", b"short\n", home.secret),
            ("secret", b"\xff\xfe\x00", home.secret),
            ("current", b"", home.current_folder),
            ("current", b"/etc", home.current_folder),
            ("current", b".serendip/databases/gone", home.current_folder),
            ("current", b"\xff\xfe\x00", home.current_folder),
            (f"databases/sample/{dynamodb.FILE}", b"not a database", a_check),
            (f"databases/sample/{dynamodb.FILE}", b"SQLite format 3\0 but nothing else", a_check),
        ],
    )
    def test_an_empty_or_foreign_file_is_named(
        self, folder: Path, name: str, content: bytes, read: Callable[[Path], object]
    ) -> None:
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)

        with pytest.raises(SetupError) as caught:
            read(folder)

        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("name", [home.SECRET, home.KEY, home.CURRENT, home.SERVER, "worker-1.lock"])
    def test_a_folder_in_place_of_a_file_is_named(self, folder: Path, name: str) -> None:
        (folder / name).mkdir(parents=True)

        with pytest.raises(SetupError, match=rf"{folder / name} is not a file"):
            home.check(folder)

    def test_the_folder_and_its_files_are_for_their_owner_alone(self, folder: Path) -> None:
        folder.mkdir()
        folder.chmod(0o755)  # as earlier releases made it
        umask = os.umask(0o022)
        try:
            with home.only_server(folder, "http://127.0.0.1:8000"):
                home.keep_current(folder, folder / "databases" / "sample")
        finally:
            os.umask(umask)

        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
        assert modes == {folder.name: 0o700, home.SERVER: 0o600, home.CURRENT: 0o600}

    def test_the_files_of_a_server_are_accepted_also_if_its_database_was_deleted(self, folder: Path) -> None:
        folder.mkdir()
        home.check(folder)
        with home.only_server(folder, "http://127.0.0.1:8000"):
            home.keep_private(folder / home.KEY, secret_keys.mint(token_bytes, "secret") + "\n")
            home.keep_current(folder, home.database_folder(folder, None))

        home.check(folder)

    def test_a_file_in_place_of_the_folder_is_named(self, folder: Path) -> None:
        folder.write_text("")

        with pytest.raises(OSError, match=r"\.serendip"):
            home.secret(folder)

    def test_a_new_or_empty_database_file_is_accepted(self, folder: Path) -> None:
        path = folder / "databases" / "sample" / dynamodb.FILE
        path.parent.mkdir(parents=True)

        dynamodb.check_file(path)
        path.touch()
        dynamodb.check_file(path)


class TestSecret:
    def test_a_secret_is_created_once_for_its_owner_only(self, folder: Path) -> None:
        first = home.secret(folder)

        assert home.secret(folder) == first
        assert (folder / home.SECRET).stat().st_mode & 0o777 == 0o600
        assert [path.name for path in folder.iterdir()] == [home.SECRET]


class TestCurrent:
    def test_commands_use_the_database_that_was_served_last(self, folder: Path) -> None:
        sample, own = home.database_folder(folder, None), home.database_folder(folder, Path("sales.csv"))
        assert home.current_folder(folder) == sample
        own.mkdir(parents=True)

        home.keep_current(folder, own)

        assert home.current_folder(folder) == own != sample


class TestOnlyServer:
    def test_a_second_server_of_a_folder_is_refused_until_the_first_has_ended(self, folder: Path) -> None:
        with (
            home.only_server(folder, "http://127.0.0.1:8000"),
            pytest.raises(SetupError, match=r"at http://127\.0\.0\.1:8000\."),
            home.only_server(folder, "http://127.0.0.1:8001"),
        ):
            pass

        with home.only_server(folder, "http://127.0.0.1:8001"):
            assert (folder / home.SERVER).read_text() == "http://127.0.0.1:8001\n"
