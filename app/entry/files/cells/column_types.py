"""Determines the type of each column of a text from all its cells: a column keeps one type.

A column of properties is a number only if all its filled cells are plain numbers: codes such as 007, 1E10 and 23 digits
stay text. It is true or false only if all of them say so. A column of ids that pandas wrote as 11.0 is one of whole
numbers only if all its filled cells look so. Times such as 01/02/2026 are read if another cell of their column shows
whether the day or the month comes first.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from app.entry.files.cells.decimals import is_exact, is_whole
from app.entry.files.cells.formats import Formats, Notation
from app.entry.files.cells.times import DAY_FIRST, MONTH_FIRST, ORDERED, order_of
from app.entry.files.columns import Plan
from app.entry.files.rows import FileRow

INTEGER, DECIMAL, BOOLEAN, FORMATTED, TEXT = "integer", "decimal", "boolean", "formatted", "text"
WHOLE, SINGLE, COMMAS, TIME = "whole", "single", "commas", "time"
SINGLE_PRECISION = "single precision"
"""The type of a column of Parquet with floats of 32 bits."""
TYPES: Mapping[frozenset[str], str] = {
    **{frozenset({kind}): kind for kind in (INTEGER, DECIMAL, BOOLEAN, WHOLE, SINGLE, COMMAS)},
    frozenset({INTEGER, DECIMAL}): DECIMAL,
    frozenset({SINGLE, COMMAS}): COMMAS,
}
"""The type of a column whose cells are of these kinds; other mixtures are text."""
TIMES = ORDERED | {TIME}
BOOLEANS = re.compile(r"true|false", re.ASCII | re.IGNORECASE)
FORMATS = re.compile(
    r"(?=.*[.,'\u2019 $€£¥%])[-+]?\s*[$€£¥]?\s*"
    r"\d{1,3}(([.,'\u2019\s]\d{3})+|\d*)([.,]\d+)?\s*([$€£¥%]|EUR|USD|GBP|CHF)?",
    re.ASCII,
)
"""Numbers with a currency, thousands separators or a decimal comma."""
WHOLE_IDS = re.compile(r"\d{1,16}\.0+", re.ASCII)
TIMES_OF = ("timestamp", "expires_at")
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
    """The cells that make a column text, though most of its cells are something else."""

    column: str
    usual: str
    """What most cells are: DECIMAL for any plain number, BOOLEAN, or FORMATTED."""
    number: int
    total: int
    """All filled cells."""
    first: str


class ColumnTypes:
    """The types of the columns, as far as the rows were seen."""

    def __init__(
        self,
        plan: Plan,
        formats: Formats,
        cells: CellKinds | None = None,
        *,
        is_text: bool,
        wide_columns: Collection[str] = (),
    ) -> None:
        """Looks at all cells of a text; in other files cells have types, and only some need a closer look.

        Args:
            plan: what becomes of the columns.
            formats: how the user says that numbers are written.
            cells: rows seen before, as JSON keeps them.
            is_text: whether the file is a text.
            wide_columns: columns of another file whose numbers may have more digits than JSON can hold.
        """
        ids = {column for name in IDS for column in plan.fields.get(name, ())}
        self.formats = formats
        self._properties = dict.fromkeys(column for column in plan.properties.values() if column not in ids)
        times = [column for name in TIMES_OF for column in plan.fields.get(name, ())]
        self._kind_of: dict[str, Callable[[Any], str]] = dict.fromkeys(times, _time_kind)
        if is_text:
            self._kind_of |= dict.fromkeys(ids, _id_kind)
            self._kind_of |= dict.fromkeys(self._properties, partial(_property_kind, formats.notation))
            self._kind_of |= dict.fromkeys(plan.fields.get("categories", ()), _category_kind)
        else:
            self._kind_of |= {column: _number_kind for column in self._properties if column in wide_columns}
        self.cells: dict[str, dict[str, list[Any]]] = {}
        for column, kinds in (cells or {}).items():
            self.cells[column] = {kind: list(cells_) for kind, cells_ in kinds.items()}
            self._settle(column)

    def see(self, row: FileRow) -> None:
        """Narrows the types down by one more row."""
        texts = []
        for column, kind_of in self._kind_of.items():
            cell = row.fields.get(column)
            if isinstance(cell, str):
                cell = cell.strip()
            if cell is None or (isinstance(cell, str) and cell in MISSING):
                continue
            kind = kind_of(cell)
            kinds = self.cells.setdefault(column, {})
            if kind in kinds:
                kinds[kind][0] += 1
            else:
                kinds[kind] = [1, str(cell)[:SHOWN_CHARACTERS]]
            if kind == TEXT:
                texts.append(column)
        for column in texts:
            self._settle(column)

    def types(self) -> dict[str, str]:
        """The type of each column that has a filled cell."""
        return {column: _type(frozenset(kinds)) for column, kinds in self.cells.items()}

    def exceptions(self) -> Iterator[Exceptions]:
        """Yields what makes text of columns that look like something else."""
        for column in self._properties:
            counts, firsts = Counter[str](), dict[str, str]()
            for kind, (number, first) in self.cells.get(column, {}).items():
                type_ = DECIMAL if kind == INTEGER else kind
                counts[type_] += number
                firsts.setdefault(type_, first)
            total, formatted = counts.total(), counts[FORMATTED]
            usual = next((type_ for type_ in (DECIMAL, BOOLEAN) if counts[type_] > total // 2), None)
            if usual is not None and counts[usual] < total:
                first = next(first for type_, first in firsts.items() if type_ != usual)
                yield Exceptions(column, usual, total - counts[usual], total, first)
            elif formatted and formatted + counts[DECIMAL] > total // 2:
                yield Exceptions(column, FORMATTED, formatted, total, firsts[FORMATTED])

    def _settle(self, column: str) -> None:
        """Stops looking at a column that is text, unless the few cells that make it text have to be counted."""
        kinds = self.cells[column]
        texts = kinds.get(TEXT, [0])[0]
        others = sum(number for kind, (number, _) in kinds.items() if kind != TEXT)
        if texts > (max(MOST_TEXTS, others) if column in self._properties else 0):
            self._kind_of.pop(column, None)


def _type(kinds: frozenset[str]) -> str:
    if kinds <= TIMES:
        orders = kinds & {DAY_FIRST, MONTH_FIRST}
        return min(orders) if len(orders) == 1 else TIME
    return TYPES.get(kinds, TEXT)


def _property_kind(notation: Notation, cell: str) -> str:
    if notation.integers.fullmatch(cell):
        return INTEGER
    if notation.decimals.fullmatch(cell):
        return DECIMAL
    if BOOLEANS.fullmatch(cell):
        return BOOLEAN
    return FORMATTED if FORMATS.fullmatch(cell) else TEXT


def _time_kind(cell: object) -> str:
    return (order_of(cell) if isinstance(cell, str) else None) or TIME


def _number_kind(cell: Decimal | int) -> str:
    if not is_exact(cell):
        return TEXT
    return INTEGER if is_whole(cell) else DECIMAL


def _id_kind(cell: str) -> str:
    return WHOLE if WHOLE_IDS.fullmatch(cell) else TEXT


def _category_kind(cell: str) -> str:
    """Lists of categories are text; a column without any may have cells with commas that are meant as lists."""
    if "|" in cell or cell.startswith("["):
        return TEXT
    return COMMAS if "," in cell or ";" in cell else SINGLE
