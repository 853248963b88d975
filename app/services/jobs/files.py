"""The files that jobs read and write, in one folder a job."""

from dataclasses import replace

from app.domain.jobs import ImportRequest, Job, JobKind, JobState, StoredFile
from app.domain.paging import Page
from app.errors import WorkerUnavailable
from app.storage.objects import GET, PUT, FileStore, project_folder

UPLOAD = "upload"
PREVIEW = "preview.json"
URL_SECONDS = 3_600
READ_FILES = {JobKind.IMPORT, JobKind.PREVIEW}
"""These jobs read an uploaded file."""
NO_FILES = "This deployment stores no files (set SERENDIP_FILES)."


class JobFiles:
    def __init__(self, objects: FileStore | None) -> None:
        self._objects = objects

    @property
    def objects(self) -> FileStore:
        """The store of uploaded and exported files. Raises WorkerUnavailable if there is none."""
        if self._objects is None:
            raise WorkerUnavailable(NO_FILES)
        return self._objects

    def upload_url(self, project: str, job: Job) -> str | None:
        """Where to PUT the file of a waiting import or preview. None for other jobs."""
        if job.kind not in READ_FILES or job.state is not JobState.WAITING:
            return None
        return self.objects.url(PUT, upload_name(project, job), URL_SECONDS)

    def preview(self, project: str, job: Job) -> bytes | None:
        """What a preview wrote, as JSON. None for other jobs, before the end, and once files are deleted."""
        if job.kind is not JobKind.PREVIEW or job.state is not JobState.SUCCEEDED:
            return None
        name = file_name(project, job, PREVIEW)
        size = self.objects.size(name)
        return self.objects.read(name, 0, size) if size else None

    def files(self, project: str, job: Job, start: str | None, limit: int) -> Page[tuple[StoredFile, str]]:
        """The files that a job wrote, each with its URL; not the uploaded file."""
        folder = file_name(project, job, "")
        page = self.objects.list_page(folder, folder + start if start else None, limit)
        files = tuple(
            (replace(file, name=file.name.removeprefix(folder)), self.objects.url(GET, file.name, URL_SECONDS))
            for file in page.records
            if file.name != folder + UPLOAD
        )
        return Page(files, page.next_start.removeprefix(folder) if page.next_start else None)


def upload_name(project: str, job: Job) -> str:
    """The name of the file that an import or preview reads."""
    assert isinstance(job.request, ImportRequest)  # noqa: S101 - jobs that read files
    return f"{project_folder(project)}{job.request.file_of or job.job_id}/{UPLOAD}"


def file_name(project: str, job: Job, name: str) -> str:
    return f"{project_folder(project)}{job.job_id}/{name}"
