"""DynamoDB Locals for the modules of a session, one after the other.

DynamoDB Local gets slower with all that it holds. A scan reads the rows of every test before, and a row that is written
to a table with a stream costs a search through the records of all older streams: 26 ms after 50,000 of them.
"""

from app.config import Settings
from app.entry.local import dynamodb
from app.entry.local.dynamodb import Emulator
from app.storage.admin import migration
from tests.support.builders import SECRET, wired_on
from tests.support.datasets import ROOT

MOST_CPU_SECONDS = 20


class Emulators:
    def __init__(self, *, migrates: bool) -> None:
        """Each emulator has the tables of the default prefix if `migrates`."""
        self._migrates = migrates
        self._running: Emulator | None = None

    def current(self) -> Emulator:
        """Returns the running emulator; after 20 seconds of CPU time, a new one."""
        if self._running is not None and sum(self._running.process.cpu_times()[:2]) > MOST_CPU_SECONDS:
            self.stop()
        if self._running is None:
            self._running = dynamodb.start(ROOT / ".serendip", None)
            if self._migrates:
                creating = wired_on(Settings(secret=SECRET, endpoint=self._running.endpoint, read_timeout_seconds=10))
                migration.migrate(creating.database)
                creating.close()
        return self._running

    def stop(self) -> None:
        if self._running is not None:
            self._running.stop()
        self._running = None
