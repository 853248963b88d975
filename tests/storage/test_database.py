"""Unprocessed parts of DynamoDB calls are retried, or the call fails before its deadline."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from app.config import Settings
from app.deadline import within
from app.entry import oidc_client
from app.entry.launcher import NoLauncher
from app.errors import Conflict, DeadlineExceeded, InvalidInput, Unavailable
from app.storage.access import AccessRow
from app.storage.admin import migration
from app.storage.database import bounded
from app.storage.table import Table
from app.wiring import Wired, wire
from tests.support import faulty_dynamodb
from tests.support.builders import an_event, an_item, wired_on

INTERNAL_FAILURE = 500, {"__type": "com.amazonaws.dynamodb.v20120810#InternalFailure", "message": "failed"}
pytestmark = pytest.mark.usefixtures("wired")


def behind(settings: Settings, endpoint: str) -> Wired:
    return wired_on(settings.model_copy(update={"endpoint": endpoint}))


class TestUnprocessed:
    def test_unprocessed_parts_of_batches_are_retried(self, settings: Settings) -> None:
        def fault(operation: str, request: dict[str, Any]) -> None:
            faulty_dynamodb.leave_half(operation, request)

        with faulty_dynamodb.proxy(str(settings.endpoint), fault) as endpoint:
            wired = behind(settings, endpoint)
            changed = wired.services.items.put_many(settings.project, [an_item(f"i{n}", "all") for n in range(60)])
            page = wired.services.items.list_page(settings.project, "all", None, 100)
            wired.database.close()

        assert changed == 60
        assert {item.item_id for item in page.records} == {f"i{n}" for n in range(60)}

    def test_a_batch_that_is_never_completed_fails_before_the_deadline(self, settings: Settings) -> None:
        def fault(operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
            if operation != "BatchWriteItem":
                return None
            return 200, {"UnprocessedItems": request["RequestItems"]}

        with faulty_dynamodb.proxy(str(settings.endpoint), fault) as endpoint:
            wired = behind(settings, endpoint)
            with within(4.0), pytest.raises(Unavailable, match="left part of the work undone"):
                wired.services.events.accept(settings.project, [an_event()])
            wired.database.close()

    @pytest.mark.parametrize(
        "response", [lambda request: (200, {"UnprocessedItems": request["RequestItems"]}), lambda _: INTERNAL_FAILURE]
    )
    def test_a_write_that_the_database_leaves_undone_is_explained_at_once_if_the_reason_is_known(
        self, settings: Settings, response: Callable[[Any], tuple[int, dict[str, Any]]]
    ) -> None:
        def fault(operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
            return response(request) if operation == "BatchWriteItem" else None

        with faulty_dynamodb.proxy(str(settings.endpoint), fault) as endpoint:
            own = settings.model_copy(update={"endpoint": endpoint})
            wired = wire(own, NoLauncher(), oidc_client.fetch, explain=lambda: "The disk is full.")
            with pytest.raises(Unavailable, match=r"^The disk is full\.$"):
                wired.services.events.accept(settings.project, [an_event()])
            wired.database.close()

    def test_a_refused_request_is_not_explained_by_the_state_of_the_database(self, settings: Settings) -> None:
        wired = wire(settings, NoLauncher(), oidc_client.fetch, explain=lambda: "The disk is full.")

        with pytest.raises(Conflict):
            Table(wired.database, AccessRow).delete("missing", None, AccessRow.key.exists())
        wired.database.close()


class TestThrottling:
    def test_a_throttled_call_is_tried_three_times(self, settings: Settings) -> None:
        calls: Counter[str] = Counter()

        def fault(operation: str, _request: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
            calls[operation] += 1
            return faulty_dynamodb.throttled() if calls[operation] < 3 else None

        with faulty_dynamodb.proxy(str(settings.endpoint), fault) as endpoint:
            wired = behind(settings, endpoint)
            wired.services.events.accept(settings.project, [an_event()])
            wired.database.close()

        assert calls["BatchWriteItem"] >= 3

    def test_permanent_throttling_raises_unavailable(self, settings: Settings) -> None:
        with faulty_dynamodb.proxy(str(settings.endpoint), lambda *_: faulty_dynamodb.throttled()) as endpoint:
            wired = behind(settings, endpoint)
            with pytest.raises(Unavailable, match="ProvisionedThroughputExceeded"):
                wired.services.rollout.active(settings.project)
            wired.database.close()


class TestDeadline:
    def test_no_call_starts_after_the_deadline(self, wired: Wired, settings: Settings) -> None:
        with within(0.0), pytest.raises(DeadlineExceeded):
            wired.services.rollout.active(settings.project)

    def test_neither_queries_nor_conditional_writes_start_after_the_deadline(
        self, wired: Wired, settings: Settings
    ) -> None:
        with within(0.0):
            with pytest.raises(DeadlineExceeded):
                wired.services.events.list_page(settings.project, "ann", None, 1)
            with pytest.raises(DeadlineExceeded):
                wired.services.train.queue(settings.project)


class TestBounded:
    def test_a_row_that_is_too_large_is_invalid_input(self, wired: Wired, settings: Settings) -> None:
        with pytest.raises(InvalidInput, match="larger than 400 KB"), bounded():
            wired.services.items.put(settings.project, an_item("big", text="x" * 410_000))


class TestLacksTables:
    def test_a_process_that_shares_a_database_knows_without_describing_tables(
        self, own: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wired = wired_on(own)
        before = migration.lacks_tables(wired.database)
        migration.migrate(wired.database)
        monkeypatch.setattr(wired.database.connection, "dispatch", None)
        monkeypatch.setattr(wired.database.connection.client, "describe_table", None)

        assert (before, migration.lacks_tables(wired.database)) == (True, False)
        wired.close()


class TestStreams:
    def test_migration_gives_older_tables_the_stream_they_need(self, own: Settings) -> None:
        wired = wired_on(own)
        migration.migrate(wired.database)
        table = f"{own.table_prefix}events"
        for stream in ({"StreamEnabled": False}, {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}):
            wired.database.call("UpdateTable", {"TableName": table, "StreamSpecification": stream})

        assert migration.migrate(wired.database) == [f"{table} has no stream of NEW_AND_OLD_IMAGES"]
        assert migration.differences(wired.database) == []

        described = wired.database.call("DescribeTable", {"TableName": table})["Table"]
        assert described["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        wired.close()
