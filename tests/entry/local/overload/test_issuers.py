"""Requests that wait for an issuer of tokens."""

import asyncio

import pytest

from app.api.application import create_application
from app.config import Settings
from app.domain.access import Scope
from app.entry.local.overload.rooms import Rooms
from app.services.access import issuer_keys
from app.wiring import Wired
from tests.support.builders import a_key, wired_on
from tests.support.gated_server import served
from tests.support.oidc_issuer import OidcIssuer

WAITING = 4


def test_requests_that_wait_for_an_issuer_that_hangs_take_no_place(
    wired: Wired, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "WAIT_SECONDS", 60.0)
    issuer = OidcIssuer()
    issuer.hangs.clear()
    fetching = settings.model_copy(update={"issuers": (issuer.settings(project=settings.project),)})
    deployment, key = wired_on(fetching, issuer.fetch), a_key(wired, settings.project, Scope.ADMIN)
    tokens = [{"Authorization": f"Bearer {issuer.token()}"} for _ in range(WAITING)]

    async def run() -> tuple[int, int, set[int], int]:
        rooms = Rooms(1)
        async with served(create_application(deployment.services), rooms) as client:
            waiting = [asyncio.create_task(client.get("/v1/items", headers=token)) for token in tokens]
            while not issuer.fetched or rooms.work.open or rooms.work.waiting:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
            beside = await client.get("/v1/items", headers={"X-API-Key": key})
            ended = sum(task.done() for task in waiting)
            issuer.hangs.set()
            statuses = {response.status_code for response in await asyncio.gather(*waiting)}
            return beside.status_code, ended, statuses, rooms.work.open

    assert asyncio.run(run()) == (200, 0, {403}, 0)
    deployment.close()
