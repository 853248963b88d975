"""The stream consumer applies each record exactly once, and no bad record blocks others."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import hypothesis
import orjson
import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from app import clock
from app.config import Settings
from app.domain.access import Limits
from app.domain.events import Attribution, Event
from app.entry import schedule
from app.entry.stream import Consumer, Record
from app.recommender import counts, packing
from app.recommender.outcomes import ARRIVED
from app.storage.counters import DIGEST_BYTES, FINEST, CounterRow
from app.storage.neighbors import ListRow
from app.wiring import Wired
from tests.support import tables
from tests.support.builders import an_event, an_item, wired_on
from tests.support.faults import failing
from tests.support.programs import forked, last_line
from tests.support.server_process import environment
from tests.support.stream_records import NoSockets, a_record

_projects = count(1)
NOW = datetime.now(UTC).replace(second=30)
"""Not a fixed day, because the database deletes expired rows."""


def a_project_of(wired: Wired) -> str:
    project = f"stream{next(_projects)}"
    wired.services.projects.create(project, None, Limits())
    wired.services.items.put_many(project, [an_item(f"i{n}", f"c{n % 2}") for n in range(4)])
    return project


@dataclass
class State:
    """The counters of a project at the finest level, and its lists."""

    pages: list[counts.Counts] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    """The digests of the counted records."""
    lists: dict[str, list[str]] = field(default_factory=dict)

    @property
    def outcome(self) -> tuple[Any, ...]:
        """What does not depend on how records were delivered: which row counts an event can."""
        return counts.summed(self.pages), self.seen, self.lists


def state(wired: Wired, project: str) -> State:
    found = State()
    for row in tables.rows(wired, CounterRow, ListRow):
        row_key = row.get("key", {}).get("S", "")
        if not row_key.startswith(project + "#") or "packed" not in row:
            continue
        name, packed = row_key.removeprefix(project), bytes(row["packed"]["B"])
        if "as_of" in row and (listed := list(packing.unpack(packed))):
            found.lists[name] = listed
        elif name.startswith(f"#{FINEST}#"):
            digests = bytes(row["seen"]["B"])
            found.pages.append(counts.unpack(packed))
            found.seen |= {digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES)}
    return found


class Crash(BaseException):
    """Ends the process at this point."""


@pytest.fixture(scope="module")
def shared(emulator: Any) -> Iterator[Wired]:
    from tests.support.builders import SECRET  # noqa: PLC0415

    wired = wired_on(
        Settings(
            secret=SECRET, endpoint=emulator.endpoint, read_timeout_seconds=10, popular_window_days=1, lists_seconds=0
        )
    )
    yield wired
    wired.close()


USERS = ("ann", "bob", "cid")
TYPES = ("view", "purchase", "impression", "rating")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(USERS), st.integers(0, 1), st.sampled_from(TYPES), st.integers(0, 3), st.integers(0, 200)
    ),
    min_size=1,
    max_size=12,
)
"""User, item, event type, fate of the event (0: kept, 1: replaced, 2: removed, 3: both), minutes ago."""


def history(
    project: str, steps: Sequence[tuple[str, int, str, int, int]]
) -> tuple[dict[str, list[Record]], list[Event]]:
    """The records of each user, in order, and the events that are left after them."""
    records_by_user: dict[str, list[Record]] = {}
    left = []
    for number, (user, item, event_type, fate, ago) in enumerate(steps):
        name = f"{user}-{number}"
        happened = NOW - timedelta(minutes=ago)
        attribution = Attribution("v1", "home", "neighbors") if number % 2 else None
        event = Event(user, f"i{item}", event_type, happened, f"e{number}", 3.0, attribution)
        other = Event(user, f"i{1 - item}", "like", happened, f"e{number}")
        records = [a_record(project, event, name=name + "-1", arrived=happened)]
        if fate in {1, 3}:
            records.append(a_record(project, other, event, name=name + "-2", arrived=NOW))
        if fate in {2, 3}:
            records.append(a_record(project, None, other if fate == 3 else event, name=name + "-3", arrived=NOW))
        else:
            left.append(other if fate == 1 else event)
        records_by_user.setdefault(user, []).extend(records)
    return records_by_user, left


@st.composite
def deliveries(draw: st.DrawFn) -> list[tuple[list[tuple[str, int]], int, int, str]]:
    """Batches of (user, number of their next records), number of deliveries, and the call at which it crashes first."""
    batch = st.lists(st.tuples(st.sampled_from(USERS), st.integers(1, 3)), min_size=1, max_size=4)
    return draw(
        st.lists(
            st.tuples(batch, st.integers(1, 2), st.integers(0, 40), st.sampled_from(["before", "after"])),
            max_size=5,
        )
    )


class TestExactlyOnce:
    @given(steps=STEPS, plan=deliveries(), again=st.booleans())
    @hypothesis.settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    def test_crashes_and_repeated_deliveries_end_like_a_single_delivery(
        self,
        shared: Wired,
        steps: list[tuple[str, int, str, int, int]],
        plan: list[tuple[list[tuple[str, int]], int, int, str]],
        again: bool,  # noqa: FBT001 - hypothesis gives it
    ) -> None:
        consumer = Consumer(shared.services, NoSockets())
        clean, rough = a_project_of(shared), a_project_of(shared)
        with clock.frozen(NOW, b"seed"):
            records_by_user, _ = history(clean, steps)
            assert consumer.apply([record for records in records_by_user.values() for record in records]) is None

            (waiting, left), delivered = history(rough, steps), []
            shared.services.events.accept(rough, left)
            rest = [([(user, len(records)) for user, records in waiting.items()], 1, 0, "before")]
            for chosen, times, calls, when in [*plan, *rest]:
                batch = []
                for user, number in chosen:
                    batch += waiting.get(user, [])[:number]
                    waiting[user] = waiting.get(user, [])[number:]
                if not batch:
                    continue
                if calls:
                    with failing(shared, calls, when, Crash()), suppress(Crash):
                        consumer.apply(batch)
                for _ in range(times):
                    assert consumer.apply(batch) is None
                delivered += batch
            if again:
                consumer.apply(delivered)

            assert state(shared, rough).outcome == state(shared, clean).outcome
            for project in (clean, rough):
                assert shared.services.failures.list_page(project, None, 10).records == ()

    def test_removed_events_leave_the_lists_of_their_categories(self, shared: Wired) -> None:
        project = a_project_of(shared)
        event = an_event("ann", "i0")._replace(timestamp=NOW)
        consumer = Consumer(shared.services, NoSockets())
        with clock.frozen(NOW, b"seed"):
            consumer.apply([a_record(project, event, name="put", arrived=NOW)])
            assert state(shared, project).lists["##popular#c0"] == ["i0"]

            consumer.apply([a_record(project, None, event, name="removed", arrived=NOW)])

        assert state(shared, project).lists == {}

    def test_two_instances_at_once_count_each_record_once(self, shared: Wired) -> None:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

        project = a_project_of(shared)
        events = [an_event(f"u{n}", f"i{n % 4}", minutes=n) for n in range(100)]
        records = [a_record(project, event, arrived=event.timestamp) for event in events]
        consumers = [Consumer(shared.services, NoSockets()) for _ in range(4)]

        with ThreadPoolExecutor(4) as threads:
            assert set(threads.map(lambda consumer: consumer.apply(records), consumers)) == {None}

        total = counts.summed(state(shared, project).pages)
        assert sum(counts.of_items(total, None).values()) == 100 * counts.THOUSANDTHS
        assert sum(amount for (_, name), amount in total.items() if name == ARRIVED) == 100

    def test_a_large_row_continues_on_further_pages(self, shared: Wired) -> None:
        project = a_project_of(shared)
        consumer = Consumer(shared.services, NoSockets())
        batches = [
            [
                a_record(project, an_event(f"u{n % 9}", f"i{n}-{batch}")._replace(timestamp=NOW), arrived=NOW)
                for n in range(1_000)
            ]
            for batch in range(6)
        ]

        for batch in [*batches, *batches]:
            assert consumer.apply(batch) is None

        pages = state(shared, project).pages
        assert len(pages) > 1
        assert sum(len(counts.of_items(page, None)) for page in pages) == 6_000


class TestPoison:
    def test_one_bad_record_of_a_hundred_is_kept_and_the_others_are_applied_once(self, shared: Wired) -> None:
        project = a_project_of(shared)
        events = [an_event("ann", f"i{n}")._replace(timestamp=NOW) for n in range(100)]
        records = [a_record(project, event, arrived=NOW) for event in events]
        del records[42]["dynamodb"]["NewImage"]["item_id"]
        consumer = Consumer(shared.services, NoSockets())

        assert [consumer.apply(records), consumer.apply(records)] == [None, None]

        [failure] = shared.services.failures.list_page(project, None, 10).records
        assert (failure.record_id, failure.user_id) == (records[42]["eventID"], "ann")
        assert "KeyError" in failure.reason
        pages = state(shared, project).pages
        assert sum(counts.of_items(counts.summed(pages), None).values()) == 99 * counts.THOUSANDTHS

    @pytest.mark.parametrize("broken", [{}, {"dynamodb": None}, {"dynamodb": {"Keys": {"owner": 7}}}, {"dynamodb": []}])
    def test_malformed_records_are_kept_as_failures(self, shared: Wired, broken: dict[str, Any]) -> None:
        project = a_project_of(shared)
        record = {"eventID": f"garbage-{broken}", **broken}

        assert Consumer(shared.services, NoSockets()).apply([record, a_record(project, an_event())]) is None

        kept = [failure.record_id for failure in shared.services.failures.list_page(None, None, 100).records]
        assert record["eventID"] in kept
        assert state(shared, project).pages

    def test_malformed_records_of_a_deleted_project_do_not_block_others(self, shared: Wired) -> None:
        project = a_project_of(shared)
        lost = a_record("deleted-long-ago", an_event())
        del lost["dynamodb"]["NewImage"]

        assert Consumer(shared.services, NoSockets()).apply([lost, a_record(project, an_event())]) is None

        assert state(shared, project).pages
        assert shared.services.failures.list_page("deleted-long-ago", None, 10).records == ()

    def test_failed_records_can_be_applied_after_a_fix(self, shared: Wired) -> None:
        project = a_project_of(shared)
        consumer = Consumer(shared.services, NoSockets())
        good, bad = (a_record(project, an_event("ann", "i1", minutes=n)) for n in (1, 2))
        shared.services.failures.put(good, "a bug that has been fixed")
        shared.services.failures.put({**bad, "dynamodb": {**bad["dynamodb"], "NewImage": {}}}, "hopeless")

        assert shared.services.failures.retry(project, consumer.succeeds) == (2, 1)

        [left] = shared.services.failures.list_page(project, None, 10).records
        assert left.record_id == bad["eventID"]

    @pytest.mark.parametrize("call", [1, 2, 3, 4, 8])
    def test_database_failures_return_the_records_to_the_stream(self, shared: Wired, call: int) -> None:
        project = a_project_of(shared)
        records = [a_record(project, an_event("ann", "i1", minutes=n)) for n in range(3)]
        consumer = Consumer(shared.services, NoSockets())

        with failing(shared, call, "before", EndpointConnectionError(endpoint_url="nowhere")):
            failed = consumer.apply(records)

        assert failed == records[0]["dynamodb"]["SequenceNumber"]
        assert consumer.apply(records) is None
        assert shared.services.failures.list_page(project, None, 10).records == ()


class TestLambda:
    def test_a_batch_is_applied_without_reported_failures(self, shared: Wired, settings: Settings) -> None:
        project = a_project_of(shared)
        event = {"Records": [a_record(project, an_event("ann", "i1", minutes=n)) for n in range(3)]}
        code = f"import json; from app.entry.aws.handler import handler; print(json.dumps(handler({event!r}, None)))"

        response = orjson.loads(last_line(forked(code, environment(settings, project))))

        assert response == {"batchItemFailures": []}
        assert state(shared, project).pages

    def test_the_timer_refreshes_overdue_lists(self, shared: Wired, settings: Settings) -> None:
        project = a_project_of(shared)
        shared.services.lists._counters.schedule(project, [int(NOW.timestamp())], 0)  # noqa: SLF001
        code = (
            "import json; from app.entry.aws.handler import handler; "
            "print(json.dumps(handler({'serendip': 'tick'}, None)))"
        )

        response = orjson.loads(last_line(forked(code, environment(settings, project))))

        assert response["refreshed"] >= 1
        assert schedule.refresh_overdue_lists(shared.services) == 0


class TestMetrics:
    def test_a_batch_logs_its_records_failures_pushes_and_lag(
        self, shared: Wired, caplog: pytest.LogCaptureFixture
    ) -> None:
        project = a_project_of(shared)
        bad = a_record(project, an_event("ann", "i2"))
        del bad["dynamodb"]["NewImage"]
        late = Event("ann", "i1", "view", datetime.now(UTC) - timedelta(seconds=7), "e")
        records = [bad, a_record(project, late, arrived=late.timestamp)]
        services = replace(shared.services, settings=shared.services.settings.model_copy(update={"emf": True}))

        with caplog.at_level("INFO", logger="serendip"):
            Consumer(services, NoSockets()).apply(records)

        lines = [orjson.loads(message) for message in caplog.messages]
        [line] = [entry for entry in lines if entry.get("route") == "stream"]
        assert (line["records"], line["failures"], line["pushes"]) == (2, 1, 0)
        assert 7_000 <= line["event_to_list_ms"] < 60_000
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert {"Name": "event_to_list_ms", "Unit": "Milliseconds"} in directive["Metrics"]
        assert "ann" not in str(lines)


class TestIsolation:
    def test_unknown_projects_get_no_counters(self, shared: Wired) -> None:
        consumer = Consumer(shared.services, NoSockets())

        assert consumer.apply([a_record("unknown-project", an_event())]) is None

        assert state(shared, "unknown-project") == State()
