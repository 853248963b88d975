"""Plans how the columns of a file become our fields: by the user's mapping, a known layout, and our own names."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property

from app.api.schemas.imports import valid_mapping
from app.domain.jobs import IMPORT_FIELDS, PROPERTY
from app.entry.files.kinds import (
    FIELDS,
    LIKED,
    LIKED_WORDS,
    OWNERS,
    QUANTITY,
    QUANTITY_WORDS,
    TYPE_WORDS,
    Columns,
    advice,
    normalized,
)
from app.entry.files.layouts.layout import BOTH, EVENTS, ITEMS, USERS, Layout
from app.entry.files.rows import FileError
from app.recommender.events.kinds import is_known

RATINGS = ("rating", "score")
ALIASES = {normalized(name): name for name in IMPORT_FIELDS} | {"category": "categories", "eventvalue": "value"}
NO_LAYOUT = Layout("", None, ())
NO_NAME = "(no name)"
INDEX = re.compile(r"Unnamed: 0(\.\d+)*|__index_level_\d+__")
"""The numbers of the rows, as pandas writes and reads them."""


@dataclass(frozen=True)
class Plan:
    """What becomes of each column."""

    kind: str
    fields: Mapping[str, Sequence[str]]
    """Our field -> its columns; all of them make up `categories`, the first that is filled the other fields."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """The name of a property -> its column."""
    has_more: bool = False
    """Whether other keys of a row become properties too, as in JSON Lines."""
    constants: Mapping[str, str] = field(default_factory=dict)
    assumed: Mapping[str, str] = field(default_factory=dict)
    """Our field -> its column, which has another usual name for it; also `liked` and `quantity`."""
    ignored: Mapping[str, str] = field(default_factory=dict)
    """Column -> why it is ignored; empty if only because events have no such field."""
    layout: Layout = NO_LAYOUT

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to read."""
        used = [column for columns in self.fields.values() for column in columns]
        exploded = [self.layout.explode] if self.layout.explode else []
        return tuple(dict.fromkeys((*used, *self.properties.values(), *self.layout.flags, *exploded)))

    def has_types(self, names: Collection[str]) -> bool:
        """Whether one of these columns of a file says what type each event is."""
        return any(column in names for column in (*self.fields.get("event_type", ()), *self.fields.get(LIKED, ())))

    def more_properties(self, names: Iterable[str]) -> list[str]:
        """Those names of a row that become properties besides those that the plan names."""
        return [name for name in names if name not in self._others] if self.has_more else []

    @cached_property
    def _others(self) -> frozenset[str]:
        return frozenset(("", *self.columns, *self.ignored, *self.layout.ignored, *self.properties))


def planned(
    file: str,
    names: Sequence[str],
    layout: Layout | None,
    kind: str | None,
    mapping: Mapping[str, str],
    *,
    is_json: bool,
    in_job: bool,
) -> Plan:
    """Returns the plan of a file with these columns.

    Args:
        file: its name.
        names: its columns.
        layout: its layout, if it is well-known.
        kind: the kind that the user stated, if they did.
        mapping: our field -> the file's column, as the user stated it.
        is_json: whether rows may have other keys than these.
        in_job: whether the advice in errors is for a job.

    Raises:
        FileError: a mapping names a column or a field that does not exist, or the kind is not certain.
    """
    check_mapping(file, names, mapping)
    if layout is not None and kind is not None and layout.kind not in {kind, BOTH}:
        layout = None
    layout = layout or NO_LAYOUT
    fields = _of_layout(layout, names) | {ours: (theirs,) for ours, theirs in mapping.items()}
    mapped = set(fields)
    displaced = _add_our_names(fields, names, mapping, layout)
    constants = dict(layout.constants)
    if not layout.constants:
        _add_rating(fields, names, constants, kind)
    if layout.constants.get("event_type") and "event_type" in mapping:
        del constants["event_type"]
    present = Columns(file, dict(fields), names, mapped, in_job)
    decision = kind or layout.kind or present.kind()
    present.check(decision)
    _check_spellings(present, decision, mapping, layout)
    assumed = _assumed(present, layout, fields, constants) if decision in {EVENTS, BOTH} else {}
    fields |= {ours: (theirs,) for ours, theirs in assumed.items()}
    used = {column for columns in fields.values() for column in columns}
    of_kind = {ours: columns for ours, columns in fields.items() if ours in FIELDS[decision] or ours in assumed}
    properties = {
        ours.removeprefix(PROPERTY): columns[0] for ours, columns in fields.items() if ours.startswith(PROPERTY)
    }
    displaced |= {name: "row numbers of pandas" for name in names if INDEX.fullmatch(name) and name not in used}
    rest = [
        name
        for name in names
        if name and name not in used | displaced.keys() | {layout.explode, *layout.flags, *layout.ignored}
    ]
    if decision in {ITEMS, USERS}:
        unused = {column for ours, columns in fields.items() if ours not in of_kind for column in columns}
        rest += sorted(unused - set(properties.values()))
        displaced |= {name: _displaced(f"{PROPERTY}{name}", properties[name]) for name in rest if name in properties}
        properties = {name: name for name in rest} | properties
        rest = []
    elif decision == EVENTS:
        properties = {}
    read = {column for columns in of_kind.values() for column in columns} | {*properties.values(), *layout.flags}
    unread = [name for name in names if name and name not in read | displaced.keys() | {layout.explode}]
    ignored = displaced | dict.fromkeys(unread, "")
    if "" in names:
        ignored[NO_NAME] = ""
    if is_json:
        of_kind = {ours: (ours,) for ours in FIELDS[decision] if ours not in layout.ignored} | of_kind
    has_more = is_json and decision in {ITEMS, USERS}
    return Plan(decision, of_kind, properties, has_more, constants, assumed, ignored, layout)


