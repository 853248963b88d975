"""Issuers of tokens that hang, drip, fail or send nonsense."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event, Thread

import httpx2

from tests.support.oidc_issuer import AUDIENCE, OidcIssuer
from tests.trial.record import Record
from tests.trial.stage import PROJECT, Stage

BEARERS, BESIDE, TOKENS = 40, 4, 80
MOST_FETCHES = 4
DRIP_SECONDS = 0.2


@contextmanager
def _misbehaving(answer: Callable[[socket.socket, Event], None]) -> Iterator[tuple[int, list[float]]]:
    """An issuer; yields its port and the times at which it was asked."""
    stop, times = Event(), list[float]()
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listening:
        listening.settimeout(0.1)

        def answer_all() -> None:
            answering: list[Thread] = []
            while not stop.is_set():
                with suppress(TimeoutError):
                    connection, _ = listening.accept()
                    times.append(time.monotonic())
                    answering.append(Thread(target=_answered, args=(connection,), daemon=True))
                    answering[-1].start()
            for each in answering:
                each.join()

        def _answered(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.recv(4_096)
                answer(connection, stop)

        accepting = Thread(target=answer_all)
        accepting.start()
        try:
            yield listening.getsockname()[1], times
        finally:
            stop.set()
            accepting.join()


def _hang(connection: socket.socket, stop: Event) -> None:
    del connection
    stop.wait()


def _drip(connection: socket.socket, stop: Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while not stop.wait(DRIP_SECONDS):
        connection.sendall(b" ")


def _fail(connection: socket.socket, stop: Event) -> None:
    del stop
    connection.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def _nonsense(connection: socket.socket, stop: Event) -> None:
    del stop
    body = b'{"jwks_uri": 7, "keys": [{"kty": "RSA"}, 3, null]}'
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def hanging(stage: Stage, record: Record) -> None:
    """An issuer that never answers, under 80 tokens with key ids of their own."""
    _tried(stage, record, _hang)


def dripping(stage: Stage, record: Record) -> None:
    """An issuer that sends a byte each 0.2 s."""
    _tried(stage, record, _drip)


def failing(stage: Stage, record: Record) -> None:
    """Issuers that answer 500, or something that is no set of keys."""
    _tried(stage, record, _fail)
    _tried(stage, record, _nonsense)


def _tried(stage: Stage, record: Record, answer: Callable[[socket.socket, Event], None]) -> None:
    with _misbehaving(answer) as (port, times):
        address = f"http://127.0.0.1:{port}"
        stage.serve(issuers=json.dumps([{"issuer": address, "audience": AUDIENCE, "project": PROJECT}]))
        issuer, path = OidcIssuer(), "/v1/users/u1/recommendations"
        tokens = [issuer.token(iss=address, headers={"kid": f"made-up-{number}"}) for number in range(TOKENS)]
        stop = Event()

        def go_on(client: httpx2.Client) -> None:
            while not stop.is_set():
                response = record.send(client, "GET", path, 200)
                record.expect(response is None or response.elapsed.total_seconds() < 1.0, "others wait for the issuer")

        with (
            stage.client("other") as client,
            stage.client("") as stranger,
            stage.watched(record),
            ThreadPoolExecutor(BESIDE) as beside,
            ThreadPoolExecutor(BEARERS) as bearers,
        ):
            for _ in range(BESIDE):
                beside.submit(go_on, client)
            headers = [{"Authorization": f"Bearer {token}"} for token in tokens]
            list(bearers.map(lambda each: record.send(stranger, "GET", path, 401, 503, headers=each), headers))
            stop.set()
        record.expect(len(times) <= MOST_FETCHES, f"the issuer was asked {len(times)} times")
