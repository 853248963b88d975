"""Heartbeats of long work, also during steps that report no progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event as Signal
from threading import Thread


@contextmanager
def beating(beat: Callable[[], None], seconds: float, *harmless: type[Exception]) -> Iterator[None]:
    """Calls `beat` every `seconds` from a thread while the context is open; ignores `harmless` errors."""
    ended = Signal()

    def run() -> None:
        while not ended.wait(seconds):
            with suppress(*harmless):
                beat()

    thread = Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
