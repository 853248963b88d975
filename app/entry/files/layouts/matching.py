"""Finds the layout of a file by its columns."""

import re
from collections.abc import Collection

from app.entry.files.dialects import Dialect, split
from app.entry.files.layouts.exports import EXPORTS
from app.entry.files.layouts.layout import Layout
from app.entry.files.layouts.movielens import MOVIELENS
from app.entry.files.layouts.shops import SHOPS
from app.entry.files.layouts.sites import SITES

LAYOUTS = (*MOVIELENS, *SHOPS, *SITES, *EXPORTS)


def of_columns(names: Collection[str]) -> Layout | None:
    """Returns the layout with most of these columns. None if none fits."""
    present = set(names)
    fitting = [
        layout
        for layout in LAYOUTS
        if layout.has_header and present.issuperset(layout.columns) and present.isdisjoint(layout.without)
    ]
    return max(fitting, key=lambda layout: len(layout.columns), default=None)


def of_first_line(dialect: Dialect) -> Layout | None:
    """Returns the layout of a file without a header. None if its first line fits none."""
    return next((layout for layout in LAYOUTS if not layout.has_header and _fits(layout, dialect)), None)


def _fits(layout: Layout, dialect: Dialect) -> bool:
    if layout.delimiter != dialect.delimiter:
        return False
    fields = split(dialect.head[0], layout.delimiter, quoted=False)
    return len(fields) == len(layout.patterns) and all(map(re.fullmatch, layout.patterns, fields))
