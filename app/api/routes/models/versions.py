"""/v1/models"""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.http.dependencies import Cursor, PageLimit, ServicesDep, VersionId
from app.api.http.idempotency import RepeatableRoute
from app.api.http.responses import responses
from app.api.http.security import ProjectForAdmin
from app.api.schemas.models.versions import ActiveView, TrainingIn, VersionPage, VersionView
from app.domain.models import ActiveModel, ModelVersion

UNFORCED = TrainingIn()
router = APIRouter(prefix="/v1", tags=["models"], route_class=RepeatableRoute)


@router.post("/models", status_code=202, responses=responses(501))
def train_model(project: ProjectForAdmin, services: ServicesDep, body: TrainingIn = UNFORCED) -> VersionView:
    """Train a new version. It becomes active when it is ready, unless it is clearly worse than the active version."""
    job = services.training_jobs.begin(project, force=body.force)
    return _view(services.train.get(project, job.version or ""), None)


@router.get("/models")
def list_models(
    project: ProjectForAdmin, services: ServicesDep, cursor: Cursor = None, limit: PageLimit = 20
) -> VersionPage:
    """List versions, newest first."""
    listing = (project, "models")
    page = services.train.list_page(project, services.tokens.start(cursor, *listing), limit)
    active = services.rollout.active(project)
    versions = [_view(version, active) for version in page.records]
    return VersionPage(versions=versions, next_cursor=services.tokens.cursor(page.next_start, *listing))


@router.get("/models/{version}", responses=responses(404))
def get_model(version: VersionId, project: ProjectForAdmin, services: ServicesDep) -> VersionView:
    """Get the progress, parameters and metrics of a version."""
    return _view(services.train.get(project, version), services.rollout.active(project))


@router.post("/models/{version}:activate", responses=responses(404))
def activate_model(
    version: VersionId,
    project: ProjectForAdmin,
    services: ServicesDep,
    force: Annotated[
        bool,
        Query(
            description="Activate the version even if it is clearly worse than the active version.", examples=[False]
        ),
    ] = False,
) -> ActiveView:
    """Serve only this version. Activate the previous version to roll back.

    The status is 409 if the NDCG or the click-through of the version is clearly lower than of the active version.
    """
    return ActiveView.model_validate(services.rollout.activate(project, version, force=force))


@router.post("/models/{version}:cancel", status_code=202, responses=responses(404))
def cancel_model(version: VersionId, project: ProjectForAdmin, services: ServicesDep) -> VersionView:
    """Stop the training of a version; the active version stays active."""
    return _view(services.train.cancel(project, version), None)


def _view(version: ModelVersion, active: ActiveModel | None) -> VersionView:
    return VersionView(
        version=version.version,
        state=version.state,
        active=active is not None and active.version == version.version,
        created_at=version.created_at,
        heartbeat_at=version.heartbeat_at,
        phase=version.phase,
        progress=version.progress,
        parameters=dict(version.parameters),
        chosen_at=version.chosen_at,
        metrics=dict(version.metrics),
        counts=dict(version.counts),
        detail=version.detail,
        seconds=version.seconds,
    )
