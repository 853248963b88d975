"""Erased users stay erased in batches of many users, and what that costs."""

import pytest

from app.clock import SYSTEM_CLOCK
from app.config import Settings
from app.entry.stream import Consumer
from app.errors import Erased
from app.services.access.credential_cache import CredentialCache
from app.services.privacy.tombstones import FEW_USERS, Tombstones
from app.storage.access import AccessStore
from app.storage.events import EventStore
from app.storage.table import Table, key
from app.storage.users import ERASURES, UserRow, UserStore
from app.wiring import Wired
from tests.support.builders import an_event
from tests.support.call_recorder import Recorder
from tests.support.stream_records import NoSockets, a_record

USERS = [f"u{number}" for number in range(2 * FEW_USERS)]
EVENTS = [an_event(user, "tea") for user in USERS]


def stored(wired: Wired, project: str) -> set[str]:
    return {event.user_id for event in wired.services.events.all(project)}


def forget_promise(wired: Wired, project: str) -> None:
    """Makes the project one of an earlier release."""
    table = Table(wired.database, UserRow)
    table.write_many([], [table.key(key(project, "", ERASURES))])


class TestGuard:
    def test_many_users_take_one_read_before_and_one_after_the_write_if_none_was_erased(
        self, wired: Wired, settings: Settings
    ) -> None:
        wired.services.events.accept(settings.project, EVENTS)  # reads the project once
        recorder = Recorder(wired.database)

        wired.services.events.accept(settings.project, EVENTS)

        assert [name for name, _, _ in recorder.calls] == ["GetItem", "BatchWriteItem", "GetItem"]

    @pytest.mark.parametrize("is_new", [True, False], ids=["new project", "project of an earlier release"])
    def test_a_batch_that_names_an_erased_user_is_refused(
        self, wired: Wired, settings: Settings, *, is_new: bool
    ) -> None:
        wired.services.erasure.erase_user(settings.project, "u7")
        if not is_new:
            forget_promise(wired, settings.project)

        with pytest.raises(Erased) as refused:
            wired.services.events.accept(settings.project, EVENTS)

        assert refused.value.positions == (7,)
        assert stored(wired, settings.project) == set()

    def test_events_of_a_user_who_is_erased_during_the_write_are_removed(
        self, wired: Wired, settings: Settings
    ) -> None:
        store, project = EventStore(wired.database), settings.project
        credentials = CredentialCache(AccessStore(wired.database), settings, SYSTEM_CLOCK)

        def write() -> None:
            wired.services.erasure.erase_user(project, "u7")
            store.put_many(project, EVENTS)

        def undo(erased: set[str]) -> None:
            store.delete_many(project, [event for event in EVENTS if event.user_id in erased])

        Tombstones(UserStore(wired.database), credentials).guard(project, USERS, write, undo)

        assert stored(wired, project) == set(USERS) - {"u7"}

    def test_creating_a_project_does_not_hide_an_erasure_that_was_faster(
        self, wired: Wired, settings: Settings
    ) -> None:
        wired.services.erasure.erase_user(settings.project, "u7")

        UserStore(wired.database).promise_no_erasures(settings.project)

        with pytest.raises(Erased):
            wired.services.events.accept(settings.project, EVENTS)


class TestStream:
    def test_a_batch_of_many_users_brings_no_erased_user_back(self, wired: Wired, settings: Settings) -> None:
        wired.services.erasure.erase_user(settings.project, "u7")
        purchases = [an_event(user, "tea", "purchase") for user in USERS]
        consumer = Consumer(wired.services, NoSockets())

        assert consumer.apply([a_record(settings.project, event) for event in purchases]) is None

        kept = EventStore(wired.database).verdicts(settings.project, USERS)
        assert kept.keys() == set(USERS) - {"u7"}
