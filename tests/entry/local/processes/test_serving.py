"""A server with two workers: whatever one of them does, the clients of the other see it."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import httpx2
import orjson
import psutil
import pytest
from websockets.sync.client import ClientConnection, connect

from app.config import Settings
from app.domain.access import Limits, Scope
from app.entry.errors import SetupError
from app.entry.launcher import NoLauncher
from app.entry.local import stream_follower
from app.entry.local.dynamodb import Emulator
from app.entry.local.processes import serving
from app.entry.local.processes.process import Assignment, Process
from app.entry.local.stream_follower import Pace
from app.wiring import Wired
from tests.bench import sockets
from tests.support import socket_crowd
from tests.support.builders import SECRET, a_key, a_project, an_item, two_tastes, until, wired_on
from tests.support.server_process import Server, environment, running

PROJECT = "crew"
RATE = 0.001
"""Requests a second of a key that has next to none beyond its burst."""


_POST = (
    "POST /v1/events HTTP/1.1\r\nHost: test\r\nX-API-Key: {}\r\n"
    "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n"
)
_EVENT = b'{"events": [{"user_id": "ann", "item_id": "tea"}]}'


@dataclass(frozen=True)
class Stage:
    settings: Settings
    server: Server
    key: str
    limited_key: str
    """A key with a burst of 10 requests."""
    log: Path

    def workers(self) -> list[psutil.Process]:
        return [process for process in self.server.process.children() if "worker" in " ".join(process.cmdline())]

    @contextmanager
    def clients(self, number: int = 2) -> Iterator[list[httpx2.Client]]:
        """Yields clients with a connection each, which the workers get in turn."""
        with ExitStack() as stack:
            headers = {"X-API-Key": self.key}
            clients = [
                stack.enter_context(httpx2.Client(base_url=self.server.base, headers=headers, timeout=60))
                for _ in range(number)
            ]
            for client in clients:
                assert client.get("/health/live").is_success
            yield clients

    @contextmanager
    def sockets(self, number: int = 2) -> Iterator[list[ClientConnection]]:
        """Yields live sockets, which the workers get in turn."""
        with ExitStack() as stack:
            headers = {"X-API-Key": self.key}
            yield [stack.enter_context(connect(self.server.socket, additional_headers=headers)) for _ in range(number)]


@pytest.fixture(scope="module")
def stage(spare_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server with tables of its own. Each test has its own users."""
    settings = Settings(
        secret=SECRET, endpoint=spare_emulator.endpoint, table_prefix="crew-", project=PROJECT, read_timeout_seconds=10
    )
    wired = wired_on(settings)
    key = a_project(wired, PROJECT)
    limited_key = a_key(wired, PROJECT, Scope.ADMIN, limits=Limits(requests_per_second=RATE, burst=10))
    services = wired.services
    services.items.put_many(PROJECT, [an_item(f"i{n}", f"c{n % 2}") for n in range(12)])
    services.events.accept(PROJECT, two_tastes())
    services.train.run(PROJECT, services.train.queue(PROJECT))
    wired.close()
    log = tmp_path_factory.mktemp("crew") / "log"
    log.touch()
    with running(settings, PROJECT, output=str(log), workers=2) as server:
        yield Stage(settings, server, key, limited_key, log)


def _history(client: httpx2.Client, user_id: str) -> set[str]:
    events = client.get(f"/v1/users/{user_id}/events?limit=100").raise_for_status().json()["events"]
    return {event["item_id"] for event in events}


def _ids(frame: str | bytes) -> list[str]:
    return [item["item_id"] for item in orjson.loads(frame)["items"]]


def _refuses(host: str, port: int) -> bool:
    """Whether nothing listens on a port."""
    try:
        socket.create_connection((host, port)).close()
    except ConnectionRefusedError:
        return True
    return False


class TestRequests:
    def test_both_workers_get_connections_and_this_process_answers_none(self, stage: Stage) -> None:
        with stage.clients(4) as clients:
            port = clients[0].base_url.port
            ends = [
                sum(each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port for each in connections)
                for connections in [process.net_connections("tcp") for process in stage.workers()]
            ]

        assert len(ends) == 2
        assert min(ends) >= 2

    def test_the_next_read_of_either_worker_reflects_an_event(self, stage: Stage) -> None:
        with stage.clients() as clients:
            for number in range(10):
                writer, other = clients[number % 2], clients[1 - number % 2]
                user = f"reader{number}"
                assert writer.post("/v1/events", json={"events": [{"user_id": user, "item_id": "i0"}]}).is_success

                for client in (other, writer):
                    read = client.get(f"/v1/users/{user}/recommendations?limit=3").json()
                    assert {reason["item_id"] for item in read["items"] for reason in item["reasons"]} == {"i0"}
                    assert _history(client, user) == {"i0"}

    def test_the_burst_of_a_key_is_that_of_both_workers_together(self, stage: Stage) -> None:
        with stage.clients() as clients:
            headers = {"X-API-Key": stage.limited_key}
            statuses = [clients[n % 2].get("/v1/items/i0", headers=headers).status_code for n in range(40)]

        assert 5 <= statuses.count(200) <= 10
        assert set(statuses) == {200, 429}


