"""What all commands share: the project they work on, and tables and JSON on the terminal."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from app.entry.cli import terminal
from app.entry.local import dynamodb, environment, home
from tests.support.command_line import Ended, command
from tests.support.datasets import ROOT

ID = "j20261128T075122526911-45fd" * 3
DETAIL = "Gave up after 5 attempts at the same checkpoint. " * 4


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one; DynamoDB Local is installed in it."""
    monkeypatch.chdir(tmp_path)
    home.HOME.mkdir()
    (home.HOME / "dynamodb-local").symlink_to(dynamodb.install(ROOT / ".serendip"))
    (tmp_path / "rows.csv").write_text("user_id,item_id\nann,tea\n")
    return tmp_path


class TestConnectProject:
    def test_a_fresh_local_database_gets_the_configured_project_and_no_mistyped_one_later(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def run(project: str, *arguments: str) -> Ended:
            return command(capsys, folder, {"SERENDIP_PROJECT": project}, *arguments)

        assert run("shop", "import", "rows.csv").code == 0

        with environment.serving(home.HOME, home.database_folder(home.HOME, None)) as laptop:
            for arguments in (("import", "rows.csv"), ("imports",), ("jobs", "list"), ("keys", "list")):
                beside = run("typo", *arguments)
                assert (beside.code, beside.out) == (1, "")
                assert "There is no project 'typo'" in beside.err
            listed = laptop.wired.services.projects.list_page(None, 10).records
            assert [project.project_id for project in listed] == ["shop"]
            assert run("second", "projects", "create", "second").code == 0
            assert run("second", "import", "rows.csv").code == 0

        alone = run("typo", "serve", "--port", str(dynamodb.free_port()))
        assert alone.code == 1
        assert "There is no project 'typo'" in alone.err


class TestPrintRows:
    @pytest.mark.parametrize("width", [20, 80, 200])
    @pytest.mark.parametrize("is_terminal", [True, False])
    def test_ids_stay_whole_and_no_cell_is_cut_off_however_narrow_the_terminal(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int, *, is_terminal: bool
    ) -> None:
        monkeypatch.setattr(terminal, "console", Console(width=width, force_terminal=is_terminal))

        terminal.print_rows(("Job", "State", "Detail"), [(ID, "succeeded", DETAIL)], "There are none.")

        printed = capsys.readouterr().out
        assert ID in printed
        assert "\u2026" not in printed
        cells = [
            "".join(filter(str.isalnum, line.split("\u2502")[-2])) for line in printed.splitlines() if "\u2502" in line
        ]
        assert "".join(cells) == "".join(filter(str.isalnum, DETAIL))
        if not is_terminal:
            assert f"\u2502 {DETAIL.strip()} " in printed

    def test_a_title_in_brackets_is_not_taken_for_a_color(self, capsys: pytest.CaptureFixture[str]) -> None:
        terminal.print_rows(("Item", "Title"), [("tea", "[red] tea")], "There are none.")

        assert "[red] tea" in capsys.readouterr().out

    def test_no_rows_are_a_sentence(self, capsys: pytest.CaptureFixture[str]) -> None:
        terminal.print_rows(("Item",), [], "There are none.")

        assert capsys.readouterr().out == "There are none.\n"


class TestPrintJson:
    def test_times_are_iso_8601(self, capsys: pytest.CaptureFixture[str]) -> None:
        terminal.print_json([{"created_at": datetime(2026, 1, 31, 12, tzinfo=UTC), "name": "Grün"}])

        assert orjson.loads(capsys.readouterr().out) == [{"created_at": "2026-01-31T12:00:00+00:00", "name": "Grün"}]
