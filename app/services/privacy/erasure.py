"""Forgetting: a user, or a whole project, with a receipt; and giving out beforehand what would be removed.

The id of an erased user stays as a hash, salted by his project, and keeps late events from bringing him back. Both
erasures go on where they ended when the time of a request was used up or its process was killed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any

from app.config import Settings
from app.deadline import remaining_seconds
from app.domain.access import Project, ProjectState
from app.domain.events import Event
from app.domain.paging import Page
from app.domain.privacy import Receipt
from app.domain.users import User
from app.errors import Erased, NotFound
from app.storage.access import AccessStore
from app.storage.connections import ConnectionStore
from app.storage.events import EventStore
from app.storage.failures import FailureStore
from app.storage.items import ItemStore
from app.storage.users import UserStore

RECEIPT_BYTES = 8
EXPORTED = ("items", "users", "events")
SPARE_SECONDS = 2.0
"""Left over for the receipt and the answer when a slice of work ends."""
CLOCK_SKEW = timedelta(seconds=5)

Purge = Callable[[str, dict[str, Any] | None, dict[str, int], Callable[[], bool]], dict[str, Any] | None]
"""Removes rows of a project; see `storage.schema.purge`."""


@dataclass(frozen=True)
class ErasureStores:
    items: ItemStore
    users: UserStore
    events: EventStore
    connections: ConnectionStore
    failures: FailureStore
    access: AccessStore
    purge: Purge
    erase_decisions: Callable[[str, str, Callable[[Sequence[str]], None]], int]
    """Removes some of the answers that were kept for a user, and says how many; tells which before it does."""


class _Account:
    """A receipt that is written down whenever it changes."""

    def __init__(self, receipt: Receipt, write: Callable[[Receipt], None]) -> None:
        self._write = write
        self.put(receipt)

    def put(self, receipt: Receipt) -> None:
        self._write(receipt)
        self.receipt = receipt

    def add_once(self, kind: str, number: int) -> None:
        """Count what is removed as a whole, unless that was begun before."""
        if number and not self.receipt.removed.get(kind):
            self.put(_counted(self.receipt, kind, number))

    def add_new(self, kind: str, places: Sequence[str]) -> None:
        """Count what is removed page by page in its order, as far as it is not counted."""
        new = [one for one in places if one > self.receipt.reached.get(kind, "")]
        if new:
            reached = {**self.receipt.reached, kind: new[-1]}
            self.put(replace(_counted(self.receipt, kind, len(new)), reached=reached))


class Erasure:
    def __init__(
        self,
        stores: ErasureStores,
        settings: Settings,
        salt: Callable[[str], str],
        forget: Callable[[str, Sequence[str]], None],
        clock: Callable[[], datetime],
        random_hex: Callable[[int], str],
    ) -> None:
        self._stores, self._salt, self._forget = stores, salt, forget
        self._clock, self._random_hex = clock, random_hex
        self._settled = timedelta(seconds=settings.key_ttl_seconds + settings.request_deadline_seconds) + CLOCK_SKEW

    def erased(self, project: str, user_ids: Sequence[str]) -> set[str]:
        """Which of these users were erased."""
        salt = self._salt(project)
        hashes = {_hash(salt, user_id): user_id for user_id in user_ids}
        return {hashes[one] for one in self._stores.users.erasures(project, list(hashes))}

    def refuse(self, project: str, user_id: str) -> None:
        """Raises Erased where the user was erased."""
        if self.erased(project, [user_id]):
            raise Erased("The user was erased")

    def receipt(self, project: str, user_id: str) -> Receipt:
        """Raises NotFound where the user was not erased."""
        hashed = self._hashed(project, user_id)
        found = self._stores.users.erasures(project, [hashed]).get(hashed)
        if found is None:
            raise NotFound("This user was not erased.")
        return found

    def erase_user(self, project: str, user_id: str) -> Receipt:
        """Remove profile and events; what comes later is refused. An incomplete receipt asks to be called again.

        Everything is counted before it is removed, so that the receipt is true wherever this is interrupted.
        """
        stores, hashed = self._stores, self._hashed(project, user_id)
        found = stores.users.erasures(project, [hashed]).get(hashed) or self._receipt({"profile": 0, "events": 0})
        if found.complete:
            return found
        account = _Account(found, partial(stores.users.put_erasure, project, hashed))
        if stores.users.get(project, user_id):
            account.add_once("profile", 1)
            stores.users.delete(project, user_id)
        for kind, store in (("connections", stores.connections), ("failures", stores.failures)):
            store.erase(project, user_id, partial(account.add_once, kind))
        for kind, erase in (("decisions", stores.erase_decisions), ("events", stores.events.erase_some)):
            while erase(project, user_id, partial(account.add_new, kind)):
                if remaining_seconds() < SPARE_SECONDS:
                    return account.receipt
        account.put(replace(account.receipt, completed_at=self._clock(), reached={}))
        return account.receipt

    def readmit(self, project: str, user_id: str) -> None:
        """Let an erased user come back, empty.

        Raises:
            NotFound: he was not erased.
        """
        self.receipt(project, user_id)
        self._stores.users.delete_erasure(project, self._hashed(project, user_id))

    def export_user(self, project: str, user_id: str, start: str | None, limit: int) -> tuple[User | None, Page[Event]]:
        """What `erase_user` would remove: the profile, and a page of the events, newest first."""
        return self._stores.users.get(project, user_id), self._stores.events.list_page(project, user_id, start, limit)

    def export_project(self, project: str, start: str | None, limit: int) -> tuple[str, Page[Any]]:
        """What `delete_project` would remove of a project's data: its items, then its users, then its events.

        Returns:
            The kind of the records, and a page of them. A page can be empty and still have a next one.
        """
        kind, _, within = (start or f"{EXPORTED[0]}:").partition(":")
        stores = self._stores
        pages: dict[str, Callable[[str | None], Page[Any]]] = {
            "items": lambda place: stores.items.list_page(project, None, place, limit),
            "users": lambda place: stores.users.list_page(project, place, limit),
            "events": lambda place: stores.events.page(project, place, limit),
        }
        page = pages[kind](within or None)
        if page.next_start is not None:
            return kind, Page(page.records, f"{kind}:{page.next_start}")
        following = EXPORTED[EXPORTED.index(kind) + 1 :][:1]
        return kind, Page(page.records, f"{following[0]}:" if following else None)

    def delete_project(self, project_id: str) -> Project:
        """Remove everything of a project but its receipt; its keys end first.

        While instances may still accept a key that they remember, rows may still come: the deletion is complete when
        a pass over all tables that began after that time has ended. Until then the state is `deleting`: call again.

        Raises:
            NotFound, and Conflict when two deletions of a project meet.
        """
        access = self._stores.access
        project = access.get_project(project_id)
        if project is None:
            raise NotFound("There is no such project.")
        if project.state is ProjectState.DELETED:
            return project
        if project.state is ProjectState.ACTIVE:
            project = replace(project, state=ProjectState.DELETING, deletion=self._receipt({}))
            access.replace_project(project, ProjectState.ACTIVE)
        keys = [key.key_id for key in access.list_keys(project_id)]
        access.delete_keys(keys)
        self._forget(project_id, keys)
        receipt = _counted(project.deletion or self._receipt({}), "keys", len(keys))
        began = (project.resume_at or {}).get("began") or self._clock().isoformat()
        removed = dict(receipt.removed)
        place = self._stores.purge(
            project_id,
            (project.resume_at or {}).get("place"),
            removed,
            lambda: remaining_seconds() < SPARE_SECONDS,
        )
        receipt = replace(receipt, removed=removed)
        if place is not None:
            project = replace(project, deletion=receipt, resume_at={"began": began, "place": place})
        elif datetime.fromisoformat(began) < receipt.started_at + self._settled:
            project = replace(project, deletion=receipt, resume_at=None)
        else:
            done = replace(receipt, completed_at=self._clock())
            project = replace(project, state=ProjectState.DELETED, salt="", name=None, deletion=done, resume_at=None)
        access.replace_project(project, ProjectState.DELETING)
        return project

    def _receipt(self, removed: dict[str, int]) -> Receipt:
        return Receipt(self._random_hex(RECEIPT_BYTES), self._clock(), removed)

    def _hashed(self, project: str, user_id: str) -> str:
        return _hash(self._salt(project), user_id)


def _hash(salt: str, user_id: str) -> str:
    return blake2b(user_id.encode(), key=salt.encode(), digest_size=24).hexdigest()


def _counted(receipt: Receipt, kind: str, number: int) -> Receipt:
    return replace(receipt, removed={**receipt.removed, kind: receipt.removed.get(kind, 0) + number})
