"""/v1/principal"""

from fastapi import APIRouter

from app.api.http.routing.operations import Operation
from app.api.http.security import PrincipalDep, ProjectOfAny
from app.api.schemas.access.principal import PrincipalView

router = APIRouter(prefix="/v1", tags=["keys"], route_class=Operation)


@router.get("/principal")
def get_principal(_project: ProjectOfAny, principal: PrincipalDep) -> PrincipalView:
    """Get what the credentials of this request may do, and in which project."""
    return PrincipalView.of(principal)
