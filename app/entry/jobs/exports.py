"""Exports all records of a kind as JSON Lines that an import reads: to one file, or to a job's files part by part."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from app.api.schemas.events import EventView
from app.api.schemas.items import ItemView
from app.api.schemas.users import UserView
from app.domain.jobs import ExportCheckpoint, Job, JobState
from app.domain.paging import every
from app.errors import Cancelled
from app.services.bundle import Services
from app.services.jobs import file_name

PAGE = 100
PART_BYTES = 8 * 1024 * 1024
VIEWS: dict[str, type[EventView | ItemView | UserView]] = {"events": EventView, "items": ItemView, "users": UserView}
READ_ONLY: dict[str, set[str]] = {
    "events": set(),
    "items": {"created_at", "updated_at"},
    "users": {"created_at", "updated_at"},
}
"""Fields that an import does not accept, and that are therefore not exported."""


def run(services: Services, project: str, kind: str, path: Path) -> int:
    """Writes all records of a kind to a file; returns how many.

    The file is written under another name first, so that a killed export leaves no file that looks complete.
    """
    unfinished = path.with_name(path.name + ".part")
    count = 0
    with unfinished.open("wb") as file:
        for line in _lines(kind, _records(services, project, kind)):
            file.write(line)
            count += 1
    unfinished.replace(path)
    return count


def step(services: Services, project: str, job: Job) -> Job:
    """Writes the next file of a job, which holds one kind. Repeating the step writes the same file."""
    checkpoint = job.checkpoint
    assert isinstance(checkpoint, ExportCheckpoint)  # noqa: S101 - an export's
    start, kind, lines, size = checkpoint.start, "", list[bytes](), 0
    while size < PART_BYTES:
        kind, page = services.erasure.export_project(project, start, PAGE)
        page_lines = list(_lines(kind, page.records))
        lines += page_lines
        size += sum(map(len, page_lines))
        start = page.next_start
        if start is None or not start.startswith(kind + ":"):
            break
    if not services.access.is_active(project):
        raise Cancelled("The project is being deleted.")
    part = checkpoint.part
    if lines:
        part += 1
        services.jobs.objects.write(file_name(project, job, f"{part:06}-{kind}.jsonl"), b"".join(lines))
    return replace(
        job,
        state=JobState.SUCCEEDED if start is None else job.state,
        checkpoint=ExportCheckpoint(start, part),
        counts={**job.counts, kind: job.counts.get(kind, 0) + len(lines)},
    )


def _lines(kind: str, records: Iterable[Any]) -> Iterator[bytes]:
    for record in records:
        view = VIEWS[kind].model_validate(record).model_dump(mode="json", exclude=READ_ONLY[kind])
        yield orjson.dumps({name: value for name, value in view.items() if value is not None}) + b"\n"


def _records(services: Services, project: str, kind: str) -> Iterator[Any]:
    if kind == "events":
        return services.events.all(project)
    if kind == "items":
        return every(lambda start: services.items.list_page(project, None, start, PAGE))
    return every(lambda start: services.users.list_page(project, start, PAGE))
