"""Showing that long work lives, also while a step of it reports nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event as Signal
from threading import Thread


@contextmanager
def beating(beat: Callable[[], None], seconds: float, *harmless: type[Exception]) -> Iterator[None]:
    """As long as this lasts, call `beat` every so many seconds, from a thread of its own; some errors harm nothing."""
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
