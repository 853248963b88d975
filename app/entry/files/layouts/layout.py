"""The form of a layout: the columns of a well-known file, and what they mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

EVENTS, ITEMS, USERS, BOTH = "events", "items", "users", "events,items"
RATING = {"event_type": "rating"}
NUMBER, TEXT, ANY = r"\d+", r".+", r".*"
ISO_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
EPOCH = r"\d{9,10}"
STARS = r"\d(\.\d)?|10"
SHA1 = r"[0-9a-f]{40}"


@dataclass(frozen=True)
class Layout:
    """The columns of a known kind of file, and what they mean."""

    name: str
    kind: str | None
    """None: the file is of no use for recommendations."""
    columns: Sequence[str]
    """Columns that the file has, and perhaps others; without a header, all of them in their order."""
    fields: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    """Our field -> their column or columns, as far as the file has them."""
    patterns: Sequence[str] = ()
    """Of files without a header: what each field of the first line must match."""
    delimiter: str = ""
    encoding: str | None = None
    constants: Mapping[str, str] = field(default_factory=dict)
    """Our field -> its value in every row."""
    event_types: Mapping[str, str] = field(default_factory=dict)
    """Their event type -> ours. Other types stay what they are."""
    is_quoted: bool = True
    """Whether cells may stand in quotes, if the file has a header. Without one, a quote is a character like others."""
    explode: str | None = None
    """The column with a list of items, each an event of its own."""
    missing: Sequence[str] = ()
    """Cells that stand for no value, beside those of all files."""
    names_all_events: bool = False
    """Whether rows of any type may lack an item, because the site's other events are among them."""
    without: Sequence[str] = ()
    """Columns that files of this kind do not have."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """A column of 0 and 1 -> the category of items that it marks with 1."""
    ignored: Sequence[str] = ()
    """Columns whose names look like our fields and mean something else."""
    unused_because: str = ""

    @property
    def has_header(self) -> bool:
        return not self.patterns


def unused(name: str, reason: str, *columns: str) -> Layout:
    """A file of a known data set that recommendations cannot use."""
    return Layout(name, None, columns, unused_because=reason)


def headerless(name: str, kind: str | None, delimiter: str, columns: Mapping[str, str], **more: object) -> Layout:
    """A file without a header; `columns` has the pattern of each column."""
    return Layout(name, kind, tuple(columns), patterns=tuple(columns.values()), delimiter=delimiter, **more)  # type: ignore[arg-type]
