"""Says how a file was read: what a user might not expect, and how to change it."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches

from app.config import PREFIX
from app.domain.jobs import IMPORT_FIELDS
from app.entry.files.cells.column_types import BOOLEAN, CODE, COMMAS, FORMATTED, WHOLE, ColumnTypes
from app.entry.files.cells.formats import COMMA, NAME_COMMA
from app.entry.files.cells.times import DAY_FIRST, MONTH_FIRST
from app.entry.files.columns import ALIASES, Plan, is_deed
from app.entry.files.kinds import LIKED, QUANTITY, TIME_WORDS, advice, normalized, title_among, words_of
from app.entry.files.layouts.layout import BOTH, EVENTS, USERS
from app.entry.files.records import (
    DEFAULT_TYPE,
    HEADER,
    ONLY_FACTS,
    OPPOSITES,
    TOO_OLD,
    UNTIMED,
    UNTYPED,
    WITHOUT_CONTENT,
    WITHOUT_ITEM,
)
from app.recommender.events.kinds import DISLIKE, LIKE

MEANINGS = {
    LIKED: f"the event type: true is `{LIKE}`, false is `{DISLIKE}`",
    QUANTITY: "the sign of the value",
}
AGE = f"older than events are kept ({PREFIX}EVENT_DAYS)"
SKIPPED = {
    HEADER: ("repeats the header line", "repeat the header line"),
    WITHOUT_ITEM: ("has no item", "have no item"),
    WITHOUT_CONTENT: ("has neither a user nor facts of its item", "have neither a user nor facts of their items"),
    TOO_OLD: (f"is {AGE}", f"are {AGE}"),
}
"""What is said of a skipped row, and of several, by their mark."""
SAME_TIMES = "gets one from the file and its row, the same in every import"


def lines(
    plan: Plan,
    names: Sequence[str],
    types: ColumnTypes,
    marks: Counter[str],
    *,
    event_type: str | None,
    float_columns: Collection[str],
    in_job: bool,
) -> list[str]:
    """Returns what the summary should say about how the file was read.

    Args:
        plan: what became of its columns.
        names: its columns.
        types: their types, if it is a text.
        marks: how many of its rows and records have each mark.
        event_type: the type of events without one, as the user stated it.
        float_columns: the columns that are floating-point numbers, if it is Parquet.
        in_job: whether advice is for a job.
    """
    notes = []
    if plan.layout.name:
        notes.append(f"recognized as {plan.layout.name}")
    notes += [skipped(mark, marks[mark]) for mark in SKIPPED if marks[mark]]
    notes += _of_types(plan, types, float_columns)
    for name in plan.properties:
        nearest = get_close_matches(normalized(name), ALIASES, 1, 0.85)
        if nearest and name not in IMPORT_FIELDS:
            field = ALIASES[nearest[0]]
            notes.append(f"{name} is a property; if it is meant as {field}, map it ({field}={name})")
    notes += _of_title(plan, names, in_job=in_job)
    if plan.kind in {EVENTS, BOTH}:
        notes += _of_events(plan, names, marks, event_type, in_job=in_job)
    return notes


def skipped(mark: str, count: int) -> str:
    """Says why rows are skipped."""
    singular, plural = SKIPPED[mark]
    return f"1 row {singular} and is skipped" if count == 1 else f"{count:,} rows {plural} and are skipped"


def _of_types(plan: Plan, types: ColumnTypes, float_columns: Collection[str]) -> Iterator[str]:
    by_column = types.types()
    ids = {column for name in ("user_id", "session_id", "item_id") for column in plan.fields.get(name, ())}
    whole = [column for column, type_ in by_column.items() if type_ == WHOLE] or sorted(ids & set(float_columns))
    yield from (f"{column}: ids such as 11.0 are read as 11" for column in whole)
    commas = [column for column, type_ in by_column.items() if type_ == COMMAS]
    yield from (
        f"{column}: a cell with commas or semicolons is one category; lists are split at |" for column in commas
    )
    for column, usual, number, total, first in types.exceptions():
        if usual in {CODE, FORMATTED}:
            has_comma = "," in first and COMMA.numbers.fullmatch(first) and types.formats.notation != COMMA
            hint = f"; {NAME_COMMA}" if has_comma else ""
            yield f"{column}: {first!r} is not a plain number, so the column is text{hint}"
            continue
        expected = "true or false" if usual == BOOLEAN else "a plain number" if number == 1 else "plain numbers"
        verb = "is" if number == 1 else "are"
        yield (
            f"{column}: {number:,} of {total:,} values {verb} not {expected}, for example {first!r}, so the column is "
            "text"
        )
    for column, type_ in by_column.items():
        if type_ in {DAY_FIRST, MONTH_FIRST}:
            yield f"{column}: the {type_.replace(' ', ' comes ')}, as {types.cells[column][type_][1]} shows"


def _of_title(plan: Plan, names: Sequence[str], *, in_job: bool) -> Iterator[str]:
    """Offers a column as the title of the items."""
    if plan.kind == USERS or not set(names).isdisjoint(plan.fields.get("title", ())):
        return
    unread = [name for name, reason in plan.ignored.items() if not reason and name not in plan.layout.ignored]
    name = title_among((*plan.properties, *unread))
    if name is not None:
        items = "no title" if plan.kind != EVENTS else "no facts of items"
        yield f"{items}: if {name} is the title, map it ({advice('title', name, in_job=in_job)})"


def _of_events(
    plan: Plan, names: Sequence[str], marks: Counter[str], event_type: str | None, *, in_job: bool
) -> Iterator[str]:
    present = {column for columns in plan.fields.values() for column in columns} & set(names)
    if present.isdisjoint(plan.fields.get("timestamp", ())):
        note = f"no timestamp: each event {SAME_TIMES}"
        time = next((name for name in names if name not in present and TIME_WORDS.intersection(words_of(name))), None)
        if time is not None:
            note += f"; if {time} is the time, map it ({advice('timestamp', time, in_job=in_job)})"
        yield note
    elif untimed := marks[UNTIMED]:
        yield f"{untimed:,} {'event has' if untimed == 1 else 'events have'} an empty timestamp: each {SAME_TIMES}"
    if old := marks[ONLY_FACTS]:
        yield f"{old:,} {'event is' if old == 1 else 'events are'} {AGE}: only the facts of items beside are stored"
    for ours, theirs in plan.assumed.items():
        yield f"{theirs} is read as {MEANINGS.get(ours, ours)}"
    for kind, opposite in OPPOSITES.items():
        if negative := marks[opposite]:
            events = "event has" if negative == 1 else "events have"
            yield f"{negative:,} {kind} {events} a negative value: stored as `{opposite}` with the positive one"
    type_, untyped = event_type or DEFAULT_TYPE, marks[UNTYPED]
    if not present.isdisjoint((*plan.fields.get("event_type", ()), *plan.fields.get(LIKED, ()))):
        verbs = "event has no type and is" if untyped == 1 else "events have no type and are"
        yield from [f"{untyped:,} {verbs} stored as `{type_}`"] if untyped else []
    elif "event_type" in plan.constants:
        yield f"no event_type: all events are `{plan.constants['event_type']}`"
    else:
        yield from _without_types(plan, names, f"{untyped:,} events" if untyped > 1 else "events", type_, in_job=in_job)


def _without_types(plan: Plan, names: Sequence[str], events: str, type_: str, *, in_job: bool) -> Iterator[str]:
    note = f"no event_type: all {events} are `{type_}`"
    other = next((name for name in names if normalized(name) in {"type", "kind", "feedback"}), None)
    if other is not None:
        note += f"; if {other} is the type, map it ({advice('event_type', other, in_job=in_job)})"
    yield note
    deeds = [name for name in plan.ignored if is_deed(name)]
    if deeds:
        yield f"not read: {', '.join(deeds)}; write a row with an event_type for each of these actions"
