"""The record of an import that the command line does without a job: it is listed among the jobs, to be taken back."""

from collections.abc import Sequence
from dataclasses import replace

from app.domain.jobs import ImportCheckpoint, ImportRequest, JobState
from app.entry.files.reader import Reader
from app.entry.jobs.summary import Summary
from app.services.bundle import Services

STOPPED = (
    "This import was stopped before the end of its file. Import the file again to load the rest, or take back what it "
    "added."
)


class ImportRecord:
    def __init__(self, services: Services, project: str, name: str, reader: Reader, import_id: str) -> None:
        """Stores the record before anything else, so that imports that are killed are listed too.

        Args:
            services: where to store it.
            project: the project.
            name: the name of the file.
            reader: its reader.
            import_id: the id that the imported records carry.
        """
        self._services, self._project, self._reader = services, project, reader
        options = reader.options
        request = ImportRequest(
            records=options.kind,
            columns=dict(options.mapping),
            encoding=options.encoding,
            time_unit=options.time_unit,
            event_type=options.event_type,
            date_format=options.date_format,
            decimal=options.decimal,
            file_name=name,
        )
        self._checkpoint = ImportCheckpoint(import_id=import_id)
        self._job = services.jobs.record(project, request, self._checkpoint, STOPPED)

    def end(self, summary: Summary, notes: Sequence[str]) -> None:
        """Stores how the import ended."""
        plan = self._reader.plan
        ended = replace(
            self._job,
            state=JobState.FAILED if summary.failure else JobState.SUCCEEDED,
            detail=summary.failure,
            checkpoint=replace(
                self._checkpoint, summary=summary.facts(), records=plan.kind, ignored=dict(plan.ignored), notes=notes
            ),
            counts=summary.counts(),
        )
        self._services.jobs.record_end(self._project, ended, self._job)
