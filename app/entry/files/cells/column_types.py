"""Determines the type of each column from all its cells: a column keeps one type, whatever the format of the file is.

A column of properties is a number only if all its filled cells are plain numbers: codes such as 007, 1E10 and 23 digits
stay text, and so do large integers of JSON and Parquet. It is true or false only if all of them say so. A column of ids
that pandas wrote as 11.0 is one of whole numbers only if all its filled cells look so. Times such as 01/02/2026 are
read if another cell of their column shows whether the day or the month comes first.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from app.entry.files import dialects
from app.entry.files.cells.decimals import is_exact, is_whole
from app.entry.files.cells.formats import POINT, Formats, Notation
from app.entry.files.cells.times import DAY_FIRST, MONTH_FIRST, ORDERED, order_of
from app.entry.files.columns import Plan
from app.entry.files.rows import FileRow

INTEGER, DECIMAL, BOOLEAN, CODE, FORMATTED, TEXT = "integer", "decimal", "boolean", "code", "formatted", "text"
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
MOST_KEYS = 2_000
"""The types of so many keys of JSON are told apart: a checkpoint has to hold them."""
MOST_TEXTS = 1_000
"""After so many cells of text, and fewer others, a column is certainly meant as text."""
SHOWN_CHARACTERS = 40

CellKinds = Mapping[str, Mapping[str, Sequence[Any]]]
"""Column -> kind -> how many of its cells are of this kind, and the first of them."""


class Exceptions(NamedTuple):
    """The cells that make a column text, though most of its cells are something else."""

    column: str
    usual: str
    """What most cells are: DECIMAL for any plain number, BOOLEAN, or besides plain numbers CODE or FORMATTED."""
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
        file_format: str,
        wide_columns: Collection[str] = (),
    ) -> None:
        """Looks at all cells of a text and all properties of JSON. Of Parquet, which has types, it looks at few.

        Args:
            plan: what becomes of the columns.
            formats: how the user says that numbers are written.
            cells: rows seen before, as JSON keeps them.
            file_format: the format of the file.
            wide_columns: columns of Parquet whose numbers may have more digits than JSON can hold.
        """
        ids = {column for name in IDS for column in plan.fields.get(name, ())}
        self.formats, self._plan = formats, plan
        self._missing = frozenset({""}) if file_format == dialects.JSON else MISSING
        self._properties = dict.fromkeys(column for column in plan.properties.values() if column not in ids)
        self._properties |= dict.fromkeys(plan.more_properties(cells or ()))
        times = [column for name in TIMES_OF for column in plan.fields.get(name, ())]
        self._kind_of: dict[str, Callable[[Any], str | None]] = dict.fromkeys(times, _time_kind)
        if file_format == dialects.TEXT:
            self._kind_of |= dict.fromkeys(ids, _id_kind)
            self._kind_of |= dict.fromkeys(self._properties, partial(_property_kind, formats.notation))
            self._kind_of |= dict.fromkeys(plan.fields.get("categories", ()), _category_kind)
        else:
            is_json = file_format == dialects.JSON
            columns = self._properties if is_json else self._properties.keys() & wide_columns
            self._kind_of |= dict.fromkeys(columns, _typed_kind)
        self.cells: dict[str, dict[str, list[Any]]] = {}
        for column, kinds in (cells or {}).items():
            self.cells[column] = {kind: list(cells_) for kind, cells_ in kinds.items()}
            self._settle(column)

    def see(self, row: FileRow) -> None:
        """Narrows the types down by one more row."""
        texts = []
        for name in self._plan.more_properties(row.fields):
            if name not in self._properties and len(self._properties) < MOST_KEYS:
                self._properties[name] = None
                self._kind_of[name] = _typed_kind
        for column, kind_of in self._kind_of.items():
            cell = row.fields.get(column)
            if isinstance(cell, str):
                cell = cell.strip()
            if cell is None or (isinstance(cell, str) and cell in self._missing):
                continue
            kind = kind_of(cell)
            if kind is None:
                continue
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
            codes = counts[CODE]
            if codes and codes + counts[DECIMAL] == total:
                yield Exceptions(column, CODE, codes, total, firsts[CODE])
            elif usual is not None and counts[usual] < total:
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
    if POINT.numbers.fullmatch(cell):
        return CODE
    return FORMATTED if FORMATS.fullmatch(cell) else TEXT


def _time_kind(cell: object) -> str:
    return (order_of(cell) if isinstance(cell, str) else None) or TIME


def _typed_kind(cell: object) -> str | None:
    """The kind of a cell of JSON or Parquet. None for lists and objects."""
    if isinstance(cell, bool):
        return BOOLEAN
    if isinstance(cell, float):
        return DECIMAL
    if isinstance(cell, int | Decimal):
        return CODE if not is_exact(cell) else INTEGER if is_whole(cell) else DECIMAL
    return TEXT if isinstance(cell, str) else None


def _id_kind(cell: str) -> str:
    return WHOLE if WHOLE_IDS.fullmatch(cell) else TEXT


def _category_kind(cell: str) -> str:
    """Lists of categories are text; a column without any may have cells with commas that are meant as lists."""
    if "|" in cell or cell.startswith("["):
        return TEXT
    return COMMAS if "," in cell or ";" in cell else SINGLE
