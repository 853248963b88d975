"""Import jobs resume in every format: a step that is repeated, or done by another process, changes nothing."""

import bz2
import gzip
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from app.domain.jobs import ImportRequest, Job, JobState
from app.entry.jobs import slices
from app.entry.jobs.imports import ImportSteps
from app.services.bundle import Services
from app.services.jobs import UPLOAD, file_name
from app.wiring import Wired
from tests.support.builders import idle_on

ROWS = 60
TEXT = "user_id,item_id,value,timestamp\n" + "".join(
    f'"u{n % 7}",i{n},{"x" if n % 20 == 19 else n},{"" if n % 3 else 1_700_000_000 + n}\n' for n in range(ROWS)
)
GOOD = ROWS - ROWS // 20


def as_parquet(text: str) -> bytes:
    """A Parquet file of several row groups; its values are text, as the bad ones are."""
    options = csv.ConvertOptions(column_types=dict.fromkeys(("user_id", "item_id", "value", "timestamp"), pa.string()))
    table = csv.read_csv(pa.py_buffer(text.encode()), convert_options=options)
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, row_group_size=17)
    return bytes(sink.getvalue().to_pybytes())


def as_json(text: str) -> bytes:
    _, *lines = text.splitlines()
    return "".join(
        '{{"user_id": {}, "item_id": "{}", "value": "{}", "timestamp": {}}}\n'.format(
            *(cell or "null" for cell in line.split(","))
        )
        for line in lines
    ).encode()


FORMATS: dict[str, Callable[[str], bytes]] = {
    "CSV": str.encode,
    "UTF-16": lambda text: text.replace(",", "\t").encode("utf-16"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "bzip2 of TSV": lambda text: bz2.compress(text.replace(",", "\t").encode()),
    "JSON Lines in gzip": lambda text: gzip.compress(as_json(text)),
    "a JSON array": lambda text: b"[" + b",\r\n".join(as_json(text).replace(b" ", b"\t").splitlines()) + b"]\n",
    "Parquet": as_parquet,
}


@pytest.fixture
def services(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Services without a worker, and with slices of few rows."""
    idle = idle_on(wired.services.settings).services
    monkeypatch.setattr(slices, "SLICE_ROWS", 9)
    monkeypatch.setattr(slices, "SLICE_BYTES", 600)
    monkeypatch.setattr(idle.events, "batch_size", 9)
    return idle


def begun(services: Services, content: bytes) -> Job:
    project = services.settings.project
    job = services.jobs.create(project, ImportRequest())
    services.jobs.objects.write(file_name(project, job, UPLOAD), content)
    return services.jobs.begin(project, job.job_id)


def stored(services: Services) -> list[str]:
    return sorted(map(str, services.events.all(services.settings.project)))


def result(job: Job) -> tuple[Any, ...]:
    return job.state, job.detail, job.counts, job.summary


class TestSteps:
    @pytest.mark.parametrize("name", FORMATS)
    def test_steps_that_are_repeated_by_other_processes_give_the_same_result(
        self, services: Services, name: str
    ) -> None:
        content, project = FORMATS[name](TEXT), services.settings.project
        job = begun(services, content)
        steps, number = ImportSteps(services, project), 0
        while job.state is JobState.RUNNING:
            job = steps.step(job)
            number += 1
        assert number > 5
        assert (job.state, job.counts["read"], job.counts["events"]) == (JobState.SUCCEEDED, ROWS, GOOD)
        events = stored(services)
        assert len(events) == GOOD

        disturbed = begun(services, content)
        while disturbed.state is JobState.RUNNING:
            ImportSteps(services, project).step(disturbed)  # this process is killed before its checkpoint
            disturbed = ImportSteps(services, project).step(disturbed)

        assert result(disturbed) == result(job)
        assert stored(services) == events
        rejects = services.jobs.files(project, disturbed, None, 100).records
        assert sum(file.bytes for file, _ in rejects) == sum(
            file.bytes for file, _ in services.jobs.files(project, job, None, 100).records
        )
