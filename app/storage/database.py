"""The shared connection to DynamoDB: one client for all models, translated errors, retries until the deadline."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from random import uniform
from time import monotonic, sleep
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from opentelemetry.trace import Tracer
from pynamodb.exceptions import PynamoDBException
from pynamodb.models import Model

from app.config import Settings
from app.deadline import is_bounded, remaining_seconds
from app.errors import Conflict, DeadlineExceeded, InvalidInput, SerendipError, Unavailable
from app.storage.connection import Explain, MeteredConnection, unexplained
from app.storage.pynamo import connection_of, forget_connection

Raw = Mapping[str, Mapping[str, Any]]
"""A row in DynamoDB's JSON: attribute name -> {type: value}."""
Load = Callable[[str, Sequence[Raw]], None]
"""Puts rows into the table of a name, faster than requests do if they are many."""
Result = TypeVar("Result")

BATCH_GET_KEYS = 100
BATCH_WRITE_ROWS = 25
OUT_OF_TIME = "The request ran out of time. Try again."
PARALLEL_CALLS = 8
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
NAME_SEPARATOR = "-"


def _ignore() -> None: ...


class Database:
    """Access to DynamoDB through PynamoDB's connection.

    Raises:
        Unavailable: DynamoDB cannot be reached, throttles, or left work unprocessed until the request's deadline.
        Conflict: the condition of a write does not hold.
        InvalidInput: DynamoDB refuses the row, for example for its size.
    """

    def __init__(
        self,
        settings: Settings,
        models: Sequence[type[Model]],
        tracer: Tracer | None = None,
        load: Load | None = None,
        explain: Explain = unexplained,
    ) -> None:
        """`load` is None unless the database can be loaded in another way than by requests."""
        self.load = load
        self.on_write: Callable[[], object] = _ignore
        """Called after each write."""
        local = settings.endpoint is not None
        self.connection = MeteredConnection(
            tracer,
            explain,
            region=settings.region,
            host=settings.endpoint,
            connect_timeout_seconds=settings.connect_timeout_seconds,
            read_timeout_seconds=settings.read_timeout_seconds,
            attempts=settings.attempts,
            max_pool_connections=4 * PARALLEL_CALLS,
            aws_access_key_id="local" if local else None,
            aws_secret_access_key="local" if local else None,
        )
        self.prefix = settings.table_prefix
        self.models = tuple(models)
        for model in models:
            self._bind(model)
        self._client = self.connection.client  # built here once, because that is not thread-safe
        self._threads = ThreadPoolExecutor(PARALLEL_CALLS, thread_name_prefix="dynamodb")

    def _bind(self, model: type[Model]) -> None:
        """Gives the model its table name and the shared connection instead of its own."""
        model.Meta.table_name = self.prefix.removesuffix(NAME_SEPARATOR) + NAME_SEPARATOR + plain_name(model)
        forget_connection(model)
        model.Meta.host, model.Meta.region = self.connection.host, self.connection.region
        bound = connection_of(model)
        self.connection.add_meta_table(bound.get_meta_table())
        bound.connection = self.connection

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Calls one DynamoDB operation."""
        with bounded():
            response = self.connection.dispatch(operation, request)
        if operation in WRITES:
            self.on_write()
        return response

    def batch_get(
        self, keys: Mapping[str, Sequence[Raw]], *, consistent: bool = False, attributes: Sequence[str] = ()
    ) -> dict[str, list[Raw]]:
        """Gets rows by key from several tables, unordered; missing rows are left out.

        `attributes` are those that are wanted of each row; none for all.
        """
        rows: dict[str, list[Raw]] = {table: [] for table in keys}
        pairs = [(table, key) for table, table_keys in keys.items() for key in table_keys]
        options: dict[str, Any] = {"ConsistentRead": consistent}
        if attributes:
            names = {f"#{number}": name for number, name in enumerate(attributes)}
            options |= {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}

        def get(chunk: Sequence[tuple[str, Raw]]) -> None:
            request: dict[str, Any] = {}
            for table, key in chunk:
                request.setdefault(table, {"Keys": [], **options})["Keys"].append(key)
            for response in self._until_done("BatchGetItem", request, "UnprocessedKeys"):
                for table, got in response["Responses"].items():
                    rows[table] += got

        self.each(get, _chunks(pairs, BATCH_GET_KEYS))
        return rows

    def batch_write(self, table: str, puts: Sequence[Raw] = (), deletes: Sequence[Raw] = ()) -> None:
        """Puts and deletes rows; all writes are complete when this returns."""
        requests: list[dict[str, Any]] = [{"PutRequest": {"Item": row}} for row in puts]
        requests += [{"DeleteRequest": {"Key": key}} for key in deletes]

        def write(chunk: Sequence[dict[str, Any]]) -> None:
            for _ in self._until_done("BatchWriteItem", {table: list(chunk)}, "UnprocessedItems"):
                pass

        self.each(write, _chunks(requests, BATCH_WRITE_ROWS))

    def _until_done(self, operation: str, request: dict[str, Any], undone: str) -> Iterator[dict[str, Any]]:
        """Repeats a batch operation with the unprocessed part, with jittered backoff, until the deadline."""
        ends_at = monotonic() + remaining_seconds()
        delay_seconds = 0.05
        while request:
            response = self.call(operation, {"RequestItems": request})
            yield response
            request = response.get(undone) or {}
            if request:
                self.connection.check()
                pause_seconds = uniform(0, delay_seconds)  # noqa: S311
                if monotonic() + pause_seconds > ends_at:
                    raise Unavailable("The database is busy and left part of the work undone. Try again later.")
                sleep(pause_seconds)
                delay_seconds = min(2 * delay_seconds, 1.0)

    def submit(self, function: Callable[..., Result], *arguments: object) -> "Future[Result]":
        """Starts a call in parallel with the current one, with the same deadline."""
        return self._threads.submit(copy_context().run, function, *arguments)

    def each(self, function: Callable[[Any], None], chunks: Sequence[Any]) -> None:
        """Calls the function for every chunk, in parallel if there are several."""
        if len(chunks) == 1:
            function(chunks[0])
            return
        for pending in [self.submit(function, chunk) for chunk in chunks]:
            awaited(pending)

    def close(self) -> None:
        self._threads.shutdown()
        self._client.close()


def plain_name(model: type[Model]) -> str:
    """Returns the name of a table without its prefix."""
    return str(model.Meta.table_name.rpartition(NAME_SEPARATOR)[2])


def _chunks(values: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def awaited(future: "Future[Result]") -> Result:
    """Returns the result of a call that was started in parallel, perhaps by a request with a later deadline.

    Raises:
        DeadlineExceeded: there is none when this request's deadline is reached.
    """
    try:
        return future.result(max(0.0, remaining_seconds()) if is_bounded() else None)
    except TimeoutError:
        if future.done():
            raise
        raise DeadlineExceeded(OUT_OF_TIME) from None


@contextmanager
def bounded() -> Iterator[None]:
    """Wraps every use of DynamoDB: refuses to start after the deadline, and translates exceptions."""
    if remaining_seconds() <= 0:
        raise DeadlineExceeded(OUT_OF_TIME)
    try:
        yield
    except (PynamoDBException, ClientError, BotoCoreError) as error:
        raise _translation(error) from error


def _translation(error: Exception) -> SerendipError:
    cause = getattr(error, "cause", None) or error
    response = getattr(cause, "response", None)
    if not isinstance(response, Mapping):
        return Unavailable("The database cannot be reached. Try again later.")
    code = response.get("Error", {}).get("Code", "")
    if code == "ConditionalCheckFailedException":
        return Conflict("The record was changed by another request. Read it again and repeat.")
    if code == "ResourceNotFoundException":
        return Unavailable("A table is missing. Create the tables with `serendip migrate`.")
    if code == "ValidationException":
        too_large = "size" in response["Error"].get("Message", "")  # the message may contain what was sent
        return InvalidInput(
            "The record is larger than 400 KB, the most that the database stores."
            if too_large
            else "The database refused this record."
        )
    return Unavailable(f"The database returned {code}. Try again later.")
