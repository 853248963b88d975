"""One DynamoDB Local for all processes that use the same folder."""

import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import psutil

from app.entry.errors import SetupError
from app.entry.local.dynamodb import POLL_SECONDS, START_SECONDS, Emulator, StartError, answers, responds, start
from app.heartbeat import beating

STATE = "dynamodb-local.json"
LOCK = "dynamodb-local.lock"
"""Locked by the process that starts and stops the emulator of a folder, until that process ends."""
WATCH_SECONDS, ASK_SECONDS = 2.0, 20.0
"""Times between two looks whether the emulator's process runs, and between two requests that it must answer."""
ANSWER_SECONDS = 20.0
"""An emulator that takes longer hangs: requests of a busy one took up to 5 s."""


@contextmanager
def running(home: Path, data: Path) -> Iterator[Emulator]:
    """DynamoDB Local over a folder: the running one, or a new one.

    The process that started it stops it, and starts it again if it has ended or does not answer. If that process has
    ended, this one takes over. A lock decides between processes that start at the same time, so that two emulators
    never use the same files.
    """
    data.mkdir(parents=True, exist_ok=True)
    state_file = data / STATE
    with (data / LOCK).open("a") as lock:
        keep = partial(_write_state, state_file)
        emulator = _lock_or_join(lock, state_file)
        try:
            if emulator is None:
                state = _read_state(state_file)
                emulator = _emulator(state) if state else _first_start(home, data, keep)
                keep(emulator)
                emulator.start_again = partial(start, home, data, emulator.port, keep)
            try:
                with beating(partial(_watch, emulator, lock, home, data, keep), WATCH_SECONDS):
                    yield emulator
            finally:
                if emulator.start_again:
                    emulator.stop()
        finally:
            if emulator is None or emulator.start_again:
                state_file.unlink(missing_ok=True)


def stop_abandoned(data: Path) -> None:
    """Stops the emulator of a folder whose owner was killed, unless another process is in charge of it by now."""
    state_file = data / STATE
    with (data / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        state = _read_state(state_file)
        if state:
            _emulator(state).stop()
            state_file.unlink(missing_ok=True)


def _first_start(home: Path, data: Path, keep: Callable[[Emulator], None]) -> Emulator:
    try:
        return start(home, data, begun=keep)
    except StartError as error:
        raise SetupError(f"{error} What is stored is safe; run the command again.") from error


def _watch(emulator: Emulator, lock: IO[str], home: Path, data: Path, keep: Callable[[Emulator], None]) -> None:
    """Starts an emulator that has ended or does not answer again, unless another process is in charge of it."""
    if not emulator.in_use.acquire(blocking=False):
        return
    try:
        if _runs(emulator.process):
            if time.monotonic() - emulator.answered_at < ASK_SECONDS:
                return
            if answers(emulator.endpoint, ANSWER_SECONDS):
                emulator.answered_at = time.monotonic()
                return
        if emulator.start_again is None:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            emulator.start_again = partial(start, home, data, emulator.port, keep)
        sys.stderr.write("DynamoDB Local has ended or does not answer. Starting it again; no stored data is lost.\n")
        emulator.stop(kill=True)
        emulator.process = emulator.start_again().process
    except BlockingIOError:  # its owner is starting it again, or loads rows
        return
    except SetupError as error:
        sys.stderr.write(f"{error} Trying again.\n")
    finally:
        emulator.in_use.release()


def _runs(process: psutil.Process | psutil.Popen) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _lock_or_join(lock: IO[str], state_file: Path) -> Emulator | None:
    """Locks the file, or returns the emulator of the process that has locked it, once that responds."""
    ends_at = time.monotonic() + START_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            state = _read_state(state_file)
            if state and _is_alive(state["owner"]):
                return _emulator(state)
            if time.monotonic() > ends_at:
                raise SetupError(
                    f"Another process uses {state_file.parent}, but its DynamoDB Local does not respond."
                ) from error
            time.sleep(POLL_SECONDS)
        else:
            return None


def _write_state(state_file: Path, emulator: Emulator) -> None:
    state = {"emulator": _identity(emulator.pid), "owner": _identity(os.getpid()), "port": emulator.port}
    state_file.write_text(json.dumps(state))


def _read_state(state_file: Path) -> dict[str, Any] | None:
    """The content of the state file. None if there is none, or neither its emulator nor its owner lives.

    While one of them lives and the emulator does not respond, it is starting, or the owner loads rows: waits for it.
    """
    ends_at = time.monotonic() + START_SECONDS
    while True:
        try:
            state: dict[str, Any] = json.loads(state_file.read_text())
            emulator, owner, port = state["emulator"], state["owner"], int(state["port"])
            if _is_alive(emulator) and responds(f"http://127.0.0.1:{port}"):
                return state
            if not (_is_alive(owner) or _is_alive(emulator)) or time.monotonic() > ends_at:
                return None
        except (OSError, ValueError, TypeError, KeyError):  # no file, or no state in it
            return None
        time.sleep(POLL_SECONDS)


def _emulator(state: dict[str, Any]) -> Emulator:
    return Emulator(psutil.Process(state["emulator"]["pid"]), state["port"])


def _identity(pid: int) -> dict[str, float]:
    """A process id with its start time, because the system reuses ids."""
    return {"pid": pid, "created": psutil.Process(pid).create_time()}


def _is_alive(identity: dict[str, float]) -> bool:
    try:
        return _identity(int(identity["pid"])) == identity
    except psutil.NoSuchProcess:
        return False
