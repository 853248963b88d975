"""Deletes selected events step by step."""

from dataclasses import replace

from app.domain.events import EventKey
from app.domain.jobs import DeletionCheckpoint, DeletionRequest, Job, JobState
from app.services.bundle import Services

PAGE = 500
PAGES_AT_ONCE = 20
"""A step that selects no events reads at most this many pages."""


def step(services: Services, project: str, job: Job) -> Job:
    """Deletes the events that the step before selected, and selects the next ones.

    The selected events are part of the checkpoint, so that they are counted once, however often they are deleted.
    """
    request, checkpoint = job.request, job.checkpoint
    assert isinstance(request, DeletionRequest)  # noqa: S101 - a deletion's
    assert isinstance(checkpoint, DeletionCheckpoint)  # noqa: S101
    services.events.delete(project, [(user_id, position) for user_id, position in checkpoint.pending])
    deleted, read = len(checkpoint.pending), 0
    start, is_read, pending, pages = checkpoint.start, checkpoint.is_read, list[EventKey](), 0
    while not is_read and not pending and pages < PAGES_AT_ONCE:
        page = services.events.select(project, request.selection, start, PAGE)
        start, is_read, pending, pages = page.next_start, page.next_start is None, list(page.keys), pages + 1
        read += page.read
    return replace(
        job,
        state=JobState.SUCCEEDED if is_read and not pending else job.state,
        checkpoint=DeletionCheckpoint(start, is_read, pending),
        counts={"read": job.counts.get("read", 0) + read, "deleted": job.counts.get("deleted", 0) + deleted},
    )
