"""How a file writes numbers and times, as far as the user says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

GROUPS = r"[1-9]\d{0,2}(?P<separator>[.'\u2019\u00a0\u202f ])\d{3}(?:(?P=separator)\d{3}){0,3}"
"""A whole number with thousands separators, as they are written beside a decimal comma."""


@dataclass(frozen=True)
class Notation:
    """How numbers are written."""

    integers: re.Pattern[str]
    """Whole numbers that are no codes: those have leading zeros or many digits."""
    decimals: re.Pattern[str]
    """Other numbers that are no codes."""
    numbers: re.Pattern[str]
    """Everything that may stand where a number is expected."""
    decimal: str
    problem: str
    """What is wrong with other texts."""

    def plain(self, text: str) -> str:
        """Returns a number as Python writes it."""
        return text if self.decimal == "." else re.sub(r"[^0-9,+-]", "", text).replace(",", ".")


POINT = Notation(
    re.compile(r"-?(0|[1-9]\d{0,14})", re.ASCII),
    re.compile(r"(?!.{19})-?(0|[1-9]\d{0,14})\.\d{1,16}", re.ASCII),
    re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII),
    ".",
    "is not a number (write 1299.5, without currency or thousands separators)",
)
COMMA = Notation(
    re.compile(rf"-?(0|[1-9]\d{{0,14}}|{GROUPS})", re.ASCII),
    re.compile(rf"(?!.{{23}})-?(0|[1-9]\d{{0,14}}|{GROUPS}),\d{{1,16}}", re.ASCII),
    re.compile(rf"[+-]?(\d+|{GROUPS})(,\d*)?", re.ASCII),
    ",",
    "is not a number with a decimal comma (write 1299,5 or 1.299,5, without a currency)",
)
NAME_COMMA = "for a decimal comma, name it: --decimal , (in a job: decimal)"
NOTATIONS: Mapping[str, Notation] = {notation.decimal: notation for notation in (POINT, COMMA)}


@dataclass(frozen=True)
class Formats:
    """What the user says about the numbers and times of a file."""

    time_unit: str | None = None
    """The unit of numeric times. None recognizes it by their size."""
    date_format: str | None = None
    """How times are written, in codes of strptime. None recognizes ISO 8601 and other forms that are certain."""
    decimal: str = "."

    @property
    def notation(self) -> Notation:
        return NOTATIONS[self.decimal]
