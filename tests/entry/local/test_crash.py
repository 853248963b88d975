"""Kills every process with SIGKILL during an import and a training, on a database on disk."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import orjson
import psutil
import pytest
from websockets.sync.client import connect

from app.entry.local import dynamodb
from tests.support.builders import two_tastes
from tests.support.datasets import ROOT

START_SECONDS = 240
MANY_USERS = 1_200


class Laptop:
    """`serendip serve` in its own folder, started as by `make run`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, dynamodb.free_port()
        self.children: list[int] = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SERENDIP_")},
            "PYTHONPATH": str(ROOT),
        }
        (folder / ".serendip").mkdir()
        (folder / ".serendip" / "dynamodb-local").symlink_to(dynamodb.install(ROOT / ".serendip"))

    def command(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"log-{len(self.children)}").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.entry.cli.main", *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.DEVNULL,
            )
        self.children.append(process.pid)
        return process

    @contextmanager
    def serving(self, *options: str) -> Iterator[tuple["subprocess.Popen[bytes]", httpx2.Client]]:
        process = self.command("serve", "--port", str(self.port), "--data", "first.csv", "--json-logs", *options)
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60) as client:
                ends_at = time.monotonic() + START_SECONDS
                while not _answers(client):
                    assert process.poll() is None, "the server ended"
                    assert time.monotonic() < ends_at, "the server did not start"
                    time.sleep(0.1)
                assert (self.folder / ".serendip" / "key").stat().st_mode & 0o777 == 0o600
                client.headers["X-API-Key"] = (self.folder / ".serendip" / "key").read_text().strip()
                yield process, client
        finally:
            process.terminate()
            process.wait(60)

    def records_applied(self) -> int:
        """Number of stream records applied by the latest process."""
        lines = (self.folder / f"log-{len(self.children) - 1}").read_bytes().splitlines()
        records = [orjson.loads(line) for line in lines if line.startswith(b'{"route":"stream"')]
        return sum(line["records"] for line in records)

    def processes(self) -> Iterator[psutil.Process]:
        """Every process of the folder: server, workers, DynamoDB Local, import, training."""
        for process in psutil.process_iter(["pid"]):
            try:
                ours = str(self.folder) in " ".join(process.cmdline()) or process.cwd() == str(self.folder)
            except psutil.Error:
                continue
            if ours:
                yield process

    def kill_all(self) -> None:
        """Sends SIGKILL to every process of the folder."""
        for process in self.processes():
            process.kill()
            if process.pid not in self.children:  # children are waited for by the code that started them
                psutil.wait_procs([process], timeout=10)


def _answers(client: httpx2.Client) -> bool:
    try:
        return client.get("/health/ready").status_code == 200
    except httpx2.TransportError:
        return False


