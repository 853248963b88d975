"""One emulator for all processes of a folder, however they start and end."""

import subprocess
import sys
from pathlib import Path
from signal import SIGKILL, SIGSTOP

import psutil
import pytest

from app.config import Settings
from app.entry.errors import SetupError
from app.entry.local import dynamodb, shared_emulator
from tests.support.builders import SECRET, a_project, until, wired_on
from tests.support.datasets import ROOT

HOME = ROOT / ".serendip"
PROGRAM = """
import sys
from pathlib import Path
from app.entry.local import shared_emulator
with shared_emulator.running(Path(sys.argv[1]), Path(sys.argv[2])) as emulator:
    print(emulator.pid, flush=True)
    sys.stdin.readline()
"""


def a_process(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(HOME), str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def emulators(folder: Path) -> list[int]:
    """Returns the ids of all processes of DynamoDB Local over the folder."""
    pids = []
    for process in psutil.process_iter():
        try:
            if process.name() == "java" and str(folder) in " ".join(process.cmdline()):
                pids.append(process.pid)
        except psutil.Error:
            continue
    return pids


class TestRunning:
    def test_processes_that_start_at_once_share_one_emulator_which_ends_with_them(self, tmp_path: Path) -> None:
        processes = [a_process(tmp_path) for _ in range(3)]

        pids = {int(process.stdout.readline()) for process in processes if process.stdout}

        assert emulators(tmp_path) == list(pids)
        for process in processes:
            process.communicate("\n", timeout=60)
        assert emulators(tmp_path) == []
        assert not (tmp_path / shared_emulator.STATE).exists()

    def test_the_emulator_of_a_killed_process_is_taken_over_and_stopped(self, tmp_path: Path) -> None:
        with a_process(tmp_path) as killed:
            assert killed.stdout
            pid = int(killed.stdout.readline())
            killed.kill()

        with shared_emulator.running(HOME, tmp_path) as emulator:
            assert emulator.pid == pid

        assert emulators(tmp_path) == []

    def test_an_emulator_that_was_killed_or_hangs_is_started_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(shared_emulator, "WATCH_SECONDS", 0.1)
        monkeypatch.setattr(shared_emulator, "ASK_SECONDS", 1.0)
        monkeypatch.setattr(shared_emulator, "ANSWER_SECONDS", 5.0)
        with shared_emulator.running(HOME, tmp_path) as emulator:
            wired = wired_on(Settings(secret=SECRET, endpoint=emulator.endpoint, read_timeout_seconds=10))
            a_project(wired, "shop")

            for signal in (SIGKILL, SIGSTOP):
                before = emulator.pid
                emulator.process.send_signal(signal)
                until(lambda before=before: emulator.pid != before)  # type: ignore[misc]

                assert wired.services.projects.get("shop").state == "active"
                assert emulators(tmp_path) == [emulator.pid]
            wired.close()

        assert capsys.readouterr().err.count("Starting it again") == 2

    def test_a_process_that_joined_takes_over_when_the_owner_ends(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shared_emulator, "WATCH_SECONDS", 0.1)
        with a_process(tmp_path) as owner:
            assert owner.stdout
            pid = int(owner.stdout.readline())
            with shared_emulator.running(HOME, tmp_path) as emulator:
                owner.communicate("\n", timeout=60)
                until(lambda: emulator.pid != pid)

                assert dynamodb.answers(emulator.endpoint, 10)

        assert emulators(tmp_path) == []

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"emulator": 1, "owner": 2, "port": "x"}', '{"owner": {}}'])
    def test_a_foreign_state_file_is_ignored(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / shared_emulator.STATE
        path.write_text(content)

        assert shared_emulator._read_state(path) is None  # noqa: SLF001 - without starting an emulator

    def test_a_failed_start_leaves_neither_process_nor_state(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dynamodb, "RETRY_SECONDS", 0.0)
        home = tmp_path / "home"
        (home / "dynamodb-local").mkdir(parents=True)
        (home / "dynamodb-local" / "DynamoDBLocal.jar").touch()

        with (
            pytest.raises(SetupError, match=r"Could not find or load .* is safe; run the command again"),
            shared_emulator.running(home, tmp_path),
        ):
            pass

        assert emulators(tmp_path) == []
        assert not (tmp_path / shared_emulator.STATE).exists()
