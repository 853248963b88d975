"""Decides which records a file has. In doubt it asks: no kind is a guess."""

import json
import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.domain.jobs import EVENT_FIELDS, IMPORT_FIELDS, ITEM_FIELDS, PROPERTY, USER_FIELDS
from app.entry.files.layouts.layout import BOTH, EVENTS, ITEMS, USERS
from app.entry.files.rows import FileError, FileUnused
from app.recommender.events.kinds import RETURN, is_known, kind_of

KINDS = (EVENTS, ITEMS, USERS, BOTH)
FIELDS: dict[str, tuple[str, ...]] = {
    EVENTS: EVENT_FIELDS,
    ITEMS: ITEM_FIELDS,
    USERS: USER_FIELDS,
    BOTH: IMPORT_FIELDS,
}
OWNERS = frozenset({"user_id", "session_id"})
FACTS = frozenset({"title", "categories", "hidden", "expires_at"})
OF_EVENTS = frozenset({"event_type", "value", "timestamp", "event_id"})
USER_WORDS = frozenset(
    "user customer visitor client member account buyer shopper subscriber reviewer player listener viewer "  # noqa: SIM905 - readable
    "email".split()
)
ITEM_WORDS = frozenset(
    "item product sku asin parentasin article movie book song track artist video content listing offer stock game "  # noqa: SIM905 - readable
    "anime recipe post news business isbn ean gtin show podcast course job hotel restaurant".split()
)
TYPE_WORDS = frozenset(
    "event eventname action actiontype interaction interactiontype behavior behaviour behaviortype behaviourtype "  # noqa: SIM905 - readable
    "activity activitytype feedbacktype verb".split()
)
PEERS = frozenset({"friend", "follower", "followee", "following", "followed", "contact", "trustee", "target"})
"""Names of columns with other users."""
TITLE_WORDS = frozenset({"name", "title", "headline", "label", "description"})
LIKED = "liked"
"""Stands for the event types like and dislike, as a column that is true or false."""
LIKED_WORDS = frozenset({LIKED, "like", "isliked", "islike"})
QUANTITY = "quantity"
"""Stands for the sign of an event, as a column of numbers beside its value."""
QUANTITY_WORDS = frozenset({QUANTITY, "qty", "units"})
TIME_WORDS = frozenset({"at", "created", "createdat", "date", "datetime", "day", "time", "timestamp", "ts", "when"})
"""Words in names of columns that may be times."""
STATUS_WORDS = frozenset({"status", "state"})
"""Last words in names of columns that may say what became of an order."""
STATES = frozenset(
    "completed complete paid shipped delivered fulfilled unfulfilled pending processing confirmed dispatched "  # noqa: SIM905 - readable
    "authorized approved".split()
)
"""What becomes of an order, besides that it is undone."""
UNDONE = re.compile(
    r"(cancel(l?ed|l?ation)?|refund(ed|s)?|return(ed|s)?|void(ed)?|failed|declined|rejected|chargeback)"
)
ENDINGS = re.compile(r"(id|no|nr|number|code|key|name|title|email|hash)$")
NO_IDS = frozenset({"paid", "prepaid", "unpaid", "valid", "invalid", "android", "hybrid", "covid", "bid", "grid"})
"""Words that end like an id."""
MANY_NAMES = 30
YOUR_COLUMN = "YOUR_COLUMN"
"""Stands in advice for a column that only the user knows."""
FIRST_CELLS = 100
"""So many cells of a column show whether it holds names of types."""


def words_of(name: str) -> list[str]:
    """The words of a column's name in lower case: paid, at for PaidAt and paid_at."""
    return re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())


def normalized(name: str) -> str:
    """A column's name without case, spaces, `_` and `-`."""
    return re.sub(r"[\s_\-]+", "", name).lower()


def advice(ours: str, theirs: str, *, in_job: bool) -> str:
    """How to map a column, on the command line or in a job."""
    if in_job:
        return f'"columns": {json.dumps({ours: theirs}, ensure_ascii=False)}'
    return f"--map {shlex.quote(f'{ours}={theirs}')}"


