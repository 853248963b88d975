"""DynamoDB Local on disk: who may open its files, and what survives."""

import sqlite3
from pathlib import Path

import pytest

from app.config import Settings
from app.entry.local import dynamodb
from app.storage.events import EventStore
from tests.support.builders import SECRET, a_project, an_event, wired_on
from tests.support.datasets import ROOT

INFO = "2026-11-28 17:29:25.214:INFO::main: Logging initialized @845ms to org.eclipse.jetty.util.log.StdErrLog\n"


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

        assert _rows(tmp_path) == 100 + 2  # the rows that name their month and note its change

    def test_an_emulator_that_is_killed_while_it_starts_is_started_again(self, tmp_path: Path) -> None:
        pids = list[int]()

        def kill_the_first(emulator: dynamodb.Emulator) -> None:
            pids.append(emulator.pid)
            if len(pids) == 1:
                emulator.process.kill()

        emulator = dynamodb.start(ROOT / ".serendip", tmp_path, begun=kill_the_first)
        try:
            assert dynamodb.answers(emulator.endpoint, 10)
            assert emulator.pid == pids[1]
        finally:
            emulator.stop(kill=True)


class TestReasonOf:
    @pytest.mark.parametrize(
        ("output", "status", "reason"),
        [
            (INFO, -9, "signal 9 ended its process."),
            ("", 3, "its process ended with the status 3."),
            (INFO, None, "it did not respond for 60 s."),
            (
                f"{INFO}java.net.BindException: Address already in use\n",
                1,
                "java.net.BindException: Address already in use",
            ),
        ],
    )
    def test_it_is_what_explains_the_end_and_no_other_line_of_a_library(
        self, output: str, status: int | None, reason: str
    ) -> None:
        assert dynamodb.reason_of(output, status) == reason


def _rows(folder: Path) -> int:
    connection = sqlite3.connect(folder / dynamodb.FILE, timeout=0.1)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (count,) = connection.execute('SELECT count(*) FROM "serendip-events"').fetchone()
        return int(count)
    finally:
        connection.close()