def check_mapping(file: str, names: Sequence[str], mapping: Mapping[str, str]) -> None:
    """Raises FileError if a mapping names a field that is not ours, or a column that is not there."""
    check_fields(mapping)
    for ours, theirs in mapping.items():
        if theirs not in names:
            listed = f" It has {', '.join(filter(None, names))}."
            raise FileError(f"{file} has no column {theirs!r} for {ours}.{_nearest(theirs, names) or listed}")


def check_fields(mapping: Mapping[str, str]) -> None:
    """Raises FileError if a mapping names a field that is not ours."""
    try:
        valid_mapping(mapping)
    except ValueError as error:
        raise FileError(f"{error}.") from error


def _nearest(name: str, names: Sequence[str]) -> str:
    plain = {normalized(candidate): candidate for candidate in names}
    matches = get_close_matches(normalized(name), plain, 1, 0.5)
    return f" Did you mean {plain[matches[0]]!r}?" if matches else ""


def _of_layout(layout: Layout, names: Sequence[str]) -> dict[str, Sequence[str]]:
    """The fields of a layout that the file has."""
    if not layout.has_header:
        layout_fields: Mapping[str, str | Sequence[str]] = {
            name: name for name in layout.columns if name in IMPORT_FIELDS and name not in layout.ignored
        }
        return {ours: (str(theirs),) for ours, theirs in layout_fields.items()}
    fields: dict[str, Sequence[str]] = {}
    for ours, theirs in layout.fields.items():
        columns = (theirs,) if isinstance(theirs, str) else tuple(theirs)
        present = tuple(column for column in columns if column in names or layout.explode)
        if present:
            fields[ours] = present
    return fields


def _add_our_names(
    fields: dict[str, Sequence[str]], names: Sequence[str], mapping: Mapping[str, str], layout: Layout
) -> dict[str, str]:
    """Adds columns that have our names, except for case, spaces, `_` and `-`. Returns those that were displaced."""
    used = {column for columns in fields.values() for column in columns} | set(layout.ignored)
    exact = [name for name in names if name in IMPORT_FIELDS and name not in used]
    similar = [name for name in names if name not in IMPORT_FIELDS and name not in used and normalized(name) in ALIASES]
    displaced = {}
    for name in (*exact, *similar):
        ours = ALIASES[normalized(name)]
        if ours in mapping:
            displaced[name] = _displaced(ours, mapping[ours])
        elif ours not in fields:
            fields[ours] = (name,)
        elif ours in {"user_id", "session_id", "item_id"}:
            displaced[name] = f"{fields[ours][0]} is used as {ours}"
    return displaced


def _displaced(ours: str, theirs: str) -> str:
    return f"displaced by {ours}={theirs}"


def _check_spellings(present: Columns, kind: str, mapping: Collection[str], layout: Layout) -> None:
    """Raises FileError if several columns are spellings of the same field, and nobody says which one counts."""
    ratings = [("value", word) for word in RATINGS if kind in {EVENTS, BOTH}]
    for ours, word in (*((name, normalized(name)) for name in FIELDS[kind]), *ratings):
        if ours in mapping or ours in layout.fields:
            continue
        spelled = [name for name in present.names if normalized(name) == word]
        if len(spelled) > 1:
            shown, mapping_ = " and ".join(map(repr, spelled)), advice(ours, spelled[0], in_job=present.in_job)
            raise FileError(f"{present.file}: {shown} both stand for {ours}. Say which one counts: {mapping_}.")


def _add_rating(
    fields: dict[str, Sequence[str]], names: Sequence[str], constants: dict[str, str], kind: str | None
) -> None:
    """Takes a column `rating` or `score` of events as their value, and makes them ratings."""
    may_be_events = not OWNERS.isdisjoint(fields) and kind not in {ITEMS, USERS}
    rating = next((name for word in RATINGS for name in names if normalized(name) == word), None)
    if rating is not None and may_be_events and "value" not in fields:
        fields["value"] = (rating,)
        constants["event_type"] = "rating"


def _assumed(
    present: Columns, layout: Layout, fields: Mapping[str, Sequence[str]], constants: Collection[str]
) -> dict[str, str]:
    """Returns columns of events with other usual names for the type of an event and its quantity.

    Raises:
        FileError: several columns may be the type.
    """
    used = {column for columns in fields.values() for column in columns} | set(layout.ignored)
    names = [name for name in present.names if name not in used]
    assumed = dict[str, str]()
    quantity = next((name for name in names if normalized(name) in QUANTITY_WORDS), None)
    if quantity is not None and not layout.name:
        assumed[QUANTITY if "value" in fields else "value"] = quantity
    if "event_type" not in fields and "event_type" not in constants:
        types = [name for name in names if normalized(name) in TYPE_WORDS]
        likes = [name for name in names if normalized(name) in LIKED_WORDS]
        if len(types) > 1:
            shown = " or ".join(map(repr, types))
            mapping = advice("event_type", types[0], in_job=present.in_job)
            raise FileError(f"{present.file}: {shown} may be the event_type. Say which one counts: {mapping}.")
        if types:
            assumed["event_type"] = types[0]
        elif likes and not any(is_deed(name) for name in names if name not in likes):
            assumed[LIKED] = likes[0]
    return assumed


def is_deed(name: str) -> bool:
    """Whether a column says if users did something, beside others: clicked, purchased. False is no dislike then."""
    return is_known(name) or is_known(normalized(name).removeprefix("is"))


def duplicated(names: Collection[str]) -> list[str]:
    """The names that occur more than once."""
    seen, twice = set[str](), list[str]()
    for name in names:
        if name and name in seen and name not in twice:
            twice.append(name)
        seen.add(name)
    return twice
