"""Determines the type of each column of a text from all its cells: a column keeps one type.

A column of properties is a number only if all its filled cells are plain numbers: codes such as 007, 1E10 and 23 digits
stay text. It is true or false only if all of them say so. A column of ids that pandas wrote as 11.0 is one of whole
numbers only if all its filled cells look so.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from app.entry.files.columns import Plan
from app.entry.files.rows import FileRow

INTEGER, DECIMAL, BOOLEAN, TEXT = "integer", "decimal", "boolean", "text"
WHOLE, SINGLE, COMMAS = "whole", "single", "commas"
TYPES: Mapping[frozenset[str], str] = {
    **{frozenset({kind}): kind for kind in (INTEGER, DECIMAL, BOOLEAN, WHOLE, SINGLE, COMMAS)},
    frozenset({INTEGER, DECIMAL}): DECIMAL,
    frozenset({SINGLE, COMMAS}): COMMAS,
}
"""The type of a column whose cells are of these kinds; other mixtures are text."""
INTEGERS = re.compile(r"-?(0|[1-9]\d{0,14})", re.ASCII)
DECIMALS = re.compile(r"(?!.{19})-?(0|[1-9]\d{0,14})\.\d{1,16}", re.ASCII)
BOOLEANS = re.compile(r"true|false", re.ASCII | re.IGNORECASE)
WHOLE_IDS = re.compile(r"\d{1,16}\.0+", re.ASCII)
IDS = ("user_id", "session_id", "item_id", "event_id")
MISSING = frozenset(
    {"", "NULL", "null", "Null", "NA", "N/A", "#N/A", "<NA>", "nan", "NaN", "NAN", "NaT", "None", "\\N"}
)
"""Cells that stand for no value in databases, pandas and R."""
MOST_TEXTS = 1_000
"""After so many cells of text, and fewer others, a column is certainly meant as text."""
SHOWN_CHARACTERS = 40

CellKinds = Mapping[str, Mapping[str, Sequence[Any]]]
"""Column -> kind -> how many of its cells are of this kind, and the first of them."""


class Exceptions(NamedTuple):
    """The few cells that make a column text."""

    column: str
    is_boolean: bool
    """Whether all other cells are true or false, and not numbers."""
    number: int
    total: int
    """All filled cells."""
    first: str


class ColumnTypes:
    """The types of the columns, as far as the rows were seen."""

    def __init__(self, plan: Plan, cells: CellKinds | None = None) -> None:
        """`cells`: of rows seen before, as JSON keeps them."""
        ids = {column for name in IDS for column in plan.fields.get(name, ())}
        self._properties = dict.fromkeys(column for column in plan.properties.values() if column not in ids)
        self._kind_of = dict.fromkeys(ids, _id_kind) | dict.fromkeys(self._properties, _property_kind)
        self._kind_of |= dict.fromkeys(plan.fields.get("categories", ()), _category_kind)
        self.cells: dict[str, dict[str, list[Any]]] = {}
        for column, kinds in (cells or {}).items():
            self.cells[column] = {kind: list(cells_) for kind, cells_ in kinds.items()}
            self._settle(column)

    def see(self, row: FileRow) -> None:
        """Narrows the types down by one more row."""
        texts = []
        for column, kind_of in self._kind_of.items():
            cell = row.fields.get(column, "").strip()
            if cell in MISSING:
                continue
            kind = kind_of(cell)
            kinds = self.cells.setdefault(column, {})
            if kind in kinds:
                kinds[kind][0] += 1
            else:
                kinds[kind] = [1, cell[:SHOWN_CHARACTERS]]
            if kind == TEXT:
                texts.append(column)
        for column in texts:
            self._settle(column)

    def types(self) -> dict[str, str]:
        """The type of each column that has a filled cell."""
        return {column: TYPES.get(frozenset(kinds), TEXT) for column, kinds in self.cells.items()}

    def exceptions(self) -> Iterator[Exceptions]:
        """Yields what makes text of columns whose cells are mostly numbers, or mostly true or false."""
        for column in self._properties:
            counts, firsts = Counter[str](), dict[str, str]()
            for kind, (number, first) in self.cells.get(column, {}).items():
                type_ = DECIMAL if kind == INTEGER else kind
                counts[type_] += number
                firsts.setdefault(type_, first)
            total = counts.total()
            usual, most = max(counts.items(), key=lambda pair: pair[1], default=(TEXT, 0))
            if usual != TEXT and total // 2 < most < total:
                first = next(first for type_, first in firsts.items() if type_ != usual)
                yield Exceptions(column, usual == BOOLEAN, total - most, total, first)

    def _settle(self, column: str) -> None:
        """Stops looking at a column that is text, unless the few cells that make it text have to be counted."""
        kinds = self.cells[column]
        texts = kinds.get(TEXT, [0])[0]
        others = sum(number for kind, (number, _) in kinds.items() if kind != TEXT)
        if texts > (max(MOST_TEXTS, others) if column in self._properties else 0):
            self._kind_of.pop(column, None)


def _property_kind(cell: str) -> str:
    if INTEGERS.fullmatch(cell):
        return INTEGER
    if DECIMALS.fullmatch(cell):
        return DECIMAL
    return BOOLEAN if BOOLEANS.fullmatch(cell) else TEXT


def _id_kind(cell: str) -> str:
    return WHOLE if WHOLE_IDS.fullmatch(cell) else TEXT


def _category_kind(cell: str) -> str:
    """Lists of categories are text; a column without any may have cells with commas that are meant as lists."""
    if "|" in cell or cell.startswith("["):
        return TEXT
    return COMMAS if "," in cell or ";" in cell else SINGLE
