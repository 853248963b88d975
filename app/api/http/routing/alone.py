"""Where functions run: in threads, unless the process works on one request at a time, as in Lambda."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

_is_alone: ContextVar[bool] = ContextVar("is_alone", default=False)
_single_thread: RunVar[CapacityLimiter] = RunVar("single_thread")


@contextmanager
def alone() -> Iterator[None]:
    """Says that the process works on no other request meanwhile, so that functions may block its event loop."""
    token = _is_alone.set(True)
    try:
        yield
    finally:
        _is_alone.reset(token)


def is_alone() -> bool:
    """Whether this may block the event loop."""
    return _is_alone.get()


def in_thread_unless_alone(function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Makes a function that may block one for the event loop. A thread costs a tenth of a warm recommendation's CPU."""

    @wraps(function)
    async def call(**values: Any) -> Any:  # noqa: ANN401 - the function's
        return function(**values) if is_alone() else await run_sync(partial(function, **values))

    return call


async def in_thread_one_at_a_time(function: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 - the function's
    """Calls what takes the interpreter from the event loop for milliseconds, while no other such call runs."""
    try:
        limiter = _single_thread.get()
    except LookupError:
        limiter = CapacityLimiter(1)
        _single_thread.set(limiter)
    return await run_sync(function, *arguments, limiter=limiter)
