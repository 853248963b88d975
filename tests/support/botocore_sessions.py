"""Makes botocore's sessions cheap: one is built each time that services are wired, in 12 of 15 ms.

Each registers the same handlers, for which botocore renames their events and inspects their signatures again.
"""

from collections.abc import Callable
from functools import cache
from inspect import CO_VARKEYWORDS
from typing import Any

from botocore import hooks


def share() -> None:
    """Lets all sessions of this process share the new names of events, and reads signatures without `inspect`."""
    rename = cache(hooks.EventAliaser(hooks.HierarchicalEmitter())._alias_event_name)  # noqa: SLF001 - has no setting
    hooks.EventAliaser._alias_event_name = lambda _, name: rename(name)  # noqa: SLF001
    accepts = hooks.accepts_kwargs

    def accepts_kwargs(handler: Callable[..., Any]) -> bool:
        code = getattr(handler, "__code__", None)
        return bool(code.co_flags & CO_VARKEYWORDS) if code else bool(accepts(handler))

    hooks.accepts_kwargs = accepts_kwargs
