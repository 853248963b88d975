"""The work that expressions may do for one request, in steps of about 70 ns.

A step is one node of an expression, one element that is compared, or one character of a text that a regular expression
with a program of 100 instructions reads. Texts and lists that are made cost their length, which bounds memory as well.
"""

from collections.abc import Callable

CHECK_INTERVAL = 50_000
"""Steps until the remaining time is checked, and between two checks."""


class TooMuchWork(Exception):
    """The expressions of a request take more steps than they may."""


class Work:
    __slots__ = ("_check", "_left", "_slice")

    def __init__(self, steps: int, check: Callable[[], None]) -> None:
        """`check` is called every 50,000 steps; it raises if the time is up."""
        self._check = check
        self._slice = min(steps, CHECK_INTERVAL)
        self._left = steps - self._slice

    def allow(self, steps: int) -> None:
        """Adds steps, for one more item."""
        self._left += steps

    def spend(self, steps: int) -> None:
        """Counts steps before they are taken.

        Raises:
            TooMuchWork: fewer are left.
        """
        self._slice -= steps
        if self._slice < 0:
            self._left += self._slice
            self._slice = 0
            if self._left < 0:
                raise TooMuchWork
            self._check()
            self._slice = min(self._left, CHECK_INTERVAL)
            self._left -= self._slice
