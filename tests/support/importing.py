"""Imports a file as users do: through the command line, and through a job."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.domain.jobs import ImportRequest, JobState
from app.domain.paging import every
from app.services.jobs import UPLOAD, file_name
from app.wiring import Wired
from tests.support.command_line import command, environment


@dataclass
class Imported:
    """What an import said, and what is in the database afterwards."""

    succeeded: bool
    says: str
    items: dict[str, Any] = field(default_factory=dict)
    users: list[str] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)

    @property
    def pairs(self) -> set[tuple[str, str]]:
        return {(event.user_id, event.item_id) for event in self.events}

    @property
    def is_empty(self) -> bool:
        return not self.items and not self.users and not self.events


Import = Callable[..., Imported]
"""Imports a file; takes the options of an import job as keywords."""


def by_job(wired: Wired, project: str, path: Path, **options: Any) -> Imported:
    services = wired.services
    job = services.jobs.create(project, ImportRequest(**options))
    services.jobs.objects.write(file_name(project, job, UPLOAD), path.read_bytes())
    services.jobs.begin(project, job.job_id)
    job = services.jobs.get(project, job.job_id)
    assert job.state in {JobState.SUCCEEDED, JobState.FAILED}
    said = [str(job.detail), str(job.summary)]
    for file, _ in services.jobs.files(project, job, None, 100).records:
        said.append(services.jobs.objects.read(file_name(project, job, file.name), 0, file.bytes).decode())
    return stored(wired, project, succeeded=job.state is JobState.SUCCEEDED, says="\n".join(said))


def by_command(
    wired: Wired,
    project: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    path: Path,
    *more: str,
    **options: Any,
) -> Imported:
    """Runs the command on a copy of the file in the folder."""
    copy = shutil.copytree(path, folder / path.name) if path.is_dir() else shutil.copy(path, folder)
    arguments = ["import", str(copy), *more]
    for ours, theirs in options.get("columns", {}).items():
        arguments += ["--map", f"{ours}={theirs}"]
    for name in options.keys() - {"columns"}:
        arguments += ["--kind" if name == "records" else f"--{name.replace('_', '-')}", options[name]]
    ended = command(capsys, folder, environment(wired.services.settings, project), *arguments)
    rejects = [file.read_text() for file in folder.rglob("*.rejects.jsonl")]
    says = " ".join(f"{ended.out} {ended.err}".split())
    return stored(wired, project, succeeded=ended.code == 0, says="\n".join([says, *rejects]))


def stored(wired: Wired, project: str, *, succeeded: bool, says: str) -> Imported:
    services = wired.services
    items = every(lambda start: services.items.list_page(project, None, start, 100))
    users = every(lambda start: services.users.list_page(project, start, 100))
    return Imported(
        succeeded,
        says,
        {item.item_id: item for item in items},
        [user.user_id for user in users],
        list(services.events.all(project)),
    )
