"""How a training reports its progress."""

from collections.abc import Callable

ReportProgress = Callable[[str, float], None]
"""Takes the name of the phase and how much of it is done, in [0, 1]."""
IsOver = Callable[[], bool]
"""Returns whether the time for choosing parameters is over."""


def never() -> bool:
    """Sets no limit."""
    return False
