"""Count the events of the stream: each once, however often and in whatever order it is delivered.

A batch is computed from the stored shares of its users, then added to the counters, then the shares are stored. If it
is delivered again, the counters know its records, and the same shares come out. What a removal needs to know of other
events is stored with the shares before anything is counted.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice

from app.clock import Clock
from app.config import Settings
from app.domain.events import Change, Event
from app.errors import Conflict, Unavailable
from app.recommender import counts, outcomes
from app.recommender.counts import Counts
from app.recommender.events.weights import Weights
from app.recommender.shares import Shares
from app.storage.counters import DAY, DIGEST_BYTES, FINEST, Counted, CounterStore, counter_shard_of
from app.storage.events import EventStore

ATTEMPTS = 50
"""A lost attempt means that another instance's write succeeded."""
USER_BYTES = 16
MOST_LOOKED_UP = 10_000
"""Events of a user within the window that are looked at for those that count after a removal, newest first."""


class Counting:
    def __init__(
        self,
        counters: CounterStore,
        events: EventStore,
        weights: Callable[[str], Weights],
        settings: Settings,
        clock: Clock,
    ) -> None:
        """`weights` returns the weights of a project."""
        self._counters, self._events, self._weights, self._clock = counters, events, weights, clock
        self._window_seconds = settings.popular_window_days * DAY
        self._secret = settings.secret.get_secret_value().encode()[:64]

    def count(self, project: str, changes: Sequence[Change]) -> set[int]:
        """Adds changes to the project's counters; returns the times (seconds since 1970) of the counters that changed.

        Raises:
            InvalidInput: there are more changes than one page of counters holds.
        """
        stored, shares, added = self._shares(project, changes)
        groups: dict[tuple[str, int], list[Change]] = defaultdict(list)
        for change in changes:
            groups[counter_shard_of(change.user_id), counts.floor(change.arrived, FINEST)].append(change)
        for (counter_shard, start), group in groups.items():
            self._add(project, counter_shard, start, group, added)
        packed = {user: of_user.pack() for user, of_user in shares.items()}
        changed = {user: content for user, content in packed.items() if content != stored.get(user)}
        self._put_shares(project, changed)
        return {start for _, start in groups}

    def _shares(
        self, project: str, changes: Sequence[Change]
    ) -> tuple[Mapping[str, bytes], Mapping[str, Shares], Mapping[str, Counts]]:
        """Returns the users' stored shares, those after the changes, and what each record adds to the counters."""
        weights = self._weights(project)
        weighed = [change for change in changes if _matters(change, weights)]
        users = {user_id: self._digest(project, user_id) for user_id in {change.user_id for change in weighed}}
        stored = self._counters.shares(project, list(users.values()))
        shares, added = self._after(stored, users, weighed, weights)
        lacking = {user_id: shares[user].lacking for user_id, user in users.items() if shares[user].lacking}
        if lacking:
            now = max(change.arrived for change in weighed)
            stored = {**stored, **self._looked_up(project, stored, users, lacking, weights, now)}
            shares, added = self._after(stored, users, weighed, weights)
        return stored, shares, added

    def _after(
        self, stored: Mapping[str, bytes], users: Mapping[str, str], changes: Sequence[Change], weights: Weights
    ) -> tuple[Mapping[str, Shares], Mapping[str, Counts]]:
        """Returns the users' shares after some changes, and what each record adds to the counters."""
        shares = {user: Shares(self._window_seconds, stored.get(user)) for user in users.values()}
        added: dict[str, Counts] = {}
        for change in changes:
            total, of_user = added.setdefault(change.record_id, {}), shares[users[change.user_id]]
            if change.old is not None:
                counts.add(total, of_user.remove(change.old))
            if change.new is not None:
                weight = weights.in_lists(change.new.event_type)
                counts.add(total, of_user.add(change.new, weight, change.arrived))
        return shares, added

    def _looked_up(
        self,
        project: str,
        stored: Mapping[str, bytes],
        users: Mapping[str, str],
        lacking: Mapping[str, Sequence[Event]],
        weights: Weights,
        now: int,
    ) -> Mapping[str, bytes]:
        """Looks up the other events with the items of removed ones; stores and returns the shares with them."""
        since = datetime.fromtimestamp(now - self._window_seconds, UTC)
        packed: dict[str, bytes] = {}
        for user_id, removed in lacking.items():
            user = users[user_id]
            shares = Shares(self._window_seconds, stored.get(user))
            events = islice(self._events.of_user_since(project, user_id, since), MOST_LOOKED_UP)
            shares.look_up(removed, events, lambda event: weights.in_lists(event.event_type), now)
            packed[user] = shares.pack(looked_up=True) or b""
        self._put_shares(project, packed)
        return packed

    def _put_shares(self, project: str, changed: Mapping[str, bytes | None]) -> None:
        self._counters.put_shares(project, changed, self._clock.now().timestamp() + self._window_seconds + DAY)

    def _add(
        self, project: str, counter_shard: str, start: int, changes: Sequence[Change], added: Mapping[str, Counts]
    ) -> None:
        weights = self._weights(project)
        for _ in range(ATTEMPTS):
            pages = self._counters.pages(project, counter_shard, start) or [Counted(start)]
            seen = frozenset().union(*(page.seen for page in pages))
            fresh = {digest: change for change in changes if (digest := _digest(change)) not in seen}
            if not fresh:
                return
            last = pages[-1]
            row = Counted(start, page=last.page + 1) if last.full else last
            total = counts.unpack(row.packed) if row.packed else {}
            for change in fresh.values():
                counts.add(total, added.get(change.record_id, {}))
                _add_outcomes(total, change, weights)
            counted = replace(row, packed=counts.pack(total), seen=row.seen | fresh.keys(), version=row.version + 1)
            try:
                self._counters.put(project, counter_shard, counted, self._clock.now().timestamp())
            except Conflict:
                continue
            return
        raise Unavailable("Too many instances are counting the same events. Try again.")

    def _digest(self, project: str, user_id: str) -> str:
        """Returns the digest under which a user's shares are stored, which nothing leads back to the user."""
        return blake2b(f"{project}\n{user_id}".encode(), key=self._secret, digest_size=USER_BYTES).hexdigest()


def _matters(change: Change, weights: Weights) -> bool:
    """Whether a change matters to lists."""
    return change.old != change.new and any(
        weights.in_lists(event.event_type) > 0 for event in (change.old, change.new) if event is not None
    )


def _add_outcomes(total: Counts, change: Change, weights: Weights) -> None:
    for event, sign in ((change.old, -1), (change.new, 1)):
        if event is not None:
            counts.add(total, outcomes.of_event(event, change.arrived, weights.kind), sign)


def _digest(change: Change) -> bytes:
    return blake2b(change.record_id.encode(), digest_size=DIGEST_BYTES).digest()
