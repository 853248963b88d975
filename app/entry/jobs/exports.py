"""All records of a kind as JSON Lines, in the form that imports read: into a file, or a job's part by part."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from app.api.schemas.records import EventView, ItemView, UserView
from app.domain.jobs import Job, JobState
from app.domain.paging import every
from app.errors import Cancelled
from app.services.bundle import Services
from app.services.jobs import file_name
from app.wiring import Wired

PAGE = 100
PART_BYTES = 8 * 1024 * 1024
VIEWS: dict[str, type[EventView | ItemView | UserView]] = {"events": EventView, "items": ItemView, "users": UserView}
FIELDS: dict[str, set[str]] = {
    "events": set(),
    "items": {"created_at", "updated_at"},
    "users": {"created_at", "updated_at"},
}
"""What an import does not take."""


def run(wired: Wired, kind: str, path: Path) -> int:
    """Write the file under another name first, so that a killed export leaves none that looks whole."""
    unfinished = path.with_name(path.name + ".part")
    count = 0
    with unfinished.open("wb") as file:
        for line in _lines(kind, _records(wired, kind)):
            file.write(line)
            count += 1
    unfinished.replace(path)
    return count


def step(services: Services, project: str, job: Job) -> Job:
    """Write the next part of a job's files, of one kind; the same part is the same file again."""
    following, kind, lines, size = job.place.get("start"), "", [], 0
    while size < PART_BYTES:
        kind, page = services.erasure.export_project(project, following, PAGE)
        of_page = list(_lines(kind, page.records))
        lines += of_page
        size += sum(map(len, of_page))
        following = page.next_start
        if following is None or not following.startswith(kind + ":"):
            break
    if not services.access.is_active(project):
        raise Cancelled("The project is being deleted.")
    part = int(job.place.get("part", 0)) + 1
    if lines:
        services.jobs.objects.write(file_name(project, job, f"{part:06}-{kind}.jsonl"), b"".join(lines))
    return replace(
        job,
        state=JobState.SUCCEEDED if following is None else job.state,
        place={"start": following, "part": part if lines else part - 1},
        counts={**job.counts, kind: job.counts.get(kind, 0) + len(lines)},
    )


def _lines(kind: str, records: Iterable[Any]) -> Iterator[bytes]:
    for record in records:
        shown = VIEWS[kind].model_validate(record).model_dump(mode="json", exclude=FIELDS[kind])
        yield orjson.dumps({name: value for name, value in shown.items() if value is not None}) + b"\n"


def _records(wired: Wired, kind: str) -> Iterator[Any]:
    services = wired.services
    project = services.settings.project
    if kind == "events":
        return services.events.all(project)
    if kind == "items":
        return every(lambda start: services.catalog.list_items(project, None, start, PAGE))
    return every(lambda start: services.catalog.list_users(project, start, PAGE))
