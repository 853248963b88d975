"""`serendip serve` as in a container: beside a database that runs already, and beyond loopback."""

import os
import re
import subprocess
import sys
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import psutil
import pytest

from app.config import Settings
from app.entry.errors import SetupError
from app.entry.local.dynamodb import free_port
from app.entry.local.environment import wait_for
from tests.support.builders import until
from tests.support.command_line import command, environment
from tests.support.datasets import ROOT
from tests.support.http_servers import Responder

PROJECT = "contained"


class Missing(Responder):
    def do_GET(self) -> None:
        self.respond(404)


class TestServe:
    @pytest.mark.parametrize("workers", [1, 2])
    def test_it_serves_over_a_database_that_runs_already(
        self, settings: Settings, tmp_path: Path, workers: int
    ) -> None:
        (tmp_path / "events.csv").write_text("user_id,item_id,timestamp\nann,tea,1700000000\n")
        variables = {**environment(settings, PROJECT), "SERENDIP_TABLE_PREFIX": "contained-", "PYTHONPATH": str(ROOT)}
        port, log = free_port(), tmp_path / "log"
        serve = [sys.executable, "-m", "app.entry.cli.main", "serve", "--all-interfaces", "--port", str(port)]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*serve, "--data", "events.csv", "--workers", str(workers)],
                cwd=tmp_path,
                env={**os.environ, **variables},
                stdout=output,
                stderr=output,
            )
        try:

            def is_ready() -> bool:
                assert process.poll() is None, log.read_text()
                return "(stop with Ctrl-C)" in log.read_text()

            until(is_ready, seconds=300)
            server = psutil.Process(process.pid)
            listening = [each.laddr for each in server.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
            [(page, code)] = re.findall(r"Ready: (\S+)/console#code=(\S+)", log.read_text())
            key = httpx2.post(f"{page}/console/session", content=code, timeout=60).json()["key"]
            stored = httpx2.get(f"{page}/v1/users/ann/events", headers={"X-API-Key": key}, timeout=60).json()
            children = server.children()

            assert listening == [("0.0.0.0", port)]  # noqa: S104 - that is what it was asked for
            assert len(children) == (workers if workers > 1 else 0)
            assert httpx2.post(f"{page}/console/session", content=code, timeout=60).status_code == 403
            with httpx2.Client(base_url=page, headers={"X-API-Key": key}, timeout=60) as client:
                job = client.post("/v1/jobs", json={"kind": "export"}).raise_for_status().json()["job_id"]
                until(lambda: client.get(f"/v1/jobs/{job}").json()["state"] == "succeeded")
            assert log.read_text().count("Ready: ") == 1
            assert log.read_text().count("GET    /v1/users/ann/events 200") == 1
            assert f"Using the database at {settings.endpoint}." in log.read_text()
            assert [event["item_id"] for event in stored["events"]] == ["tea"]
            assert (tmp_path / ".serendip" / "key").read_text().strip() == key
        finally:
            process.terminate()
            process.wait(60)
        assert not any(child.is_running() for child in children)

    def test_no_worker_at_all_is_refused(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        ended = command(capsys, tmp_path, {}, "serve", "--workers", "0")

        assert ended.code == 2
        assert "Invalid value for '--workers': Input should be greater than or equal to 1" in ended.err


class TestWaitFor:
    def test_a_database_may_start_later(self) -> None:
        port = free_port()
        waiting = Thread(target=wait_for, args=(f"http://127.0.0.1:{port}",))
        waiting.start()

        with ThreadingHTTPServer(("127.0.0.1", port), Missing) as late:
            serving = Thread(target=late.serve_forever)
            serving.start()
            waiting.join()
            late.shutdown()
            serving.join()

    def test_one_that_does_not_start_is_named(self) -> None:
        endpoint = f"http://127.0.0.1:{free_port()}"

        with pytest.raises(SetupError, match=f"{endpoint} does not respond"):
            wait_for(endpoint, seconds=0)
