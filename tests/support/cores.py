"""Cores of their own for servers under test."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def keep_to(pid: int, cores: set[int]) -> None:
    """Lets all threads of a process, and those that they start, run only on some cores."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


@contextmanager
def kept_to(pid: int, cores: set[int]) -> Iterator[None]:
    """The same, until the context ends."""
    before = os.sched_getaffinity(pid)
    keep_to(pid, cores)
    try:
        yield
    finally:
        keep_to(pid, before)


@contextmanager
def a_core_left() -> Iterator[set[int]]:
    """Keeps this process and those that it starts off a core; yields that core, which they cannot take from a server.

    With a single core, all share it.
    """
    cores = os.sched_getaffinity(0)
    core = {min(cores)}
    with kept_to(os.getpid(), cores - core or core):
        yield core
