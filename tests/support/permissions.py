"""Record the functions' AWS calls as IAM actions during tests, for a later comparison with their roles."""

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
from app.entry import schedule
from app.entry.jobs import task, worker
from app.entry.stream import Consumer
from app.services.events import Events
from app.services.items import Items
from app.services.jobs import Jobs
from app.services.models.train import Train
from app.services.privacy.erasure import Erasure
from app.services.users import Users
from app.storage.admin.purge import Purge
from app.storage.wire.client import Client

COMPARISON = "test_permissions.py"
FUNCTIONS = API, STREAM, WORKER, TASK = "ApiFunction", "StreamFunction", "WorkerFunction", "Task"
ENTRANCES: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    (API, RequestContext, ("__call__",)),
    (API, SocketApi, ("connect", "disconnect", "receive")),
    (STREAM, Consumer, ("apply",)),
    (STREAM, schedule, ("refresh_overdue_lists", "pack_catalogs")),
    (STREAM, Jobs, ("resume_due",)),
    (WORKER, worker, ("work",)),
    (TASK, task, ("main",)),
)
"""Entry points of each function's work."""
SHARED: tuple[tuple[set[str], Any, tuple[str, ...]], ...] = (
    ({API, WORKER}, Events, ("accept",)),
    ({API}, Items, ("put_many",)),
    ({API}, Users, ("put_many",)),
    ({API, WORKER}, Erasure, ("erase_user", "export_project")),
    ({WORKER, TASK}, Train, ("run",)),
    ({API}, Purge, ("run",)),
)
"""Code shared by several functions: a call recorded there counts for each of them."""
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
"""Service -> operation -> action and resource. DynamoDB's actions are named like its operations."""

Call = tuple[str, str]
"""An action and its target: a table, `table/index/*`, or a resource of the template."""

Calls = Mapping[str, Collection[Call]]
"""Calls by function."""
KEPT = "serendip/calls"

_functions: ContextVar[frozenset[str]] = ContextVar("functions", default=frozenset())
"""Functions on whose behalf the current code runs."""
Caller = Callable[[Collection[str]], Collection[str]]
"""Maps the functions before an entry point to those after it."""
_recorded: defaultdict[str, set[Call]] = defaultdict(set)
"""Calls recorded by this process."""
_handed: list[Calls] = []
"""Calls recorded by the worker processes of this session."""


@contextmanager
def recording() -> Iterator[None]:
    """Records calls while the context is open."""
    with pytest.MonkeyPatch.context() as patch:
        for function, owner, names in ENTRANCES:
            for name in names:
                patch.setattr(owner, name, _entering(partial(_of, function), getattr(owner, name)))
        for functions, owner, names in SHARED:
            for name in names:
                patch.setattr(owner, name, _entering(functions.union, getattr(owner, name)))
        call = BaseClient._make_api_call  # noqa: SLF001

        def recorded(client: BaseClient, operation: str, request: Mapping[str, Any]) -> Any:
            for function in _functions.get():
                _recorded[function] |= _named(client.meta.service_model.service_name, operation, request)
            return call(client, operation, request)

        lean = Client._make_api_call  # noqa: SLF001

        def recorded_lean(client: Client, operation: str, request: dict[str, Any]) -> dict[str, Any]:
            for function in _functions.get():
                _recorded[function] |= _named("dynamodb", operation, request)
            return lean(client, operation, request)

        patch.setattr(BaseClient, "_make_api_call", recorded)
        patch.setattr(Client, "_make_api_call", recorded_lean)
        yield


def _of(function: str, before: Collection[str]) -> Collection[str]:
    """Attributes the call to the function, except inside a task, which runs the worker's code."""
    return before if TASK in before else {function}


@contextmanager
def _working_for(caller: Caller) -> Iterator[None]:
    token = _functions.set(frozenset(caller(_functions.get())))
    try:
        yield
    finally:
        _functions.reset(token)


def _entering(caller: Caller, entrance: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(entrance)
    async def entered_later(*args: Any, **named: Any) -> Any:
        with _working_for(caller):
            return await entrance(*args, **named)

    @wraps(entrance)
    def entered(*args: Any, **named: Any) -> Any:
        with _working_for(caller):
            return entrance(*args, **named)

    return entered_later if iscoroutinefunction(entrance) else entered


def _named(service: str, operation: str, request: Mapping[str, Any]) -> set[Call]:
    if service != "dynamodb":
        return {OTHERS[service][operation]}
    if operation.startswith("Transact"):
        entries = [entry for action in request["TransactItems"] for entry in action.items()]
        names = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "Get": "GetItem"}
        return {_dynamodb(names.get(kind, "ConditionCheckItem"), action["TableName"]) for kind, action in entries}
    if operation.startswith("Batch"):
        return {_dynamodb(operation, table) for table in request["RequestItems"]}
    index = "/index/*" if "IndexName" in request else ""
    return {_dynamodb(operation, request["TableName"] + index)}


def _dynamodb(operation: str, table: str) -> Call:
    return f"dynamodb:{operation}", table.rpartition("-")[2]


def keep(session: pytest.Session) -> None:
    """Stores a complete session's calls; a worker process passes its calls to the controller instead."""
    config, recorded = session.config, [_recorded] if _is_whole(session) else _handed
    listed = {function: sorted(set().union(*(calls[function] for calls in recorded))) for function in FUNCTIONS}
    if hasattr(config, "workeroutput"):
        config.workeroutput[KEPT] = listed
    elif all(listed.values()):
        _cache(config).set(KEPT, listed)


def hand(calls: Calls) -> None:
    _handed.append(calls)


def kept(config: pytest.Config) -> dict[str, set[Call]]:
    """Returns the calls of the last complete session; empty if there was none."""
    stored: Calls = _cache(config).get(KEPT, {})
    return {function: {(action, resource) for action, resource in calls} for function, calls in stored.items()}


def _cache(config: pytest.Config) -> pytest.Cache:
    assert config.cache is not None
    return config.cache


def _is_whole(session: pytest.Session) -> bool:
    """Whether the session runs all other tests, so that an unrecorded call is an unused one."""
    here = session.config.rootpath / "tests"
    files = {path for path in here.rglob("test_*.py") if path.parent.name != "fuzz" and path.name != COMPARISON}
    option = session.config.option
    return files <= {item.path for item in session.items} and not option.keyword and not option.deselect
