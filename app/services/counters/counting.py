"""Count the events of the stream: each once, however often and in whatever order it is delivered."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b

from app.clock import Clock
from app.domain.events import Change
from app.errors import Conflict, Unavailable
from app.recommender import counts, outcomes
from app.recommender.counts import Counts
from app.recommender.events.weights import Weights
from app.storage.counters import DIGEST_BYTES, FINEST, Counted, CounterStore, counter_shard_of

ATTEMPTS = 50
"""A lost attempt means that another instance's write succeeded."""


class Counting:
    def __init__(self, counters: CounterStore, weights: Callable[[str], Weights], clock: Clock) -> None:
        self._counters, self._weights, self._clock = counters, weights, clock

    def count(self, project: str, changes: Sequence[Change]) -> set[int]:
        """Adds changes to the project's counters; returns the times (seconds since 1970) of the counters that changed.

        Raises:
            InvalidInput: there are more changes than one page of counters holds.
        """
        weights = self._weights(project)
        groups: dict[tuple[str, int], list[Change]] = defaultdict(list)
        for change in changes:
            groups[counter_shard_of(change.user_id), counts.floor(change.arrived, FINEST)].append(change)
        for (counter_shard, start), group in groups.items():
            self._add(project, counter_shard, start, group, weights)
        return {start for _, start in groups}

    def _add(self, project: str, counter_shard: str, start: int, changes: Sequence[Change], weights: Weights) -> None:
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
                _add_one(total, change, weights)
            added = replace(row, packed=counts.pack(total), seen=row.seen | fresh.keys(), version=row.version + 1)
            try:
                self._counters.put(project, counter_shard, added, self._clock.now().timestamp())
            except Conflict:
                continue
            return
        raise Unavailable("Too many instances are counting the same events. Try again.")


def _add_one(total: Counts, change: Change, weights: Weights) -> None:
    for event, sign in ((change.old, -1), (change.new, 1)):
        if event is not None:
            counts.add(total, counts.of_event(event, weights.in_lists(event.event_type), change.arrived), sign)
            counts.add(total, outcomes.of_event(event, change.arrived), sign)


def _digest(change: Change) -> bytes:
    return blake2b(change.record_id.encode(), digest_size=DIGEST_BYTES).digest()
