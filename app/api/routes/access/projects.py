"""/v1/projects, for keys of the administration"""

from fastapi import APIRouter, Response

from app.api.http.dependencies import Cursor, PageLimit, ProjectId, ServicesDep
from app.api.http.idempotency import RepeatableRoute
from app.api.http.responses import accepted, ask_again, responses
from app.api.http.security import Administrator
from app.api.schemas.access.keys import NewKeyView
from app.api.schemas.access.projects import NewProjectView, ProjectIn, ProjectPage, ProjectPatch, ProjectView
from app.domain.access import ADMINISTRATION, Limits, ProjectState

router = APIRouter(prefix="/v1", tags=["projects"], route_class=RepeatableRoute)


@router.post("/projects", status_code=201)
def create_project(body: ProjectIn, _by: Administrator, services: ServicesDep) -> NewProjectView:
    """Create a project and its first admin key, which only this response contains. Ids are never reused."""
    limits = body.limits.record() if body.limits else Limits()
    project, key, text = services.projects.create_with_key(body.project_id, body.name, limits)
    new_key = NewKeyView.with_text(key, services.limiter.use(key), text)
    return NewProjectView(project=ProjectView.of(project), key=new_key)


@router.get("/projects")
def list_projects(
    _by: Administrator, services: ServicesDep, cursor: Cursor = None, limit: PageLimit = 50
) -> ProjectPage:
    """List projects, in no particular order; deleted projects have receipts."""
    listing = (ADMINISTRATION, "projects")
    page = services.projects.list_page(services.tokens.start(cursor, *listing), limit)
    projects = [ProjectView.of(project) for project in page.records]
    return ProjectPage(projects=projects, next_cursor=services.tokens.cursor(page.next_start, *listing))


@router.get("/projects/{project_id}", responses=responses(404))
def get_project(project_id: ProjectId, _by: Administrator, services: ServicesDep) -> ProjectView:
    """Get a project."""
    return ProjectView.of(services.projects.get(project_id))


@router.patch("/projects/{project_id}", responses=responses(404, 409))
def patch_project(project_id: ProjectId, body: ProjectPatch, _by: Administrator, services: ServicesDep) -> ProjectView:
    """Change the name or limits of a project. The limits apply to JWTs and to keys created later."""
    return ProjectView.of(services.projects.change(project_id, body.changes()))


@router.delete("/projects/{project_id}", responses=responses(404, 409) | accepted(ProjectView))
def delete_project(project_id: ProjectId, _by: Administrator, services: ServicesDep, response: Response) -> ProjectView:
    """Delete a project and all its data. While the status is 202, send the request again."""
    project = services.erasure.delete_project(project_id)
    if project.state is not ProjectState.DELETED:
        ask_again(response, 5)
    return ProjectView.of(project)
