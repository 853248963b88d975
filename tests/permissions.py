"""What the functions ask AWS for, recorded while tests run, as IAM names it."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

import pytest
from botocore.client import BaseClient

from app.api.middleware import RequestContext
from app.api.socket import SocketApi
from app.entry import task, worker
from app.entry.stream import Consumer
from app.services.jobs import Jobs
from app.services.lists import Lists

API, STREAM, WORKER, TASK = "ApiFunction", "StreamFunction", "WorkerFunction", "Task"
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

_function: ContextVar[str | None] = ContextVar("function", default=None)
calls: defaultdict[str, set[Call]] = defaultdict(set)
"""By function, of this session."""


@contextmanager
def recording() -> Iterator[None]:
    """As long as this lasts, calls are recorded."""
    with pytest.MonkeyPatch.context() as patch:
        for function, owner, names in ENTRANCES:
            for name in names:
                patch.setattr(owner, name, _entering(function, getattr(owner, name)))
        call = BaseClient._make_api_call  # noqa: SLF001 - what PynamoDB calls as well

        def recorded(client: BaseClient, operation: str, request: Mapping[str, Any]) -> Any:
            function = _function.get()
            if function is not None:
                calls[function] |= _named(client.meta.service_model.service_name, operation, request)
            return call(client, operation, request)

        patch.setattr(BaseClient, "_make_api_call", recorded)
        yield


@contextmanager
def _working_for(function: str) -> Iterator[None]:
    token = _function.set(TASK if _function.get() == TASK else function)  # a task works as the worker does
    try:
        yield
    finally:
        _function.reset(token)


def _entering(function: str, entrance: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(entrance)
    async def entered_later(*given: Any, **named: Any) -> Any:
        with _working_for(function):
            return await entrance(*given, **named)

    @wraps(entrance)
    def entered(*given: Any, **named: Any) -> Any:
        with _working_for(function):
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


def is_whole(session: pytest.Session) -> bool:
    """Whether the session runs every test there is, so that what was not recorded is not used."""
    here = session.config.rootpath / "tests"
    files = {path for path in here.rglob("test_*.py") if path.parent.name != "fuzz"}
    option = session.config.option
    return files <= {item.path for item in session.items} and not option.keyword and not option.deselect
