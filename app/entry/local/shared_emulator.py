"""One DynamoDB Local for all processes that use the same folder."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import psutil

from app.entry.errors import SetupError
from app.entry.local.dynamodb import POLL_SECONDS, START_SECONDS, Emulator, responds, start

STATE = "dynamodb-local.json"
LOCK = "dynamodb-local.lock"
"""Locked by the process that starts and stops the emulator of a folder, until that process ends."""


@contextmanager
def running(home: Path, data: Path) -> Iterator[Emulator]:
    """DynamoDB Local over a folder: the running one, or a new one.

    The process that started it stops it. If that process was killed, this one takes over and stops it. A lock decides
    between processes that start at the same time, so that two emulators never use the same files.
    """
    data.mkdir(parents=True, exist_ok=True)
    state_file = data / STATE
    with (data / LOCK).open("a") as lock:
        joined = _lock_or_join(lock, state_file)
        if joined is not None:
            yield joined
            return
        keep = partial(_write_state, state_file)
        state = _read_state(state_file)
        try:
            emulator = _emulator(state) if state else start(home, data, begun=keep)
            keep(emulator)
            emulator.start_again = partial(start, home, data, emulator.port, keep)
            try:
                yield emulator
            finally:
                emulator.stop()
        finally:
            state_file.unlink(missing_ok=True)


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
