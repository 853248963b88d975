"""Projects and hashed API keys. A key's row is found by the public part of the key, a project's by its id."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.access import ApiKey, Limits, Project, ProjectState, Scope
from app.domain.paging import Page
from app.domain.privacy import Receipt
from app.errors import Conflict, Exists
from app.storage import listing
from app.storage.database import Database, Raw, bounded
from app.storage.listing import ListingIndex
from app.storage.table import LISTING_SHARDS, Table, iso, key, moment, shard

KEY, PROJECT, KEYS = "key", "project", "keys"
REMEMBERED = timedelta(days=30)
"""For how long a key that has ended is still listed."""


class AccessRow(Model):
    class Meta:
        table_name = "access"

    key = UnicodeAttribute(hash_key=True)
    """key#id of the key, or project#id of the project."""
    listing = UnicodeAttribute(null=True)
    position = UnicodeAttribute(null=True)
    project = UnicodeAttribute(null=True)
    digest = UnicodeAttribute(null=True)
    facts = UnicodeAttribute(null=True)
    """JSON: everything else."""
    state = UnicodeAttribute(null=True)
    last_used = UnicodeAttribute(null=True)
    expires_at = TTLAttribute(null=True)
    by_listing = ListingIndex()


class AccessStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, AccessRow)

    def get_key(self, key_id: str) -> ApiKey | None:
        row = self._table.get(key(KEY, key_id), consistent=True)
        return _key(row) if row else None

    def create_key(self, new: ApiKey) -> None:
        """Store a new key; storing the very same one again changes nothing.

        Raises:
            Exists: the id is another key's.
        """
        unused = AccessRow.key.does_not_exist() | (AccessRow.digest == new.digest)
        try:
            self._table.put(_key_row(new), unused)
        except Conflict as error:
            raise Exists("There is a key with this id.") from error

    def replace_key(self, changed: ApiKey) -> None:
        """Write a key that exists (else Conflict)."""
        self._table.put(_key_row(changed), AccessRow.digest == changed.digest)

    def mark_used(self, key_id: str, day: date) -> None:
        """Note the day on which a key was used, unless it has ceased to exist (then Conflict)."""
        with bounded():
            row = AccessRow(key(KEY, key_id))
            row.update(actions=[AccessRow.last_used.set(day.isoformat())], condition=AccessRow.key.exists())

    def list_keys(self, project: str) -> list[ApiKey]:
        """All keys of a project, oldest first."""
        names = [row["key"]["S"] for row in self._table.query_all(key(KEYS, project), index=listing.INDEX)]
        found = [_key(row) for row in self._table.get_many(names, consistent=True)]
        return sorted(found, key=lambda one: (one.created_at, one.key_id))

    def delete_keys(self, key_ids: Sequence[str]) -> None:
        self._table.write_many([], [self._table.key(key(KEY, key_id)) for key_id in key_ids])

    def get_project(self, project_id: str) -> Project | None:
        row = self._table.get(key(PROJECT, project_id), consistent=True)
        return _project(row) if row else None

    def create_project(self, new: Project) -> None:
        """Raises Exists, unless it is the very same one, made at the same time."""
        same = AccessRow.facts == json.dumps(_project_facts(new))
        try:
            self._table.put(_project_row(new), AccessRow.key.does_not_exist() | same)
        except Conflict as error:
            raise Exists("There is, or was, a project with this id. Choose another one.") from error

    def replace_project(self, changed: Project, expected: ProjectState) -> None:
        """Write a project, provided that it is in the expected state (else Conflict)."""
        self._table.put(_project_row(changed), AccessRow.state == expected.value)

    def list_projects(self, start: str | None, limit: int) -> Page[Project]:
        def get(project_ids: Sequence[str]) -> list[Project]:
            rows = self._table.get_many([key(PROJECT, project_id) for project_id in project_ids], consistent=True)
            return sorted((_project(row) for row in rows), key=lambda project: project.project_id)

        return listing.page(self._table, PROJECT, None, start, limit, get)


def _key_row(one: ApiKey) -> AccessRow:
    ends = [moment for moment in (one.expires_at, one.revoked_at) if moment]
    facts = {
        "name": one.name,
        "scopes": sorted(one.scopes),
        "created_at": iso(one.created_at),
        "expires_at": iso(one.expires_at) if one.expires_at else None,
        "revoked_at": iso(one.revoked_at) if one.revoked_at else None,
        "origins": list(one.origins),
        "needs_user_token": one.needs_user_token,
        "limits": asdict(one.limits),
    }
    return AccessRow(
        key=key(KEY, one.key_id),
        listing=key(KEYS, one.project),
        position=key(iso(one.created_at), one.key_id),
        project=one.project,
        digest=one.digest,
        facts=json.dumps(facts),
        last_used=one.last_used.isoformat() if one.last_used else None,
        expires_at=min(ends) + REMEMBERED if ends else None,
    )


def _key(row: Raw) -> ApiKey:
    facts = json.loads(row["facts"]["S"])
    return ApiKey(
        key_id=str(row["key"]["S"]).partition("#")[2],
        project=row["project"]["S"],
        name=facts["name"],
        scopes=frozenset(map(Scope, facts["scopes"])),
        digest=row["digest"]["S"],
        created_at=moment(facts["created_at"]),
        expires_at=_optional_moment(facts["expires_at"]),
        revoked_at=_optional_moment(facts["revoked_at"]),
        last_used=date.fromisoformat(row["last_used"]["S"]) if "last_used" in row else None,
        origins=tuple(facts["origins"]),
        needs_user_token=facts["needs_user_token"],
        limits=Limits(**facts["limits"]),
    )


def _project_facts(project: Project) -> dict[str, object]:
    receipt = project.deletion
    return {
        "name": project.name,
        "created_at": iso(project.created_at),
        "limits": asdict(project.limits),
        "salt": project.salt,
        "resume_at": project.resume_at,
        "deletion": receipt_facts(receipt) if receipt else None,
    }


def _project_row(project: Project) -> AccessRow:
    return AccessRow(
        key=key(PROJECT, project.project_id),
        listing=listing.partition(PROJECT, shard(project.project_id, LISTING_SHARDS)),
        position=key(iso(project.created_at), project.project_id),
        state=project.state.value,
        facts=json.dumps(_project_facts(project)),
    )


def _project(row: Raw) -> Project:
    facts = json.loads(row["facts"]["S"])
    return Project(
        project_id=str(row["key"]["S"]).partition("#")[2],
        created_at=moment(facts["created_at"]),
        name=facts["name"],
        state=ProjectState(row["state"]["S"]),
        limits=Limits(**facts["limits"]),
        salt=facts["salt"],
        deletion=receipt(facts["deletion"]) if facts["deletion"] else None,
        resume_at=facts["resume_at"],
    )


def receipt_facts(one: Receipt) -> dict[str, object]:
    return {
        "receipt_id": one.receipt_id,
        "started_at": iso(one.started_at),
        "removed": dict(one.removed),
        "completed_at": iso(one.completed_at) if one.completed_at else None,
        "reached": dict(one.reached),
    }


def receipt(facts: dict[str, object]) -> Receipt:
    removed, reached = facts["removed"], facts.get("reached")
    return Receipt(
        receipt_id=str(facts["receipt_id"]),
        started_at=moment(str(facts["started_at"])),
        removed=dict(removed) if isinstance(removed, dict) else {},
        completed_at=_optional_moment(facts["completed_at"]),
        reached=dict(reached) if isinstance(reached, dict) else {},
    )


def _optional_moment(text: object) -> datetime | None:
    return moment(text).astimezone(UTC) if isinstance(text, str) else None
