"""Compile the rules of a request in a thread before they are validated: it takes up to 20 ms."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from app.api.http.routing.alone import in_thread_one_at_a_time, is_alone
from app.errors import InvalidInput
from app.recommender import rules
from app.recommender.rules import Kind


async def compile_new(sent: Mapping[str, object]) -> None:
    """Compiles the filter and the boost among parameters or fields, if that has not been done before."""
    new = [
        (kind, source)
        for kind in Kind
        if isinstance(source := sent.get(kind), str) and not rules.is_known(kind, source)
    ]
    if new and not is_alone():
        await in_thread_one_at_a_time(_compile, new)


def _compile(new: Sequence[tuple[Kind, str]]) -> None:
    for kind, source in new:
        with suppress(InvalidInput):  # raised again when they are validated
            rules.compiled(kind, source)
