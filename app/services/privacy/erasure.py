"""Erase users and projects, with a receipt, and export their data beforehand.

A tombstone keeps late events from bringing an erased user back: the id, hashed with a salt of the project. An erasure
that runs out of time or is killed resumes where it stopped.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from app.clock import Clock
from app.config import Settings
from app.deadline import remaining_seconds
from app.domain.access import DeletionCheckpoint, Project, ProjectState
from app.domain.events import Event
from app.domain.models import VersionState
from app.domain.paging import Page, every
from app.domain.privacy import Receipt
from app.domain.users import User
from app.errors import Conflict, NotFound
from app.services.access.credential_cache import CredentialCache
from app.services.privacy.owner_digest import owner_digest
from app.services.privacy.project_purge import ProjectPurge
from app.services.privacy.tombstones import Tombstones
from app.storage.access import AccessStore
from app.storage.connections import ConnectionStore
from app.storage.decisions import DecisionStore
from app.storage.events import EventStore
from app.storage.failures import FailureStore
from app.storage.items import ItemStore
from app.storage.packed_events import PackedEvents
from app.storage.users import UserStore
from app.storage.versions import VersionStore

RECEIPT_BYTES = 8
EXPORTED = ("items", "users", "events")
SPARE_SECONDS = 2.0
"""The time reserved for writing the receipt and sending the response."""
CLOCK_SKEW = timedelta(seconds=5)
LISTED_VERSIONS = 100


@dataclass(frozen=True)
class ErasureStores:
    items: ItemStore
    users: UserStore
    events: EventStore
    connections: ConnectionStore
    failures: FailureStore
    access: AccessStore
    decisions: DecisionStore
    versions: VersionStore
    packed_events: PackedEvents


class _Account:
    """A receipt that is stored whenever it changes."""

    def __init__(self, receipt: Receipt, write: Callable[[Receipt], None]) -> None:
        self._write = write
        self.put(receipt)

    def put(self, receipt: Receipt) -> None:
        self._write(receipt)
        self.receipt = receipt

    def add_once(self, kind: str, number: int) -> None:
        """Counts records that are removed all at once, unless an earlier attempt counted them."""
        if number and not self.receipt.removed.get(kind):
            self.put(_counted(self.receipt, kind, number))

    def add_new(self, kind: str, positions: Sequence[str]) -> None:
        """Counts records that are removed page by page, except those that an earlier attempt counted."""
        new = [position for position in positions if position > self.receipt.reached.get(kind, "")]
        if new:
            reached = {**self.receipt.reached, kind: new[-1]}
            self.put(replace(_counted(self.receipt, kind, len(new)), reached=reached))


class Erasure:
    def __init__(
        self,
        stores: ErasureStores,
        purge: ProjectPurge,
        tombstones: Tombstones,
        credentials: CredentialCache,
        settings: Settings,
        clock: Clock,
        random_hex: Callable[[int], str],
    ) -> None:
        self._stores, self._purge, self._tombstones, self._credentials = stores, purge, tombstones, credentials
        self._settings, self._clock, self._random_hex = settings, clock, random_hex
        self._settled = timedelta(seconds=settings.key_ttl_seconds + settings.request_deadline_seconds) + CLOCK_SKEW

    def receipt(self, project: str, user_id: str) -> Receipt:
        """Returns the receipt of a user's erasure.

        Raises:
            NotFound: the user was not erased.
        """
        digest = self._tombstones.digest(project, user_id)
        receipt = self._stores.users.erasures(project, [digest]).get(digest)
        if receipt is None:
            raise NotFound("This user was not erased.")
        return receipt

    def erase_user(self, project: str, user_id: str) -> Receipt:
        """Removes a user's profile and events, and refuses later ones. If the receipt is incomplete, call again.

        Everything is counted before it is removed, so an interruption never makes the receipt wrong.
        """
        owner = owner_digest(self._settings, project, user_id)
        stores, digest = self._stores, self._tombstones.digest(project, user_id)
        receipt = stores.users.erasures(project, [digest]).get(digest) or self._receipt({"profile": 0, "events": 0})
        if receipt.complete:
            return receipt
        stores.users.begin_erasures(project)
        account = _Account(receipt, partial(stores.users.put_erasure, project, digest))
        account.put(receipt)  # before looking for events, so that none is accepted afterwards
        if stores.users.get(project, user_id):
            account.add_once("profile", 1)
            stores.users.delete(project, user_id)
        for kind, store in (("connections", stores.connections), ("failures", stores.failures)):
            store.erase(project, user_id, partial(account.add_once, kind))
        for kind, erase in (
            ("decisions", partial(stores.decisions.erase_some, project, owner)),
            ("events", partial(stores.events.erase_some, project, user_id)),
        ):
            while erase(partial(account.add_new, kind)):
                if remaining_seconds() < SPARE_SECONDS:
                    return account.receipt
        stores.packed_events.forget(project, user_id)
        account.put(replace(account.receipt, completed_at=self._clock.now(), reached={}))
        return account.receipt

    def readmit(self, project: str, user_id: str) -> None:
        """Accepts an erased user again, without their former data.

        Raises:
            NotFound: the user was not erased.
        """
        self.receipt(project, user_id)
        self._stores.users.delete_erasure(project, self._tombstones.digest(project, user_id))

    def export_user(self, project: str, user_id: str, start: str | None, limit: int) -> tuple[User | None, Page[Event]]:
        """Returns what `erase_user` would remove: the profile and a page of events, newest first."""
        return self._stores.users.get(project, user_id), self._stores.events.list_page(project, user_id, start, limit)

    def export_project(self, project: str, start: str | None, limit: int) -> tuple[str, Page[Any]]:
        """Returns a page of the data that `delete_project` would remove: items, then users, then events.

        Returns:
            The kind of the records and a page of them. An empty page can have a next page.
        """
        kind, _, within = (start or f"{EXPORTED[0]}:").partition(":")
        stores = self._stores
        pages: dict[str, Callable[[str | None], Page[Any]]] = {
            "items": lambda cursor: stores.items.list_page(project, None, cursor, limit),
            "users": lambda cursor: stores.users.list_page(project, cursor, limit),
            "events": lambda cursor: stores.events.page(project, cursor, limit),
        }
        page = pages[kind](within or None)
        if page.next_start is not None:
            return kind, Page(page.records, f"{kind}:{page.next_start}")
        following = EXPORTED[EXPORTED.index(kind) + 1 :][:1]
        return kind, Page(page.records, f"{following[0]}:" if following else None)

    def delete_project(self, project_id: str) -> Project:
        """Removes a project's keys, then all its data. Only the receipt stays.

        Other instances may accept a cached key for a while and write new rows, so there is a first pass over the
        project's rows at once, and a last one after that time. Until it has ended the state is `deleting`: call again.
        Meanwhile, or while another process works on it, this returns the project as it is.

        Raises:
            NotFound: the project does not exist.
            Conflict: the project was changed at the same time.
        """
        access = self._stores.access
        project = access.get_project(project_id)
        if project is None:
            raise NotFound("The project does not exist.")
        if project.state is ProjectState.DELETED:
            return project
        if project.state is ProjectState.ACTIVE:
            project = replace(project, state=ProjectState.DELETING, deletion=self._receipt({}))
            access.begin_deletion(project)
        now = self._clock.now()
        resumed = project.resume_at or DeletionCheckpoint(now)
        if resumed.leased_until and resumed.leased_until > now:
            return project
        leased = replace(resumed, leased_until=now + timedelta(seconds=remaining_seconds()))
        project, previous = replace(project, resume_at=leased), project
        with suppress(Conflict):  # another process was faster
            access.advance_deletion(project, previous)
            previous, project = project, self._delete_some(project, leased.began_at)
            access.advance_deletion(project, previous)
            if project.state is ProjectState.DELETED:
                access.end_deletion(project_id)
            return project
        return access.get_project(project_id) or previous

    def _delete_some(self, project: Project, began_at: datetime) -> Project:
        """Removes keys and rows until the time is up; returns the project with its receipt and checkpoint."""
        if project.resume_at and project.resume_at.purge is None:
            self._stop_trainings(project.project_id)
        keys = [key.key_id for key in self._stores.access.list_keys(project.project_id)]
        self._stores.access.delete_keys(keys)
        self._credentials.forget(project.project_id, keys)
        receipt = _counted(project.deletion or self._receipt({}), "keys", len(keys))
        settled_at = receipt.started_at + self._settled
        removed, is_last = dict(receipt.removed), began_at >= settled_at
        checkpoint = self._purge.run(project, removed, lambda: remaining_seconds() < SPARE_SECONDS, is_last=is_last)
        receipt = replace(receipt, removed=removed)
        if checkpoint is not None:
            return replace(project, deletion=receipt, resume_at=DeletionCheckpoint(began_at, checkpoint))
        if not is_last:
            return replace(project, deletion=receipt, resume_at=DeletionCheckpoint(settled_at, leased_until=settled_at))
        receipt = replace(receipt, completed_at=self._clock.now())
        return replace(project, state=ProjectState.DELETED, salt="", name=None, deletion=receipt, resume_at=None)

    def _stop_trainings(self, project: str) -> None:
        """Cancels the project's running trainings, which would write the rows of a model later."""
        versions = self._stores.versions
        for version in every(lambda start: versions.list_page(project, start, LISTED_VERSIONS)):
            if version.state is VersionState.TRAINING:
                with suppress(Conflict):
                    cancelled = replace(version, state=VersionState.CANCELLED, detail="The project was deleted.")
                    versions.update(project, cancelled, expected=VersionState.TRAINING)

    def unfinished_deletions(self) -> list[str]:
        """Returns the ids of the projects to call `delete_project` for."""
        return self._stores.access.deletions()

    def _receipt(self, removed: dict[str, int]) -> Receipt:
        return Receipt(self._random_hex(RECEIPT_BYTES), self._clock.now(), removed)


def _counted(receipt: Receipt, kind: str, number: int) -> Receipt:
    return replace(receipt, removed={**receipt.removed, kind: receipt.removed.get(kind, 0) + number})
