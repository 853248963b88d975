"""The handler behind serverless-offline, a third-party emulation of API Gateway: HTTP and WebSocket."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import orjson
import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from app.config import Settings
from app.entry.local.dynamodb import free_port
from app.wiring import Wired
from tests.support import node
from tests.support.cloud import soon
from tests.support.datasets import ROOT
from tests.support.deployment_checks import FULL
from tests.support.server_process import environment

HERE = Path(__file__).parent / "offline"
AT = "2026-11-25T12:00:00Z"

pytestmark = pytest.mark.skipif(not FULL, reason="part of make deploy-check")


class Gateway:
    def __init__(self, http_port: int, socket_port: int) -> None:
        self.http, self.socket = f"http://127.0.0.1:{http_port}", f"ws://127.0.0.1:{socket_port}"

    def is_up(self) -> bool:
        try:
            return httpx2.get(f"{self.http}/health/live", timeout=30).is_success
        except httpx2.TransportError:
            return False


@pytest.fixture
def gateway(wired: Wired, settings: Settings, tmp_path: Path) -> Iterator[Gateway]:
    assert wired.services.settings == settings
    tools = node.installed(HERE, ROOT / ".serendip" / "offline")
    (tmp_path / "serverless.yml").write_bytes((HERE / "serverless.yml").read_bytes())
    (tmp_path / "app").symlink_to(ROOT / "app")
    (tmp_path / "node_modules").symlink_to(tools / "node_modules")
    ports = {name: str(free_port()) for name in ("HTTP_PORT", "SOCKET_PORT", "LAMBDA_PORT", "ALB_PORT")}
    own = {
        **ports,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SERENDIP_SOCKET_ENDPOINT": f"http://127.0.0.1:{ports['SOCKET_PORT']}",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "SLS_TELEMETRY_DISABLED": "1",
        "SLS_NOTIFICATIONS_MODE": "off",
    }
    serverless = tools / "node_modules" / "serverless" / "bin" / "serverless.js"
    process = subprocess.Popen(
        [*node.node(), str(serverless), "offline", "start"],
        env=environment(settings, settings.project) | own,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    started = Gateway(int(ports["HTTP_PORT"]), int(ports["SOCKET_PORT"]))
    try:
        soon(started.is_up)
        yield started
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


class TestOffline:
    def test_http_requests_and_socket_frames_get_responses(self, gateway: Gateway, key: str) -> None:
        with httpx2.Client(base_url=gateway.http, headers={"x-api-key": key}, timeout=60) as client:
            assert client.put("/v1/items/i1", json={"title": "Lamp", "categories": ["light"]}).is_success
            accepted = client.post(
                "/v1/events", json={"events": [{"user_id": "ann", "item_id": "i1", "timestamp": AT}]}
            )
            assert accepted.status_code == 202
            shown = client.get("/v1/users/bob/recommendations", params={"filter": '"light" in item.categories'})
            assert [item["item_id"] for item in shown.json()["items"]] == ["i1"]
            refused = client.get("/v1/items/i1", headers={"x-api-key": "sk_wrong"})
            assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
            assert client.post("/v1/models/none:activate").status_code == 404

        with connect(gateway.socket, additional_headers={"X-API-Key": key}) as socket:
            socket.send('{"action": "recommend", "user_id": "bob", "limit": 1}')
            answer = orjson.loads(socket.recv(60))
        assert [item["item_id"] for item in answer["items"]] == ["i1"]

        with pytest.raises(WebSocketException), connect(gateway.socket) as socket:
            socket.recv(60)
