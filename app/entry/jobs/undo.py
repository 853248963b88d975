"""Takes back, step by step, what an import added."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domain.events import EventSelection
from app.domain.jobs import Job, JobState, UndoCheckpoint, UndoRequest
from app.services.bundle import Services

KINDS = ("events", "items", "users")
PAGE = 500
"""Events of a page."""
RECORDS = 100
"""Items or users of a page."""
PAGES_AT_ONCE = 20
"""A step that finds nothing to delete reads at most this many pages."""
NOTHING = (
    "No event, item or user of this project carries the import id {}. Either the id is wrong (`serendip imports` and "
    "GET /v1/jobs?kind=import list imports), or the import only changed items and users that existed before, which "
    "keep what it gave them, or everything that it added was taken back, imported again or deleted."
)
KEPT = "Items and users that existed before the import keep what it gave them."


@dataclass(frozen=True)
class _Page:
    keys: Sequence[Any]
    """The records to delete."""
    read: int
    next_start: str | None
    changed: int = 0
    """Records that the import added and that stay, because something else has changed them."""


def step(services: Services, project: str, job: Job) -> Job:
    """Deletes the records that the step before selected, and selects the next ones.

    The selected records are part of the checkpoint, so that they are counted once, however often they are deleted.
    """
    request, checkpoint = job.request, job.checkpoint
    assert isinstance(request, UndoRequest)  # noqa: S101 - an undo's
    assert isinstance(checkpoint, UndoCheckpoint)  # noqa: S101
    counts = {name: job.counts.get(name, 0) for name in ("read", *KINDS, "changed")}
    for pending_kind, keys in checkpoint.pending.items():
        _delete(services, project, pending_kind, keys)
        counts[pending_kind] += len(keys)
    kind, start, pending = checkpoint.kind, checkpoint.start, dict[str, Sequence[Any]]()
    for _ in range(PAGES_AT_ONCE):
        if kind is None or pending:
            break
        page = _select(services, project, kind, request.import_id, start)
        counts["read"] += page.read
        counts["changed"] += page.changed
        if page.keys:
            pending[kind] = page.keys
        start = page.next_start
        if start is None:
            kind = next(iter(KINDS[KINDS.index(kind) + 1 :]), None)
    result = replace(job, checkpoint=UndoCheckpoint(kind, start, pending), counts=counts)
    if kind is not None or pending:
        return result
    if not any(counts[name] for name in (*KINDS, "changed")):
        return replace(result, state=JobState.FAILED, detail=NOTHING.format(request.import_id))
    return replace(result, state=JobState.SUCCEEDED, detail=KEPT)


def _select(services: Services, project: str, kind: str, import_id: str, start: str | None) -> _Page:
    if kind == "events":
        events = services.events.select(project, EventSelection(import_id=import_id), start, PAGE)
        return _Page(events.keys, events.read, events.next_start)
    if kind == "items":
        items = services.items.list_page(project, None, start, RECORDS)
        marks, next_start = {item.item_id: item.import_mark for item in items.records}, items.next_start
    else:
        users = services.users.list_page(project, start, RECORDS)
        marks, next_start = {user.user_id: user.import_mark for user in users.records}, users.next_start
    added = {key: mark for key, mark in marks.items() if mark is not None and mark.import_id == import_id}
    keys = [key for key, mark in added.items() if not mark.is_changed]
    return _Page(keys, len(marks), next_start, len(added) - len(keys))


def _delete(services: Services, project: str, kind: str, keys: Sequence[Any]) -> None:
    if kind == "events":
        services.events.delete(project, [(user_id, position) for user_id, position in keys])
    elif kind == "items":
        services.items.delete_many(project, keys)
    else:
        services.users.delete_many(project, keys)
