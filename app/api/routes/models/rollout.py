"""/v1/rollout"""

from fastapi import APIRouter

from app.api.http.dependencies import ServicesDep
from app.api.http.responses import responses
from app.api.http.routing.operations import Operation
from app.api.http.security import ProjectForAdmin
from app.api.schemas.models.rollout import RolloutIn, RolloutView
from app.errors import NotFound

router = APIRouter(prefix="/v1", tags=["models"], route_class=Operation)


@router.get("/rollout", responses=responses(404))
def get_rollout(project: ProjectForAdmin, services: ServicesDep) -> RolloutView:
    """Get the shares of users by model version."""
    active = services.rollout.active(project)
    if active is None:
        raise NotFound("No version is active yet.")
    return RolloutView.of(active)


@router.put("/rollout", responses=responses(404, 409))
def put_rollout(body: RolloutIn, project: ProjectForAdmin, services: ServicesDep) -> RolloutView:
    """Divide users among model versions: split tests, interleaving and shadows. Activating a version ends it."""
    return RolloutView.of(services.rollout.split(project, body.record()))
