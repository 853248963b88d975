"""Jobs end in the same state, no matter where and how often their worker is killed."""

import gzip
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from itertools import count
from threading import Lock
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from app.config import Settings
from app.deadline import patience_seconds
from app.domain.fields import ImportMark
from app.domain.jobs import (
    DeletionRequest,
    ErasureRequest,
    ExportRequest,
    ImportRequest,
    JobState,
    TrainingRequest,
    UndoRequest,
)
from app.domain.users import User
from app.entry.jobs import deletions, exports, slices, undo, worker
from app.entry.local import dynamodb
from app.entry.local.dynamodb import Emulator
from app.services.bundle import Services
from app.services.jobs import UPLOAD, file_name, jobs
from app.storage import events
from app.storage.access import AccessRow
from app.storage.admin.schema import MODELS
from app.storage.database import Database, plain_name
from app.storage.jobs import JobStore as Store
from app.storage.objects import FolderFileStore, project_folder
from app.storage.versions import VersionStore
from app.wiring import Wired
from tests.support import tables
from tests.support.builders import a_project, an_event, an_item, idle_on, two_tastes
from tests.support.datasets import ROOT
from tests.support.processes import PROCESSES

POINTS: tuple[tuple[type, str], ...] = (
    (Store, "replace"),
    (VersionStore, "update"),
    (VersionStore, "activate"),
    (FolderFileStore, "write"),
    (Database, "batch_write"),
)
"""A worker is killed before each of these calls, which write checkpoints of jobs, versions and receipts, or effects."""
SMALL: tuple[tuple[Any, str, Any], ...] = (
    (slices, "SLICE_BYTES", 1_600),
    (exports, "PART_BYTES", 2_000),
    (exports, "PAGE", 10),
    (events, "ERASED_AT_ONCE", 25),
    (deletions, "PAGE", 15),
    (undo, "PAGE", 15),
    (undo, "RECORDS", 5),
    (worker, "ERASING_SECONDS", 1.0),
    (jobs, "LEASE", timedelta(0)),
)
"""Settings that split little data into several steps and let the next worker take over at once."""
KILLED = -signal.SIGKILL


def work(settings: Settings, project: str, job_id: str) -> None:
    """Runs a job with services of its own, as a new worker does."""
    wired = idle_on(settings)
    worker.work(wired.services, project, job_id)
    wired.close()


def work_apart(settings: Settings, project: str, job_id: str, kill_before: int) -> None:
    """Runs a job in this process, which is killed before the call with the number `kill_before`."""
    for module, name, value in SMALL:
        setattr(module, name, value)
    numbers, lock = count(1), Lock()

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def calling(*arguments: Any, **keywords: Any) -> Any:
            with lock:
                if next(numbers) == kill_before:
                    os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **keywords)

        return calling

    for owner, name in POINTS:
        setattr(owner, name, counted(getattr(owner, name)))
    work(settings, project, job_id)


def is_killed(settings: Settings, project: str, job_id: str, before: int) -> bool:
    """Whether a worker is killed before that call; False if it makes fewer calls."""
    process = PROCESSES.Process(target=work_apart, args=(settings, project, job_id, before))
    process.start()
    process.join(120)
    assert process.exitcode in {0, KILLED}
    return process.exitcode == KILLED


Prepare = Callable[[Wired, str], str]
"""Fills a project and creates a job; returns the job's id."""


def an_import(content: bytes, request: ImportRequest) -> Prepare:
    def prepare(wired: Wired, project: str) -> str:
        services = wired.services
        job = services.jobs.create(project, request)
        services.jobs.objects.write(file_name(project, job, UPLOAD), content)
        return services.jobs.begin(project, job.job_id).job_id

    return prepare


def prepare_export(wired: Wired, project: str) -> str:
    wired.services.items.put_many(project, [an_item(f"i{n}", "tea") for n in range(25)])
    wired.services.events.accept(project, two_tastes(users=10))
    return wired.services.jobs.create(project, ExportRequest()).job_id


def prepare_erasure(wired: Wired, project: str) -> str:
    wired.services.events.accept(project, [an_event("ann", f"i{n}", minutes=n) for n in range(40)])
    wired.services.events.accept(project, [an_event("bob")])
    return wired.services.jobs.create(project, ErasureRequest("ann")).job_id


def a_deletion(request: DeletionRequest) -> Prepare:
    def prepare(wired: Wired, project: str) -> str:
        events = [an_event("ann", f"i{n % 3}", minutes=n) for n in range(40)]
        wired.services.events.accept(project, [*events, an_event("bob", "i1"), an_event("bob", "i2")])
        return wired.services.jobs.create(project, request).job_id

    return prepare


def prepare_undo(wired: Wired, project: str) -> str:
    services, mark = wired.services, ImportMark("i0")
    services.events.accept(project, [an_event("ann", f"i{n % 3}", minutes=n) for n in range(40)], "i0")
    services.events.accept(project, [an_event("bob")])
    services.items.put_many(project, [replace(an_item(f"i{n}", "tea"), import_mark=mark) for n in range(8)])
    services.items.put_many(project, [an_item("i7", "milk"), an_item("i8")])
    services.users.put_many(project, [User(f"u{n}", import_mark=mark) for n in range(8)])
    return services.jobs.create(project, UndoRequest("i0")).job_id


