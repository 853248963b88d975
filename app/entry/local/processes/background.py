"""What runs in exactly one process of a server: the stream of events, periodic work, deletions, old files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from app.entry.local.files import KEPT_DAYS
from app.entry.local.stream_follower import Follower, Pace
from app.entry.schedule import continue_deletions, pack_catalogs, tick
from app.entry.stream import Consumer, Sockets
from app.errors import Unavailable, WorkerUnavailable
from app.heartbeat import beating
from app.storage.checkpoints import CheckpointStore
from app.storage.objects import FolderFileStore
from app.wiring import Wired

DELETIONS_SECONDS = 5.0
"""Time between two looks for projects whose deletion is unfinished."""
PACKING_SECONDS = 300.0
"""Time between two looks for catalogs to pack."""


@contextmanager
def running(wired: Wired, sockets: Sockets, start_waiting: Callable[[], bool]) -> Iterator[Pace]:
    """Works in threads while the context is open; yields the pace, to wake when another process has written.

    `start_waiting` starts jobs that wait, and returns whether there are more.
    """
    services = wired.services
    pace = Pace()

    def periodic() -> None:
        if start_waiting():
            pace.wake()
        tick(services)

    def of_deletions() -> None:
        if not pace.is_calm:  # each step of a deletion writes
            continue_deletions(services)

    def of_catalogs() -> None:
        pack_catalogs(services)

    with suppress(WorkerUnavailable):  # this deployment stores no files
        if isinstance(services.jobs.objects, FolderFileStore):  # a bucket deletes its own
            services.jobs.objects.expire(KEPT_DAYS)
    consumer = Consumer(services, sockets)
    follower = Follower(services.settings, CheckpointStore(wired.database), consumer, periodic, pace)
    wired.database.on_write = pace.wake
    follower.start()
    try:
        with (
            beating(of_deletions, DELETIONS_SECONDS, Unavailable),
            beating(of_catalogs, PACKING_SECONDS, Unavailable),
        ):
            yield pace
    finally:
        follower.stop()
