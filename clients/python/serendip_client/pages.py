"""Iterators over the pages of an operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator


class Page(Protocol):
    """A page, which names the next one."""

    @property
    def next_cursor(self) -> str | None: ...


P = ParamSpec("P")
PageT = TypeVar("PageT", bound=Page)


def pages(operation: Callable[P, PageT], *args: P.args, **kwargs: P.kwargs) -> Iterator[PageT]:
    """Yields all pages of an operation, each when it is needed: `pages(client.list_items, category="Tea")`."""
    arguments: dict[str, Any] = dict(kwargs)
    call: Callable[..., PageT] = operation
    while True:
        page = call(*args, **arguments)
        yield page
        if not page.next_cursor:
            return
        arguments["cursor"] = page.next_cursor


async def pages_async(
    operation: Callable[P, Awaitable[PageT]], *args: P.args, **kwargs: P.kwargs
) -> AsyncIterator[PageT]:
    """Yields all pages of an operation of the asynchronous client, each when it is needed."""
    arguments: dict[str, Any] = dict(kwargs)
    call: Callable[..., Awaitable[PageT]] = operation
    while True:
        page = await call(*args, **arguments)
        yield page
        if not page.next_cursor:
            return
        arguments["cursor"] = page.next_cursor
