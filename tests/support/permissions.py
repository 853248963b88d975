"""What the functions ask AWS for, as IAM names it: recorded while tests run, kept for the session that compares it."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any

import pytest
from botocore.client import BaseClient

from app.api.http.request_context import RequestContext
from app.api.sockets.session import SocketApi
from app.entry.jobs import task, worker
from app.entry.stream import Consumer
from app.services.catalog import Catalog
from app.services.counters.lists import Lists
from app.services.events import Events
from app.services.jobs import Jobs
from app.services.models.train import Train
from app.services.privacy.erasure import Erasure

COMPARISON = "test_permissions.py"
FUNCTIONS = API, STREAM, WORKER, TASK = "ApiFunction", "StreamFunction", "WorkerFunction", "Task"
ENTRANCES: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    (API, RequestContext, ("__call__",)),
    (API, SocketApi, ("connect", "disconnect", "receive")),
    (STREAM, Consumer, ("apply",)),
    (STREAM, Lists, ("refresh_due",)),
    (STREAM, Jobs, ("resume_due",)),
    (WORKER, worker, ("work",)),
    (TASK, task, ("main",)),
)
"""Where each function's work begins."""
SHARED: tuple[tuple[set[str], Any, tuple[str, ...]], ...] = (
    ({API, WORKER}, Events, ("accept",)),
    ({API, WORKER}, Catalog, ("put_items", "put_users")),
    ({API, WORKER}, Erasure, ("erase_user", "export_project")),
    ({WORKER, TASK}, Train, ("run",)),
)
"""What several functions do: whatever was seen to be done there, by whomever, each of them may have to do."""
OTHERS = {
    "lambda": {"Invoke": ("lambda:InvokeFunction", "WorkerFunction")},
    "apigatewaymanagementapi": {
        "PostToConnection": ("execute-api:ManageConnections", "SocketApi"),
        "DeleteConnection": ("execute-api:ManageConnections", "SocketApi"),
    },
    "s3": {
        "HeadObject": ("s3:GetObject", "Files"),
        "GetObject": ("s3:GetObject", "Files"),
        "PutObject": ("s3:PutObject", "Files"),
        "ListObjectsV2": ("s3:ListBucket", "Files"),
        "DeleteObjects": ("s3:DeleteObject", "Files"),
    },
}
"""Service -> operation -> action and resource, besides DynamoDB's, whose actions are named as its operations."""

Call = tuple[str, str]
"""An action and what it is done to: a table, `table/index/*`, or a resource of the template."""

Calls = Mapping[str, Collection[Call]]
"""By function."""
KEPT = "serendip/calls"

_functions: ContextVar[frozenset[str]] = ContextVar("functions", default=frozenset())
"""Whose work is done."""
Whom = Callable[[Collection[str]], Collection[str]]
"""From before an entrance to behind it."""
_recorded: defaultdict[str, set[Call]] = defaultdict(set)
"""By this process."""
_handed: list[Calls] = []
"""By the processes that run the tests of this one's session."""


@contextmanager
def recording() -> Iterator[None]:
    """As long as this lasts, calls are recorded."""
    with pytest.MonkeyPatch.context() as patch:
        for function, owner, names in ENTRANCES:
            for name in names:
                patch.setattr(owner, name, _entering(partial(_of, function), getattr(owner, name)))
        for functions, owner, names in SHARED:
            for name in names:
                patch.setattr(owner, name, _entering(functions.union, getattr(owner, name)))
        call = BaseClient._make_api_call  # noqa: SLF001 - what PynamoDB calls as well

        def recorded(client: BaseClient, operation: str, request: Mapping[str, Any]) -> Any:
            for function in _functions.get():
                _recorded[function] |= _named(client.meta.service_model.service_name, operation, request)
            return call(client, operation, request)

        patch.setattr(BaseClient, "_make_api_call", recorded)
        yield


def _of(function: str, before: Collection[str]) -> Collection[str]:
    """A task works as the worker does."""
    return before if TASK in before else {function}


@contextmanager
def _working_for(whom: Whom) -> Iterator[None]:
    token = _functions.set(frozenset(whom(_functions.get())))
    try:
        yield
    finally:
        _functions.reset(token)


def _entering(whom: Whom, entrance: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(entrance)
    async def entered_later(*given: Any, **named: Any) -> Any:
        with _working_for(whom):
            return await entrance(*given, **named)

    @wraps(entrance)
    def entered(*given: Any, **named: Any) -> Any:
        with _working_for(whom):
            return entrance(*given, **named)

    return entered_later if iscoroutinefunction(entrance) else entered


def _named(service: str, operation: str, request: Mapping[str, Any]) -> set[Call]:
    if service != "dynamodb":
        return {OTHERS[service][operation]}
    if operation.startswith("Transact"):
        entries = [entry for one in request["TransactItems"] for entry in one.items()]
        names = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "Get": "GetItem"}
        return {_dynamodb(names.get(kind, "ConditionCheckItem"), one["TableName"]) for kind, one in entries}
    if operation.startswith("Batch"):
        return {_dynamodb(operation, table) for table in request["RequestItems"]}
    index = "/index/*" if "IndexName" in request else ""
    return {_dynamodb(operation, request["TableName"] + index)}


def _dynamodb(operation: str, table: str) -> Call:
    return f"dynamodb:{operation}", table.rpartition("-")[2]


def keep(session: pytest.Session) -> None:
    """At its end, keep what a session of all tests recorded; one of several processes hands it to the first one."""
    config, recorded = session.config, [_recorded] if _is_whole(session) else _handed
    listed = {function: sorted(set().union(*(one[function] for one in recorded))) for function in FUNCTIONS}
    if hasattr(config, "workeroutput"):
        config.workeroutput[KEPT] = listed
    elif all(listed.values()):
        _cache(config).set(KEPT, listed)


def hand(calls: Calls) -> None:
    _handed.append(calls)


def kept(config: pytest.Config) -> dict[str, set[Call]]:
    """What the last session of all tests recorded; nothing where there was none."""
    found: Calls = _cache(config).get(KEPT, {})
    return {function: {(action, resource) for action, resource in calls} for function, calls in found.items()}


def _cache(config: pytest.Config) -> pytest.Cache:
    assert config.cache is not None
    return config.cache


def _is_whole(session: pytest.Session) -> bool:
    """Whether the session has every other test there is, so that what was not recorded is not used."""
    here = session.config.rootpath / "tests"
    files = {path for path in here.rglob("test_*.py") if path.parent.name != "fuzz" and path.name != COMPARISON}
    option = session.config.option
    return files <= {item.path for item in session.items} and not option.keyword and not option.deselect
