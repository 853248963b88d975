"""Determines the type of each column of a text from all its cells: a column keeps one type.

A column of properties is a number only if all its filled cells are plain numbers: codes such as 007, 1E10 and 23 digits
stay text. A column of ids that pandas wrote as 11.0 is one of whole numbers only if all its filled cells look so.
"""

import re
from collections.abc import Mapping

from app.entry.files.columns import Plan
from app.entry.files.rows import FileRow

INTEGER, DECIMAL, TEXT, WHOLE, SINGLE, COMMAS = "integer", "decimal", "text", "whole", "single", "commas"
INTEGERS = re.compile(r"-?(0|[1-9]\d{0,14})", re.ASCII)
DECIMALS = re.compile(r"(?!.{19})-?(0|[1-9]\d{0,14})\.\d{1,16}", re.ASCII)
WHOLE_IDS = re.compile(r"\d{1,16}\.0+", re.ASCII)
IDS = ("user_id", "session_id", "item_id", "event_id")
MISSING = frozenset(
    {"", "NULL", "null", "Null", "NA", "N/A", "#N/A", "<NA>", "nan", "NaN", "NAN", "NaT", "None", "\\N"}
)
"""Cells that stand for no value in databases, pandas and R."""


class ColumnTypes:
    """The types of the columns, as far as the rows were seen."""

    def __init__(self, plan: Plan, types: Mapping[str, str] | None = None) -> None:
        """`types`: of rows seen before, as `types` returned them."""
        self.types = dict(types or {})
        ids = {column for name in IDS for column in plan.fields.get(name, ())}
        self._next = dict.fromkeys(ids, _id_type) | {
            column: _property_type for column in plan.properties.values() if column not in ids
        }
        self._next |= dict.fromkeys(plan.fields.get("categories", ()), _categories_type)
        for column, type_ in self.types.items():
            if type_ == TEXT:
                self._next.pop(column, None)

    def see(self, row: FileRow) -> None:
        """Narrows the types down by one more row."""
        settled = []
        for column, next_type in self._next.items():
            cell = row.fields.get(column, "").strip()
            if cell in MISSING:
                continue
            type_ = self.types[column] = next_type(self.types.get(column), cell)
            if type_ == TEXT:
                settled.append(column)
        for column in settled:
            del self._next[column]


def _property_type(before: str | None, cell: str) -> str:
    if INTEGERS.fullmatch(cell):
        return before or INTEGER
    return DECIMAL if DECIMALS.fullmatch(cell) else TEXT


def _id_type(_: str | None, cell: str) -> str:
    return WHOLE if WHOLE_IDS.fullmatch(cell) else TEXT


def _categories_type(before: str | None, cell: str) -> str:
    """Lists of categories are text; a column without any may have cells with commas that are meant as lists."""
    if "|" in cell or cell.startswith("["):
        return TEXT
    return COMMAS if "," in cell or ";" in cell else before or SINGLE
