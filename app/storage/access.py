"""Store projects and hashed API keys. A key is read by its public part, a project by its id."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from app.domain.access import USER_LIMITS, ApiKey, DeletionCheckpoint, Limits, Project, ProjectState, Scope
from app.domain.event_types import NO_SETTINGS, ProjectSettings, TypeWeights
from app.domain.paging import Page
from app.domain.privacy import Receipt
from app.errors import Conflict, Exists
from app.storage import listing
from app.storage.attributes import FactsAttribute, decoded
from app.storage.database import Database, Raw
from app.storage.listing import ListingIndex
from app.storage.table import LISTING_SHARDS, Table, iso, key, moment, shard

KEY, PROJECT, KEYS = "key", "project", "keys"
DELETION, DELETIONS = "deletion", "deletions"
ENDED_KEPT = timedelta(days=30)
"""How long an expired or revoked key is still listed."""


class AccessRow(Model):
    class Meta:
        table_name = "access"

    key = UnicodeAttribute(hash_key=True)
    """key#key_id, or project#project_id, or deletion#project_id while the project is being deleted."""
    listing = UnicodeAttribute(null=True)
    position = UnicodeAttribute(null=True)
    project = UnicodeAttribute(null=True)
    digest = UnicodeAttribute(null=True)
    facts = FactsAttribute(null=True)
    """All other fields."""
    settings = FactsAttribute(null=True)
    """What a project has decided; missing if it has decided nothing."""
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
        """Stores a new key; storing the same key again changes nothing.

        Raises:
            Exists: another key has this id.
        """
        unused = AccessRow.key.does_not_exist() | (AccessRow.digest == new.digest)
        try:
            self._table.put(_key_row(new), unused)
        except Conflict as error:
            raise Exists("A key with this id exists.") from error

    def replace_key(self, changed: ApiKey) -> None:
        """Replaces a key. Raises Conflict if it does not exist."""
        self._table.put(_key_row(changed), AccessRow.digest == changed.digest)

    def mark_used(self, key_id: str, day: date) -> None:
        """Stores the day on which a key was last used. Raises Conflict if the key no longer exists."""
        self._table.update(key(KEY, key_id), None, [AccessRow.last_used.set(day.isoformat())], AccessRow.key.exists())

    def list_keys(self, project: str) -> list[ApiKey]:
        """Returns all keys of a project, oldest first."""
        names = [row["key"]["S"] for row in self._table.query_all(key(KEYS, project), index=listing.INDEX)]
        keys = [_key(row) for row in self._table.get_many(names, consistent=True)]
        return sorted(keys, key=lambda api_key: (api_key.created_at, api_key.key_id))

    def delete_keys(self, key_ids: Sequence[str]) -> None:
        self._table.write_many([], [self._table.key(key(KEY, key_id)) for key_id in key_ids])

    def get_project(self, project_id: str) -> Project | None:
        row = self._table.get(key(PROJECT, project_id), consistent=True)
        return _project(row) if row else None

    def create_project(self, new: Project) -> None:
        """Stores a new project; storing the same project again changes nothing.

        Raises:
            Exists: another project has or had this id.
        """
        same = AccessRow.facts == _project_facts(new)
        try:
            self._table.put(_project_row(new), AccessRow.key.does_not_exist() | same)
        except Conflict as error:
            raise Exists("There is, or was, a project with this id. Choose another id.") from error

    def replace_project(self, changed: Project, expected: ProjectState) -> None:
        """Replaces a project. Raises Conflict unless it is in the expected state, with the settings of `changed`."""
        condition = (AccessRow.state == expected.value) & _has_settings(changed.settings)
        self._table.put(_project_row(changed), condition)

    def begin_deletion(self, changed: Project) -> None:
        """Lists an active project among the unfinished deletions and replaces it. Raises Conflict."""
        name = changed.project_id
        self._table.write_many([AccessRow(key=key(DELETION, name), listing=DELETIONS, position=name)])
        self.replace_project(changed, ProjectState.ACTIVE)

    def advance_deletion(self, changed: Project, previous: Project) -> None:
        """Replaces a project that is being deleted. Raises Conflict if another process has changed it."""
        self._table.put(_project_row(changed), AccessRow.facts == _project_facts(previous))

    def end_deletion(self, project_id: str) -> None:
        """Removes a project from the unfinished deletions."""
        self._table.write_many([], [self._table.key(key(DELETION, project_id))])

    def deletions(self) -> list[str]:
        """Returns the ids of the projects with unfinished deletions, and of some that have just been finished."""
        return [row["key"]["S"].partition("#")[2] for row in self._table.query_all(DELETIONS, index=listing.INDEX)]

    def put_settings(self, project_id: str, changed: ProjectSettings, previous: ProjectSettings) -> None:
        """Replaces the settings of an active project. Raises Conflict unless they are the previous ones."""
        condition = (AccessRow.state == ProjectState.ACTIVE.value) & _has_settings(previous)
        action = AccessRow.settings.set(_stored(changed)) if changed != NO_SETTINGS else AccessRow.settings.remove()
        self._table.update(key(PROJECT, project_id), None, [action], condition)

    def list_projects(self, start: str | None, limit: int) -> Page[Project]:
        def get(project_ids: Sequence[str]) -> list[Project]:
            rows = self._table.get_many([key(PROJECT, project_id) for project_id in project_ids], consistent=True)
            return sorted((_project(row) for row in rows), key=lambda project: project.project_id)

        return listing.page(self._table, PROJECT, None, start, limit, get)


