"""Merge facts into records: by JSON merge patch (RFC 7396), or many at once without losing what others change."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from app.domain.items import Item
from app.domain.users import User
from app.errors import Conflict
from app.services.preconditions import retried


def patched(current: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `current` with a JSON merge patch applied: null removes a member, objects are merged, others replaced."""
    result = dict(current)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            nested = result.get(name)
            result[name] = patched(nested if isinstance(nested, Mapping) else {}, value)
        else:
            result[name] = value
    return result


@dataclass(frozen=True, slots=True)
class Facts:
    """Some facts of an item or user, which leave its other facts as they are."""

    record_id: str
    changes: Mapping[str, Any]
    """Fields of the record with their values; `properties` are added to those of the record."""
    only_if_new: bool = False
    """Whether they are ignored if the record exists."""


Record = TypeVar("Record", Item, User)


@dataclass(frozen=True)
class Merged(Generic[Record]):
    """What adding facts did."""

    changed: set[str] = field(default_factory=set)
    """The records that were created or changed."""
    before: dict[str, Record] = field(default_factory=dict)
    """The records that existed, as they were."""


def merge(
    facts: Iterable[Facts],
    read: Callable[[Sequence[str]], Mapping[str, Record]],
    changed: Callable[[Facts, Record | None], Record | None],
    write: Callable[[Sequence[tuple[Record, Record | None]]], Collection[str]],
) -> Merged[Record]:
    """Adds facts to records, and again to those that were changed by others meanwhile.

    Args:
        facts: the facts, one element for each record.
        read: returns the stored records by id.
        changed: returns a record with its facts; None if they change nothing.
        write: writes pairs of a record and its stored state, and returns the ids of those that it did not write,
            because they have changed since.

    Raises:
        Conflict: a record was changed by others during each of five attempts.
    """
    pending, result = {fact.record_id: fact for fact in facts}, Merged[Record]()

    def attempt() -> None:
        stored = read(list(pending))
        after = {name: record for name, fact in pending.items() if (record := changed(fact, stored.get(name)))}
        lost = write([(record, stored.get(name)) for name, record in after.items()])
        for name in pending.keys() - lost:
            del pending[name]
            if name in after:
                result.changed.add(name)
            if name in stored:
                result.before[name] = stored[name]
        if pending:
            raise Conflict("Some records are being changed by others. Try again.")

    retried(attempt)
    return result
