"""Tables and JSON on the terminal."""

from datetime import UTC, datetime

import orjson
import pytest
from rich.console import Console

from app.entry.cli import terminal

ID = "j20261128T075122526911-45fd" * 3
DETAIL = "Gave up after 5 attempts at the same checkpoint. " * 4


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
