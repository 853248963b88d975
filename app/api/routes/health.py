"""/health"""

from fastapi import APIRouter

from app.api.http.dependencies import ServicesDep
from app.api.http.operations import Operation
from app.api.http.responses import responses
from app.api.schemas.health import Health
from app.errors import Unavailable

router = APIRouter(prefix="/health", tags=["health"], route_class=Operation)


@router.get("/live")
async def live() -> Health:
    """Check that the process responds."""
    return Health(status="ok")


@router.get("/ready", responses=responses(503))
def ready(services: ServicesDep) -> Health:
    """Check that the database responds and has all tables."""
    missing = services.tables.missing()
    if missing:
        raise Unavailable(f"Tables are missing: {', '.join(missing)}. Create them with `serendip migrate`.")
    return Health(status="ok")