@dataclass(frozen=True)
class Columns:
    """The columns of a file, and our fields among them."""

    file: str
    fields: Mapping[str, Sequence[str]]
    """Our field -> its columns."""
    names: Sequence[str]
    mapped: Collection[str]
    """The fields that the user mapped, or that a layout names."""
    in_job: bool
    """Whether the advice in errors is for a job."""

    @property
    def has_owner(self) -> bool:
        return not OWNERS.isdisjoint(self.fields)

    @property
    def has_item(self) -> bool:
        return "item_id" in self.fields

    def kind(self) -> str:
        """Returns the kind of the records.

        Raises:
            FileUnused: an id is missing.
            FileError: it is not certain which kind they are.
        """
        if self.has_item and self.has_owner:
            return self._kind_of_events()
        if self.has_item:
            if "event_type" in self.fields or (self._has_event_fields and self._candidate(USER_WORDS)):
                raise self.lacks("user_id", USER_WORDS)
            self._check_items()
            return ITEMS
        if "user_id" in self.fields and not self._has_event_fields:
            self._check_users()
            return USERS
        raise self.lacks("item_id", ITEM_WORDS if self.has_owner else ITEM_WORDS | {"id"})

    def check(self, kind: str) -> None:
        """Raises FileUnused if an id that this kind needs is missing."""
        if kind == USERS and "user_id" not in self.fields:
            raise self.lacks("user_id", USER_WORDS)
        if kind in {EVENTS, BOTH} and not self.has_owner:
            raise self.lacks("user_id", USER_WORDS)
        if kind != USERS and not self.has_item:
            raise self.lacks("item_id", ITEM_WORDS)

    def lacks(self, field: str, words: frozenset[str]) -> FileUnused:
        listed = ", ".join(self.names[:MANY_NAMES]) or "no columns"
        more = f" and {len(self.names) - MANY_NAMES} more" if len(self.names) > MANY_NAMES else ""
        if field == "item_id" and self._may_be_users:
            lacking = "user_id"
            examples = [self._example("user_id", USER_WORDS | {"id"})]
        elif field == "item_id" and not self.has_owner:
            lacking = field
            examples = [self._example(field, words, but=USER_WORDS), self._example("user_id", USER_WORDS)]
        else:
            lacking = field
            examples = [self._example(field, words)]
        return FileUnused(
            f"{self.file} has no column {lacking}; it has {listed}{more}. Name the column, for example "
            f"{', and for events '.join(examples)}."
        )

    @property
    def _may_be_users(self) -> bool:
        """Whether the columns speak of users, and of neither items nor events."""
        if self.has_owner or not FACTS.isdisjoint(self.fields) or self._has_event_fields:
            return False
        return self._similar(USER_WORDS) is not None and self._similar(ITEM_WORDS) is None

    def _example(self, field: str, words: frozenset[str], but: frozenset[str] = frozenset()) -> str:
        """How to map the column that some words fit best, and others do not."""
        return advice(field, self._similar(words, but) or YOUR_COLUMN, in_job=self.in_job)

    def _similar(self, words: frozenset[str], but: frozenset[str] = frozenset()) -> str | None:
        """The column that some words fit best, and others do not."""
        names = [name for name in self.names if but.isdisjoint(words_of(name))]
        whole = (name for name in names if _means(name, words))
        return next(whole, None) or next((name for name in names if words.intersection(words_of(name))), None)

    @property
    def _has_event_fields(self) -> bool:
        return not OF_EVENTS.isdisjoint(self.fields)

    def _kind_of_events(self) -> str:
        facts = FACTS.intersection(self.fields)
        if any(name in FACTS or name.startswith(PROPERTY) for name in self.mapped):
            return BOTH
        if facts:
            raise _doubt(self.file, f"has columns of events and also {', '.join(sorted(facts))}", in_job=self.in_job)
        return EVENTS

    def _check_items(self) -> None:
        """Raises FileError if items seem to have users: then they may be sales without a time."""
        user = self._candidate(USER_WORDS)
        if user is not None:
            mapping = advice("user_id", user, in_job=self.in_job)
            items = f'"records": "{ITEMS}"' if self.in_job else f"--kind {ITEMS}"
            raise FileError(
                f"{self.file} has items and a column {user!r}. Say whether these are events of users: {mapping}, or "
                f"facts of the items: {items}."
            )

    def _check_users(self) -> None:
        """Raises FileUnused if each row may be about something else too: then they may be events without a time."""
        own = {*self.fields["user_id"], *self.fields.get("session_id", ())}
        others = [name for name in self.names if name not in own]
        item = next((name for name in others if _means(name.rstrip("s"), ITEM_WORDS | PEERS)), None)
        item = item or next(filter(_is_id, others), None)
        if item is not None or "title" in self.fields:
            item = item or self.fields["title"][0]
            mapping = advice("item_id", item, in_job=self.in_job)
            users = f'"records": "{USERS}"' if self.in_job else f"--kind {USERS}"
            raise FileUnused(
                f"{self.file} has users and a column {item!r}. Say whether these are events with items: {mapping}, or "
                f"facts of the users: {users}."
            )

    def _candidate(self, words: Collection[str]) -> str | None:
        return next((name for name in self.names if _means(name, words)), None)


def _doubt(file: str, reason: str, *, in_job: bool) -> FileError:
    events, both = (f'"records": "{kind}"' if in_job else f"--kind {kind}" for kind in (EVENTS, BOTH))
    return FileError(f"{file} {reason}. Say whether these are facts of the items: {both}, or leave them out: {events}.")


def title_among(names: Iterable[str]) -> str | None:
    """The first name that may be the title of an item: name, product_title, Description. None if there is none."""
    for name in names:
        *others, last = words_of(name) or [""]
        if last in TITLE_WORDS and ITEM_WORDS.issuperset(others):
            return name
    return None


def type_in(name: str, cells: Sequence[str]) -> str | None:
    """Returns an example of the types of events that a column seems to hold, given its filled cells; None if none."""
    first = cells[:FIRST_CELLS]
    has_types = all(is_known(cell) or (_is_status(name) and cell.strip().lower() in STATES) for cell in first)
    return first[0] if first and has_types else None


def undone_in(name: str, cells: Sequence[str]) -> str | None:
    """Returns an example of an order that did not last, such as cancelled, in a column with these filled cells."""
    may_tell = _is_status(name) or type_in(name, cells) is not None
    return next(filter(_is_undone, cells), None) if may_tell else None


def _is_status(name: str) -> bool:
    return (words_of(name) or [""])[-1] in STATUS_WORDS


def _is_undone(cell: str) -> bool:
    """Whether a state says that an order did not last: refunded, wc-cancelled, return."""
    return kind_of(cell) == RETURN or any(map(UNDONE.fullmatch, words_of(cell)))


def _means(name: str, words: Collection[str]) -> bool:
    plain = normalized(name)
    return plain in words or ENDINGS.sub("", plain) in words


def _is_id(name: str) -> bool:
    """Whether a name ends like that of an id: friendID, device_id, trackid."""
    word = (words_of(name) or [""])[-1]
    return word.endswith(("id", "ids")) and word not in NO_IDS