class TestSockets:
    def test_a_push_reaches_the_sockets_of_both_workers_whichever_has_the_event(self, stage: Stage) -> None:
        with stage.clients() as clients, stage.sockets(4) as opened:
            shown = []
            for live in opened:
                live.send('{"action": "subscribe", "user_id": "u2", "limit": 3}')
                shown.append(_ids(live.recv(60)))
            for client in clients:
                assert len({tuple(ids) for ids in shown}) == 1
                client.post("/v1/events", json={"events": [{"user_id": "u2", "item_id": shown[0][0]}]})

                pushed = [_ids(live.recv(60)) for live in opened]

                assert all(before[0] not in after for before, after in zip(shown, pushed, strict=True))
                shown = pushed

    def test_every_changed_list_is_pushed_to_a_hundred_sockets(self, own: Settings) -> None:
        key = sockets.prepare(own.model_copy(update={"project": PROJECT}), 100)
        with running(own, PROJECT, workers=2) as server:
            outcome = asyncio.run(socket_crowd.run(server, key, sockets=100, per_second=50, seconds=2, compares=False))

        assert outcome.unanswered == []
        assert outcome.pushes > 0


class TestEnds:
    def test_no_acknowledged_event_is_lost_when_a_worker_is_killed(self, stage: Stage) -> None:
        before = stage.workers()
        acknowledged, failed = set(), 0
        with stage.sockets(2) as opened:
            shown = []
            for live in opened:
                live.send('{"action": "subscribe", "user_id": "careful", "limit": 3}')
                shown.append(orjson.loads(live.recv(60)))
            for number in range(80):
                if number == 40:
                    before[0].kill()
                event = {"user_id": "careful", "item_id": f"x{number}", "timestamp": 1769860800 + number}
                try:
                    with httpx2.Client(base_url=stage.server.base, headers={"X-API-Key": stage.key}) as client:
                        answer = client.post("/v1/events", json={"events": [event]})
                    acknowledged |= {event["item_id"]} if answer.status_code == 202 else set()
                except httpx2.TransportError:
                    failed += 1

        until(lambda: len(stage.workers()) == 2 and before[0] not in stage.workers())
        with stage.clients() as clients, stage.sockets(2) as opened:
            assert all(_history(client, "careful") >= acknowledged for client in clients)
            for live, frame in zip(opened, shown, strict=True):
                live.send(orjson.dumps({"action": "resume", "token": frame["resume"]}).decode())
                assert orjson.loads(live.recv(60))["action"] == "resumed"
            clients[0].post("/v1/events", json={"events": [{"user_id": "careful", "item_id": "i0"}]})
            assert all(_ids(live.recv(60)) for live in opened)
        assert len(acknowledged) >= 60
        assert failed <= 5
        assert stage.server.process.is_running()

    def test_a_request_in_progress_is_answered_before_its_worker_ends(self, own: Settings) -> None:
        wired = wired_on(own)
        key = a_project(wired, PROJECT)
        wired.close()
        with running(own, PROJECT, workers=2) as server:
            address = httpx2.URL(server.base)
            with socket.create_connection((address.host, address.port)) as client:
                client.sendall(_POST.format(key, len(_EVENT)).encode() + _EVENT[:10])
                time.sleep(0.5)
                server.process.terminate()
                until(lambda: _refuses(address.host, address.port or 0))

                client.sendall(_EVENT[10:])

                assert client.recv(1_000).startswith(b"HTTP/1.1 202 ")
        wired = wired_on(own)
        assert wired.services.events.list_page(PROJECT, "ann", None, 10).records
        wired.close()

    @pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
    def test_no_process_is_left(self, own: Settings, ending: signal.Signals) -> None:
        wired = wired_on(own)
        key = a_project(wired, PROJECT)
        wired.close()
        with running(own, PROJECT, workers=2) as server, connect(server.socket, additional_headers={"X-API-Key": key}):
            workers = server.process.children()
            assert len(workers) == 2
            started = time.monotonic()

            server.process.send_signal(ending)

            _, alive = psutil.wait_procs(workers, timeout=60)
            assert alive == []
            assert time.monotonic() - started < 30


class TestNotes:
    def test_a_worker_notes_its_writes(self, settings: Settings, wired: Wired, key: str) -> None:
        notes, written = os.pipe()
        os.set_blocking(notes, False)
        worker = Process(Assignment(), environment(settings, settings.project), written, {})
        assert worker.ready.wait(60)
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
            with server.accept()[0] as connection:
                assert worker.take(connection)
            with pytest.raises(BlockingIOError):
                os.read(notes, 1)

            client.sendall(_POST.format(key, len(_EVENT)).encode() + _EVENT)

            assert client.recv(1_000).startswith(b"HTTP/1.1 202 ")
            assert os.read(notes, 1_000)
        worker.terminate()
        worker.close()
        os.close(notes)
        os.close(written)
        assert wired.services.events.list_page(settings.project, "ann", None, 10).records

    def test_a_note_wakes_a_follower_that_waits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stream_follower, "LONGEST_SECONDS", 600.0)
        monkeypatch.setattr(stream_follower, "PATIENCE", 1e-6)
        notes, written = os.pipe()
        pace = Pace()
        started = time.monotonic()
        with serving._woken(pace, notes, written):  # noqa: SLF001
            timer = Timer(0.2, os.write, (written, b"w"))
            timer.start()

            pace.pause(0.0)

            timer.join()
        assert 0.1 < time.monotonic() - started < 60


class TestPlan:
    def test_more_workers_than_requests_at_a_time_are_an_error(self, settings: Settings) -> None:
        wired = wired_on(settings.model_copy(update={"max_requests": 2}))
        plan = serving.Plan(workers=3, port=1, environment={}, assignment=Assignment())

        with pytest.raises(SetupError, match="3 workers are more than the 2 requests at a time"):
            serving.serve(wired, plan, NoLauncher(), lambda: None)

        wired.close()