def prepare_training(wired: Wired, project: str) -> str:
    services = wired.services
    services.items.put_many(project, [an_item(f"i{n}", "even" if n % 2 else "odd") for n in range(14)])
    services.events.accept(project, two_tastes())
    version = services.train.queue(project).version
    return services.jobs.create(project, TrainingRequest(version)).job_id


EVENTS = b"".join(
    orjson.dumps({"user_id": f"u{n % 7}", "item_id": f"i{n}"} if n % 11 else {"user_id": "incomplete"}) + b"\n"
    for n in range(125)
)
"""Events without timestamps; every eleventh is invalid."""
ITEMS = "\ufeffsku,title,note\r\n" + "".join(f's{n},"a ""{n}""","grün\r\nund rot"\r\n' for n in range(100))
"""CSV with a byte order mark, quotes, line breaks in fields and non-ASCII text."""
KINDS: dict[str, Prepare] = {
    "import of JSON Lines": an_import(EVENTS, ImportRequest("events")),
    "import of packed CSV": an_import(gzip.compress(ITEMS.encode()), ImportRequest("items", "csv", {"item_id": "sku"})),
    "export": prepare_export,
    "erasure": prepare_erasure,
    "deletion of a user's events": a_deletion(DeletionRequest("ann")),
    "deletion of an item's events": a_deletion(DeletionRequest(item_id="i1")),
    "undo of an import": prepare_undo,
    "training": prepare_training,
}
TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|\+00:00)")
VOLATILE = {"jobs": {"revision", "attempts", "expires_at"}, "versions": {"seconds", "facts"}, "items": {"position"}}
"""Columns that depend on the path to a state; the facts of versions are compared separately."""


def state(wired: Wired, project: str, job_id: str) -> Mapping[str, Any]:
    """All rows and files of a project, with its own names and times replaced."""
    job = wired.services.jobs.get(project, job_id)
    version = str(job.version)
    placeholders = {project: "PROJECT", job_id: "JOB", version: "VERSION"}

    def plain(text: str) -> str:
        for name, placeholder in placeholders.items():
            text = text.replace(name, placeholder)
        text = re.sub(r'"receipt_id": "\w+"', "RECEIPT", TIMES.sub("TIME", text))
        text = re.sub(r"(##changed#.*'value', \{'N': ')[\d.]+", r"\1TIME", text)
        return re.sub(r"PROJECT##\w{48}", "PROJECT##HASH", text)

    parts: dict[str, Any] = {}
    for model in MODELS:
        if model is AccessRow:
            continue
        name = plain_name(model)
        rows = [
            {key: value for key, value in row.items() if key not in VOLATILE.get(name, ())}
            for row in tables.of_project(wired, model, project)
        ]
        parts[name] = sorted(plain(repr(sorted(row.items()))) for row in rows)
    objects = wired.services.jobs.objects
    assert isinstance(objects, FolderFileStore)
    folder = objects.path(project_folder(project))
    parts["files"] = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    made = wired.services.train.list_page(project, None, 10).records
    parts["models"] = [(version.state, version.metrics, version.counts, sorted(version.parameters)) for version in made]
    return parts


@pytest.fixture(scope="module")
def database() -> Iterator[Emulator]:
    """A database for these tests only, because they read whole tables."""
    running = dynamodb.start(ROOT / ".serendip", None)
    yield running
    running.stop()


@pytest.fixture
def idle(database: Emulator, settings: Settings) -> Iterator[Wired]:
    """Services that leave jobs to other processes."""
    wired = idle_on(settings.model_copy(update={"endpoint": database.endpoint}))
    yield wired
    wired.close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in SMALL:
        monkeypatch.setattr(module, name, value)


@pytest.mark.usefixtures("small")
class TestKills:
    @pytest.mark.parametrize("name", KINDS)
    def test_a_job_whose_worker_was_killed_ends_like_an_undisturbed_one(self, idle: Wired, name: str) -> None:
        wired, settings = idle, idle.services.settings

        def prepared(suffix: str) -> tuple[str, str]:
            project = f"{settings.project}-{suffix}"
            a_project(wired, project)
            return project, KINDS[name](wired, project)

        project, job_id = prepared("undisturbed")
        work(settings, project, job_id)
        expected = state(wired, project, job_id)
        job = wired.services.jobs.get(project, job_id)
        assert (job.state, job.progress) == (JobState.SUCCEEDED, 1.0), job.detail

        for before in count(1):
            project, job_id = prepared(str(before))
            if not is_killed(settings, project, job_id, before):
                break
            assert wired.services.jobs.get(project, job_id).state is JobState.RUNNING
            work(settings, project, job_id)
            actual = state(wired, project, job_id)
            for part in expected:
                assert actual[part] == expected[part], (before, part)
        assert before > 6
        assert wired.services.jobs.get(project, job_id).state is JobState.SUCCEEDED


class TestPatience:
    def test_jobs_wait_longer_for_the_database_than_requests_do(self) -> None:
        """A function that serves requests too has one setting for both."""
        waited: list[float] = []
        jobs = SimpleNamespace(acquire=lambda *_: waited.append(patience_seconds()))

        worker.work(cast("Services", SimpleNamespace(jobs=jobs)), "shop", "j1")

        assert waited == [worker.READ_SECONDS]
        assert waited[0] > Settings.model_fields["read_timeout_seconds"].default > patience_seconds() == 0
