"""Tombstones of erased users: they keep late writes from bringing the users back."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TypeVar

from app.errors import Erased
from app.services.access.credential_cache import CredentialCache
from app.storage.users import UserStore

DIGEST_BYTES = 24
FEW_USERS = 10

Written = TypeVar("Written")


class Tombstones:
    """The ids of erased users, kept as hashes with a salt of their project."""

    def __init__(self, store: UserStore, credentials: CredentialCache) -> None:
        self._store, self._credentials = store, credentials

    def digest(self, project: str, user_id: str) -> str:
        """Returns the hash under which a user's tombstone is stored.

        Raises:
            NotFound: the project does not exist.
        """
        salt = self._credentials.salt(project).encode()
        return blake2b(user_id.encode(), key=salt, digest_size=DIGEST_BYTES).hexdigest()

    def erased(self, project: str, user_ids: Sequence[str]) -> set[str]:
        """Returns those of the users that were erased.

        Many users in a project without erasures take one read. For few users, it would always read the same row.
        """
        if len(set(user_ids)) > FEW_USERS and not self._store.may_have_erasures(project):
            return set()
        users = {self.digest(project, user_id): user_id for user_id in sorted(set(user_ids))}
        return {users[digest] for digest in self._store.erasures(project, list(users))}

    def refuse(self, project: str, user_ids: Sequence[str]) -> None:
        """Checks that none of the users was erased.

        Raises:
            Erased: some were; its `positions` index into `user_ids`.
        """
        erased = self.erased(project, user_ids)
        if erased:
            positions = tuple(position for position, user_id in enumerate(user_ids) if user_id in erased)
            raise Erased(positions, len(set(user_ids)))

    def guard(
        self,
        project: str,
        user_ids: Sequence[str],
        write: Callable[[], Written],
        undo: Callable[[set[str]], object],
    ) -> Written:
        """Writes records of users, unless they were erased; returns what `write` returns.

        An erasure can run between the check and the write, so that its users are looked up again after the write.

        Args:
            project: the project of the users.
            user_ids: the user of each record, in the order of the records.
            write: stores the records.
            undo: removes what was stored for users who were erased meanwhile.

        Raises:
            Erased: some users were erased before the write. Nothing was stored.
        """
        self.refuse(project, user_ids)
        written = write()
        self.undo_erased(project, user_ids, undo)
        return written

    def undo_erased(self, project: str, user_ids: Sequence[str], undo: Callable[[set[str]], object]) -> None:
        """Calls `undo` with those of the users that were erased, if there are any."""
        erased = self.erased(project, user_ids)
        if erased:
            undo(erased)