def _csv(path: Path, users: int, seed: int) -> Path:
    lines = [f"{e.user_id},{e.item_id},{e.timestamp.isoformat()}" for e in two_tastes(users, seed=seed)]
    path.write_text("user_id,item_id,timestamp\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    laptop = Laptop(tmp_path)
    _csv(tmp_path / "first.csv", 40, seed=1)
    yield laptop
    laptop.kill_all()


def _count(client: httpx2.Client, user: str) -> int:
    events: list[Any] = client.get(f"/v1/users/{user}/events?limit=100").json()["events"]
    return len(events)


def _score(client: httpx2.Client, item_id: str) -> float:
    items = client.get("/v1/lists/popular?limit=100").json()["items"]
    return float({item["item_id"]: item["score"] for item in items}.get(item_id, 0.0))


class TestKill:
    @pytest.mark.parametrize("everything", [False, True], ids=["server", "server and DynamoDB Local"])
    def test_the_stream_resumes_at_its_checkpoint_and_no_list_is_lost(self, laptop: Laptop, everything: bool) -> None:  # noqa: FBT001
        acknowledged = sent = 0
        with laptop.serving() as (server, client):
            headers = {"X-API-Key": client.headers["X-API-Key"]}
            address = f"ws://127.0.0.1:{laptop.port}/v1/socket"
            with connect(address, additional_headers=headers) as socket:
                socket.send('{"action": "subscribe", "user_id": "u2", "limit": 2}')
                shown = orjson.loads(socket.recv(60))
                for _ in range(60):
                    event = {"user_id": f"k{sent}", "item_id": "x", "event_type": "view"}
                    acknowledged += client.post("/v1/events", json={"events": [event]}).status_code == 202
                    sent += 1
                last = {"user_id": "u2", "item_id": shown["items"][0]["item_id"]}
                assert client.post("/v1/events", json={"events": [last]}).status_code == 202
                if everything:
                    laptop.kill_all()
                else:
                    server.kill()
                server.wait(60)
        before = laptop.records_applied()

        with laptop.serving() as (_, client), connect(address, additional_headers=headers) as socket:
            socket.send(orjson.dumps({"action": "resume", "token": shown["resume"]}).decode())
            assert orjson.loads(socket.recv(60))["action"] == "resumed"
            ids = [item["item_id"] for item in orjson.loads(socket.recv(60))["items"]]
            assert ids != [item["item_id"] for item in shown["items"]]
            ends_at = time.monotonic() + 60
            while _score(client, "x") != acknowledged:
                assert time.monotonic() < ends_at, (_score(client, "x"), acknowledged)
                time.sleep(0.1)
            time.sleep(2)
            assert _score(client, "x") == acknowledged == 60
            total = 160 + 61 + 1  # the events of first.csv and the row that names their month
            # records before the checkpoint are not read again
            assert before + laptop.records_applied() <= total + 61 + 1

    def test_nothing_outlives_a_server_with_workers_and_no_acknowledged_event_is_lost(self, laptop: Laptop) -> None:
        acknowledged = 0
        with laptop.serving("--workers", "2") as (server, client):
            assert len(list(laptop.processes())) == 4
            while acknowledged < 20:
                event = {"user_id": "careful", "item_id": f"x{acknowledged}", "timestamp": 1769860800 + acknowledged}
                acknowledged += client.post("/v1/events", json={"events": [event]}).status_code == 202
            server.kill()
            server.wait(60)
            ends_at = time.monotonic() + 60
            while left := list(laptop.processes()):
                assert time.monotonic() < ends_at, [process.cmdline() for process in left]
                time.sleep(0.1)

        with laptop.serving("--workers", "2") as (server, client):
            assert _count(client, "careful") == acknowledged
            server.terminate()
            server.wait(60)
            assert list(laptop.processes()) == []

    def test_acknowledged_events_survive_and_jobs_can_be_run_again(self, laptop: Laptop) -> None:
        second = _csv(laptop.folder / "second.csv", MANY_USERS, seed=2)
        acknowledged = 0
        with laptop.serving() as (server, client):
            active = next(v["version"] for v in client.get("/v1/models").json()["versions"] if v["active"])
            importing = laptop.command("import", str(second))
            while _count(client, "u0") <= 4:  # the import has begun
                assert importing.poll() is None
                time.sleep(0.05)
            client.post("/v1/models")
            while acknowledged < 20:
                event = {"user_id": "careful", "item_id": f"x{acknowledged}", "timestamp": 1769860800 + acknowledged}
                acknowledged += client.post("/v1/events", json={"events": [event]}).status_code == 202
            laptop.kill_all()
            server.wait(60)
            importing.wait(60)

        with laptop.serving() as (_, client):
            assert _count(client, "careful") == acknowledged
            versions = client.get("/v1/models").json()["versions"]
            assert [v["version"] for v in versions if v["active"]] in ([active], [versions[0]["version"]])
            served = client.post("/v1/recommendations", json={"events": [{"item_id": "i2"}]}).json()
            assert (served["degraded"], served["items"][0]["source"]) == (False, "neighbors")

            again = laptop.command("import", str(second))
            assert again.wait(300) == 0
            expected = {(e.user_id, e.item_id) for e in two_tastes(MANY_USERS, seed=2) if e.user_id == "u0"}
            stored = client.get("/v1/users/u0/events?limit=100").json()["events"]
            assert expected <= {(event["user_id"], event["item_id"]) for event in stored}
            assert len(stored) == len({(event["item_id"], event["timestamp"]) for event in stored})
            trained = laptop.command("train")
            assert trained.wait(300) == 0
            newest = client.get("/v1/models").json()["versions"][0]
            assert newest["counts"]["users"] == MANY_USERS + 1
            assert (newest["state"], newest["active"]) == ("ready", True) or "clearly below" in newest["detail"]
