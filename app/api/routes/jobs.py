"""/v1/jobs: work that takes longer than a request"""

from contextlib import suppress
from typing import Annotated
from urllib.parse import urljoin

from fastapi import APIRouter, Body, Query, Request, Response

from app.api.http.dependencies import Cursor, JobId, PageLimit, ServicesDep
from app.api.http.idempotency import RepeatableRoute
from app.api.http.responses import responses
from app.api.http.security import ProjectForAdmin
from app.api.schemas.imports import ImportIn, PreviewIn, PreviewView
from app.api.schemas.jobs import (
    ErasureIn,
    ExportIn,
    JobFile,
    JobFiles,
    JobIn,
    JobPage,
    JobView,
    TrainingJobIn,
)
from app.domain.access import Principal, Scope
from app.domain.jobs import ErasureRequest, ExportRequest, ImportRequest, Job, JobKind, JobRequest, PreviewRequest
from app.errors import Conflict, WorkerUnavailable
from app.services.bundle import Services

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=RepeatableRoute)

Kind = Annotated[JobKind | None, Query(description="Only jobs of this kind.", examples=["import"])]


@router.post("/jobs", status_code=202, responses=responses(404, 501))
def create_job(
    body: Annotated[JobIn, Body()],
    project: ProjectForAdmin,
    services: ServicesDep,
    request: Request,
    response: Response,
) -> JobView:
    """Start work that takes longer than a request. The `state` and `progress` of the job describe how far it is.

    A job runs in steps, and continues after a crash. An import or preview waits until its file is PUT to `upload_url`
    and `:start` is called, unless it reads the file of another job (`file_of`); other jobs start immediately.
    """
    if isinstance(body, TrainingJobIn):
        job = services.training_jobs.begin(project, force=body.force)
    else:
        job = services.jobs.create(project, _request(body))
    return created(job, project, services, request, response)


@router.get("/jobs")
def list_jobs(
    project: ProjectForAdmin,
    services: ServicesDep,
    request: Request,
    kind: Kind = None,
    cursor: Cursor = None,
    limit: PageLimit = 20,
) -> JobPage:
    """List jobs, newest first; imports by the command line are among them. A short page can have a next page.

    Jobs are kept for 30 days after their last change.
    """
    listing = (project, "jobs", kind or "")
    page = services.jobs.list_page(project, services.tokens.start(cursor, *listing), limit, kind)
    jobs = [_view(job, project, services, request) for job in page.records]
    return JobPage(jobs=jobs, next_cursor=services.tokens.cursor(page.next_start, *listing))


@router.get("/jobs/{job_id}", responses=responses(404))
def get_job(job_id: JobId, project: ProjectForAdmin, services: ServicesDep, request: Request) -> JobView:
    """Get the progress and result of a job."""
    job = services.jobs.get(project, job_id)
    view = _view(job, project, services, request)
    preview = services.jobs.preview(project, job)
    view.preview = PreviewView.model_validate_json(preview) if preview else None
    return view


@router.post("/jobs/{job_id}:start", status_code=202, responses=responses(404, 501))
def start_job(job_id: JobId, project: ProjectForAdmin, services: ServicesDep, request: Request) -> JobView:
    """Start an import or preview after its file was uploaded."""
    return _view(services.jobs.begin(project, job_id), project, services, request)


@router.post("/jobs/{job_id}:cancel", responses=responses(404))
def cancel_job(job_id: JobId, project: ProjectForAdmin, services: ServicesDep, request: Request) -> JobView:
    """Stop a job. Its completed work stays; a cancelled training leaves the active version as it is."""
    job = services.jobs.cancel(project, job_id)
    if job.version is not None:
        with suppress(Conflict):  # the training has just ended
            services.train.cancel(project, job.version)
    return _view(job, project, services, request)


@router.get("/jobs/{job_id}/files", responses=responses(404, 501))
def list_job_files(
    job_id: JobId,
    project: ProjectForAdmin,
    services: ServicesDep,
    request: Request,
    cursor: Cursor = None,
    limit: PageLimit = 100,
) -> JobFiles:
    """List the files of an export, or of the rows that an import refused, with line numbers and reasons, for a week."""
    job = services.jobs.get(project, job_id)
    listing = (project, "job files", job_id)
    page = services.jobs.files(project, job, services.tokens.start(cursor, *listing), limit)
    views = [
        JobFile(name=file.name, bytes=file.bytes, url=_absolute(url, services, request)) for file, url in page.records
    ]
    return JobFiles(files=views, next_cursor=services.tokens.cursor(page.next_start, *listing))


def _request(body: ImportIn | PreviewIn | ExportIn | ErasureIn) -> JobRequest:
    if isinstance(body, ErasureIn):
        return ErasureRequest(body.owner)
    if isinstance(body, ExportIn):
        return ExportRequest()
    request = PreviewRequest if isinstance(body, PreviewIn) else ImportRequest
    return request(**body.model_dump(exclude={"kind"}))


def created(job: Job, project: str, services: Services, request: Request, response: Response) -> JobView:
    """Names the place of a new job in the response, and returns its view."""
    response.headers["Location"] = f"/v1/jobs/{job.job_id}"
    return _view(job, project, services, request)


def _view(job: Job, project: str, services: Services, request: Request) -> JobView:
    view = JobView.model_validate(job)
    if job.kind is JobKind.ERASURE:
        view.request = {}
    principal: Principal = request.scope["principal"]
    with suppress(WorkerUnavailable):  # this process has no storage for files
        url = services.jobs.upload_url(project, job) if Scope.ADMIN in principal.scopes else None
        view.upload_url = _absolute(url, services, request) if url else None
    return view


def _absolute(url: str, services: Services, request: Request) -> str:
    """Returns an absolute URL; only URLs of a server outside AWS are relative."""
    return urljoin(services.settings.public_url or str(request.base_url), url)
