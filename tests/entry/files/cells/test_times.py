"""Times in the spellings that files have; what is not certain is refused."""

from datetime import UTC, datetime

import pytest

from app.entry.files.cells.formats import Formats
from app.entry.files.cells.times import DAY_FIRST, EITHER, MONTH_FIRST, order_of, parsed

READ: dict[str, tuple[int, ...]] = {
    "2026-01-31T12:00:00.123456789Z": (2026, 1, 31, 12, 0, 0, 123_456),
    "2026-01-31 12:00:00 +0200 UTC": (2026, 1, 31, 10),
    "2026-01-31T12": (2026, 1, 31, 12),
    "20260131T120000Z": (2026, 1, 31, 12),
    "20260131": (2026, 1, 31),
    "2026/1/31 8:26": (2026, 1, 31, 8, 26),
    "2026.01.31": (2026, 1, 31),
    "01.12.2010 08:26": (2010, 12, 1, 8, 26),
    "1.12.2010, 8:26:09": (2010, 12, 1, 8, 26, 9),
    "13/1/2010 8:26": (2010, 1, 13, 8, 26),
    "1/13/2010 8:26:00 PM": (2010, 1, 13, 20, 26),
    "1/13/2010 12:05 a.m.": (2010, 1, 13, 0, 5),
    "01-13-2010T08:26+01:00": (2010, 1, 13, 7, 26),
    "2/2/2010": (2010, 2, 2),
    "1700000000000": (2023, 11, 14, 22, 13, 20),
}
REFUSED = ["01/02/10", "1/2", "31.31.2010", "13/13/2010", "1/13/2010 13:00 PM", "12.01", "1 Dec 2010", "2026-1", "0"]


class TestParsed:
    @pytest.mark.parametrize("text", READ)
    def test_what_is_certain_is_read(self, text: str) -> None:
        assert parsed(text, Formats()) == datetime(*READ[text], tzinfo=UTC)  # type: ignore[arg-type,misc]

    @pytest.mark.parametrize("text", REFUSED)
    def test_what_is_not_certain_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"is not a time|is too small"):
            parsed(text, Formats())

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("1/2/2010", '"%d/%m/%Y" or --date-format "%m/%d/%Y"'),
            ("01-02-2010 08:26", '"%d-%m-%Y %H:%M" or'),
            ("1/2/2010 8:26:05 PM", '"%d/%m/%Y %I:%M:%S %p" or'),
        ],
    )
    def test_the_order_of_day_and_month_is_asked_for(self, text: str, says: str) -> None:
        with pytest.raises(ValueError, match=says):
            parsed(text, Formats())

        assert parsed(text, Formats(), DAY_FIRST).day == parsed(text, Formats(), MONTH_FIRST).month == 1

    @pytest.mark.parametrize(
        ("text", "date_format", "day"),
        [("1/2/2010 8:26", "%m/%d/%Y %H:%M", 2), ("1 Dec 10", "%d %b %y", 1), ("2010-12-1 +0200", "%Y-%m-%d %z", 30)],
    )
    def test_a_form_that_is_named_is_the_only_one(self, text: str, date_format: str, day: int) -> None:
        formats = Formats(date_format=date_format)

        assert parsed(text, formats).day == day
        with pytest.raises(ValueError, match=f"does not have the form {date_format[:2]}"):
            parsed("2010-12-01", formats)


class TestOrder:
    @pytest.mark.parametrize(
        ("text", "order"),
        [
            ("13/1/2010", DAY_FIRST),
            ("1-13-2010 8:26", MONTH_FIRST),
            ("1/2/2010 UTC", EITHER),
            ("2/2/2010", None),
            ("01.02.2010", None),
            ("2010-01-02", None),
            ("tea", None),
        ],
    )
    def test_a_text_shows_its_order(self, text: str, order: str | None) -> None:
        assert order_of(text) == order