def _key_row(api_key: ApiKey) -> AccessRow:
    ends = [end for end in (api_key.expires_at, api_key.revoked_at) if end]
    facts: dict[str, object] = {
        "name": api_key.name,
        "scopes": sorted(api_key.scopes),
        "created_at": api_key.created_at,
        "expires_at": api_key.expires_at,
        "revoked_at": api_key.revoked_at,
        "origins": list(api_key.origins),
        "needs_user_token": api_key.needs_user_token,
        "limits": asdict(api_key.limits),
    }
    if api_key.user_limits != USER_LIMITS:
        facts["user_limits"] = asdict(api_key.user_limits)
    return AccessRow(
        key=key(KEY, api_key.key_id),
        listing=key(KEYS, api_key.project),
        position=key(iso(api_key.created_at), api_key.key_id),
        project=api_key.project,
        digest=api_key.digest,
        facts=facts,
        last_used=api_key.last_used.isoformat() if api_key.last_used else None,
        expires_at=min(ends) + ENDED_KEPT if ends else None,
    )


def _key(row: Raw) -> ApiKey:
    facts = decoded(row, "facts")
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
        user_limits=Limits(**facts["user_limits"]) if "user_limits" in facts else USER_LIMITS,
    )


def _project_facts(project: Project) -> dict[str, object]:
    receipt = project.deletion
    facts: dict[str, object] = {
        "name": project.name,
        "created_at": project.created_at,
        "limits": asdict(project.limits),
        "salt": project.salt,
        "resume_at": _checkpoint_facts(project.resume_at) if project.resume_at else None,
        "deletion": asdict(receipt) if receipt else None,
    }
    return {**facts, "is_indexed": True} if project.is_indexed else facts


def _checkpoint_facts(checkpoint: DeletionCheckpoint) -> dict[str, object]:
    return {
        "began": checkpoint.began_at,
        "place": checkpoint.purge and dict(checkpoint.purge),
        "leased": checkpoint.leased_until,
    }


def _checkpoint(facts: dict[str, Any]) -> DeletionCheckpoint:
    """Decodes a checkpoint; those of releases up to 0.7 are of another order, so that the pass begins again."""
    place = facts["place"] if "leased" in facts else None
    return DeletionCheckpoint(moment(facts["began"]), place, _optional_moment(facts.get("leased")))


def _project_row(project: Project) -> AccessRow:
    return AccessRow(
        key=key(PROJECT, project.project_id),
        listing=listing.partition(PROJECT, shard(project.project_id, LISTING_SHARDS)),
        position=key(iso(project.created_at), project.project_id),
        state=project.state.value,
        facts=_project_facts(project),
        settings=_stored(project.settings) if project.settings != NO_SETTINGS else None,
    )


def _has_settings(settings: ProjectSettings) -> Condition:
    if settings == NO_SETTINGS:
        return AccessRow.settings.does_not_exist()
    return AccessRow.settings == _stored(settings)


def _stored(settings: ProjectSettings) -> dict[str, Any]:
    """Returns settings as they are compared: types without a meaning look as they did before there were meanings."""
    stored = asdict(settings)
    for own in stored["event_types"].values():
        if own["means"] is None:
            del own["means"]
    if not settings.origins:
        del stored["origins"]
    return stored


def _settings(row: Raw) -> ProjectSettings:
    stored = decoded(row, "settings")
    if stored is None:
        return NO_SETTINGS
    own = {name: TypeWeights(**weights) for name, weights in stored["event_types"].items()}
    return ProjectSettings(own, stored["unknown_items"], tuple(stored.get("origins", ())))


def _project(row: Raw) -> Project:
    facts = decoded(row, "facts")
    return Project(
        project_id=str(row["key"]["S"]).partition("#")[2],
        created_at=moment(facts["created_at"]),
        name=facts["name"],
        state=ProjectState(row["state"]["S"]),
        limits=Limits(**facts["limits"]),
        salt=facts["salt"],
        settings=_settings(row),
        deletion=receipt_of(facts["deletion"]) if facts["deletion"] else None,
        resume_at=_checkpoint(facts["resume_at"]) if facts["resume_at"] else None,
        is_indexed=facts.get("is_indexed", False),
    )


def receipt_of(facts: dict[str, object]) -> Receipt:
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
