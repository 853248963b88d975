"""/health"""

from anyio import CapacityLimiter, sleep
from anyio.to_thread import run_sync
from fastapi import APIRouter

from app.api.http.dependencies import ServicesDep
from app.api.http.responses import responses
from app.api.http.routing.operations import Operation
from app.api.schemas.health import Health

POLL_SECONDS = 0.02
router = APIRouter(prefix="/health", tags=["health"], route_class=Operation)


@router.get("/live")
async def live() -> Health:
    """Check that the process responds."""
    return Health(status="ok")


@router.get("/ready", responses=responses(503))
async def ready(services: ServicesDep) -> Health:
    """Check that the database responds and has all tables, as of a few seconds ago."""
    readiness = services.readiness
    if readiness.is_due:
        await run_sync(readiness.check, limiter=CapacityLimiter(1))  # not behind the requests that wait for a thread
    while readiness.is_expected:  # noqa: ASYNC110 - the check ends in a thread
        await sleep(POLL_SECONDS)
    readiness.require()
    return Health(status="ok")
