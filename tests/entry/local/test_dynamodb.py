"""DynamoDB Local on disk: who may open its files, and what survives."""

import sqlite3
from pathlib import Path

import pytest

from app.config import Settings
from app.entry.local import dynamodb
from app.storage.events import EventStore
from tests.support.builders import SECRET, a_project, an_event, wired_on
from tests.support.datasets import ROOT


class TestStart:
    def test_a_write_survives_a_kill_and_no_other_process_opens_the_files_meanwhile(self, tmp_path: Path) -> None:
        emulator = dynamodb.start(ROOT / ".serendip", tmp_path)
        try:
            wired = wired_on(Settings(secret=SECRET, endpoint=emulator.endpoint, read_timeout_seconds=10))
            a_project(wired, "disk")
            EventStore(wired.database).put_many("disk", [an_event("ann", f"i{item}") for item in range(100)])
            wired.close()
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                _rows(tmp_path)
        finally:
            emulator.stop(kill=True)

        assert _rows(tmp_path) == 100 + 1  # the row that names their month


def _rows(folder: Path) -> int:
    connection = sqlite3.connect(folder / dynamodb.FILE, timeout=0.1)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (count,) = connection.execute('SELECT count(*) FROM "serendip-events"').fetchone()
        return int(count)
    finally:
        connection.close()
