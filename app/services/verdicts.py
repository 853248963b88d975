"""Keep each user's verdicts: what they bought, rated, hid or disliked stays excluded however many events follow."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from app.domain.events import Change, Event
from app.recommender.events import verdicts
from app.recommender.events.weights import Weights
from app.services.privacy.tombstones import Tombstones
from app.storage.events import EventStore
from app.storage.selecting import Retention


class Verdicts:
    def __init__(
        self,
        events: EventStore,
        tombstones: Tombstones,
        weights: Callable[[str], Weights],
        retention: Retention,
    ) -> None:
        """`weights` returns the weights of a project."""
        self._events, self._tombstones, self._weights, self._retention = events, tombstones, weights, retention

    def apply(self, project: str, changes: Sequence[Change]) -> None:
        """Updates the verdicts of the users in some changes, in order. Applying changes again changes nothing."""
        weights = self._weights(project)
        users: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            if any(weights.in_serving(event.event_type) for event in (change.old, change.new) if event):
                users[change.user_id].append(change)
        stored = self._events.verdicts(project, list(users))
        changed: dict[str, bytes | None] = {}
        for user_id, user_changes in users.items():
            before = stored.get(user_id)
            packed = self._after(project, user_id, before, user_changes, weights)
            if packed != before:
                changed[user_id] = packed
        if changed:
            self._events.put_verdicts(project, changed)
            self._tombstones.undo_erased(project, list(changed), lambda erased: self._delete(project, erased))

    def _after(
        self, project: str, user_id: str, before: bytes | None, changes: Sequence[Change], weights: Weights
    ) -> bytes | None:
        removed = [change.old for change in changes if change.old is not None and _is_removed(change, weights)]
        if before is not None and removed:
            after = verdicts.after(self._of_expired(before, removed), self._events.of_user(project, user_id), weights)
        else:
            new = [change.new for change in changes if change.new is not None]
            after = verdicts.after(verdicts.unpack(before) if before else {}, new, weights)
        return verdicts.pack(after) if after else None

    def _of_expired(self, packed: bytes, removed: Iterable[Event]) -> verdicts.Verdicts:
        """Returns the verdicts of events that have expired and cannot be read again, except those of removed ones."""
        since = self._retention.since()
        return {} if since is None else verdicts.before(verdicts.without(verdicts.unpack(packed), removed), since)

    def _delete(self, project: str, user_ids: Iterable[str]) -> None:
        self._events.put_verdicts(project, dict.fromkeys(user_ids))


def _is_removed(change: Change, weights: Weights) -> bool:
    """Whether a change takes back an event that verdicts may come from."""
    old: Event | None = change.old
    return old is not None and old != change.new and (weights.is_lasting(old) or weights.in_serving(old.event_type) < 0)
