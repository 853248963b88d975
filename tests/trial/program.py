"""Forks servers of the application, and sets the time that they read: one order a line, as JSON.

It runs with the source tree on trial as PYTHONPATH, which may be an older one, so it imports nothing of the tests.
"""

import json
import os
import signal
import struct
import sys
import time
from datetime import UTC, datetime, timedelta, tzinfo
from mmap import mmap
from resource import RLIMIT_DATA, setrlimit
from threading import Thread
from typing import Any

MOST_BYTES = 3 * 2**30
"""Memory of a server: what asks for more fails, and does not take the machine with it."""
USERS, EVENTS_PER_USER, VIEWED_ITEMS = 60, 5, 20
"""Few enough that the items of ledgers are listed beside them."""
ITEMS_AT_ONCE = 100

_shift = mmap(-1, 8)
"""Seconds by which the clocks of all servers are wrong; shared with them."""
_real_time = time.time


def _shift_seconds() -> float:
    return float(struct.unpack("d", _shift[:])[0])


class _Datetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(seconds=_shift_seconds())


time.time = lambda: _real_time() + _shift_seconds()  # before anything imports it

from app import clock, telemetry  # noqa: E402
from app.config import Settings  # noqa: E402
from app.domain.access import Limits, Scope  # noqa: E402
from app.domain.events import Event  # noqa: E402
from app.domain.items import Item  # noqa: E402
from app.domain.jobs import Job  # noqa: E402
from app.entry import oidc_client  # noqa: E402
from app.entry.jobs import worker  # noqa: E402
from app.entry.local import server  # noqa: E402
from app.storage.admin import migration  # noqa: E402
from app.wiring import Wired, wire  # noqa: E402

vars(clock)["datetime"] = _Datetime


class _Launcher:
    """Runs each job in a thread."""

    def __init__(self) -> None:
        self.wired: Wired | None = None

    def launch(self, project: str, job: Job) -> None:
        assert self.wired is not None
        Thread(target=worker.work, args=(self.wired.services, project, job.job_id), daemon=True).start()


def _wired() -> Wired:
    launcher = _Launcher()
    launcher.wired = wire(Settings.from_environment(os.environ), launcher, oidc_client.fetch)
    return launcher.wired


def _serve(port: int) -> None:
    setrlimit(RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    telemetry.configure()
    server.serve(_wired(), None, port)


def _seed(items: int, keys: str) -> None:
    """Creates the tables, a project with items, events and a model, and keys, whose texts go into the file `keys`."""
    wired = _wired()
    services, project, now = wired.services, wired.services.settings.project, datetime.now(UTC)
    migration.migrate(wired.database)
    services.projects.create(project, None, Limits())

    def key(scope: Scope, limits: Limits | None = None) -> str:
        return services.keys.create(project, "trial", frozenset({scope}), limits=limits)[1]

    limited = Limits(requests_per_second=20.0, burst=20, requests_per_day=1_000_000)
    texts = {"admin": key(Scope.ADMIN), "other": key(Scope.ADMIN), "limited": key(Scope.ADMIN, limited)}
    shop = [
        Item(f"i{n}", f"Item {n}", (f"c{n % 7}",), {"price": float(n % 90), "text": "x" * 50, "tags": ["a", f"t{n}"]})
        for n in range(items)
    ]
    for start in range(0, items, ITEMS_AT_ONCE):
        services.items.put_many(project, shop[start : start + ITEMS_AT_ONCE])
    events = [
        Event(f"u{user}", f"i{(user * 7 + turn * 3) % VIEWED_ITEMS}", "view", now - timedelta(days=1), f"e{turn}")
        for user in range(USERS)
        for turn in range(EVENTS_PER_USER)
    ]
    services.events.accept(project, events)
    services.train.run(project, services.train.queue(project))
    with open(keys, "w") as file:  # noqa: PTH123
        json.dump(texts, file)


def _forked(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(order["variables"])
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDONLY) if stream == 0 else log, stream)
    status = 1
    try:
        if "items" in order:
            _seed(order["items"], order["keys"])
        else:
            _serve(order["port"])
        status = 0
    finally:
        sys.stdout.flush()
        os._exit(status)


def _main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system forgets them when they end
    for line in sys.stdin:
        order = json.loads(line)
        if "shift" in order:
            _shift[:] = struct.pack("d", order["shift"])
        print(0 if "shift" in order else _forked(order), flush=True)


if __name__ == "__main__":
    _main()
