"""Exchanges end in time, and connections are kept."""

import socket
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import pytest
from botocore.exceptions import (
    EndpointConnectionError,
    ReadTimeoutError,
)

from app.config import Settings
from app.deadline import patient, within
from tests.support.dynamodb_paths import FINE, TABLE, Server, a_connection, both, outcome
from tests.support.http_servers import Responder

KEY = {"key": {"S": "a"}}


class TestTime:
    """An attempt ends with the deadline of its request, whatever the server does."""

    @staticmethod
    def drip(responder: Responder) -> None:
        responder.send_response(200)
        responder.send_header("content-length", "1000")
        responder.end_headers()
        for _ in range(200):
            sleep(0.05)
            try:
                responder.wfile.write(b" ")
                responder.wfile.flush()
            except OSError:
                responder.close_connection = True
                return

    @staticmethod
    def hang(responder: Responder) -> None:
        responder.rfile.read(1)

    @pytest.mark.parametrize("way", ["drip", "hang"])
    def test_a_response_that_drips_or_hangs_is_left_at_the_deadline(self, server: Server, way: str) -> None:
        server.play(getattr(self, way))
        with both(server.address, read_timeout_seconds=20.0) as calls:
            started = monotonic()
            with within(0.5):
                left = outcome(calls["lean"], "GetItem", {})

        assert left is ReadTimeoutError
        assert monotonic() - started < 5

    def test_without_a_request_an_attempt_ends_with_the_read_timeout(self, server: Server) -> None:
        server.play(self.hang)
        with both(server.address, read_timeout_seconds=0.2) as calls:
            both_ways = [outcome(call, "GetItem", {}) for call in calls.values()]

        assert both_ways == [ReadTimeoutError, ReadTimeoutError]
        assert len(server.requests) == 6

    def test_who_has_patience_waits_longer_but_not_beyond_the_deadline(self, server: Server) -> None:
        def late(responder: Responder) -> None:
            sleep(0.5)
            FINE(responder)

        server.play(late)
        with both(server.address, read_timeout_seconds=0.1) as calls, patient(5.0):
            waited = [outcome(call, "GetItem", {}) for call in calls.values()]
            with within(0.2):
                refused = [outcome(call, "GetItem", {}) for call in calls.values()]

        assert all(isinstance(answer, dict) for answer in waited), waited
        assert refused == [ReadTimeoutError, ReadTimeoutError]

    def test_no_server(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with both(address) as calls:
            both_ways = [outcome(call, "GetItem", {}) for call in calls.values()]

        assert both_ways == [EndpointConnectionError, EndpointConnectionError]


class TestConnections:
    def test_connections_are_kept_and_replaced_once_the_server_has_closed_them(self, server: Server) -> None:
        peers = []

        def note(responder: Responder) -> None:
            peers.append(responder.client_address[1])
            FINE(responder)

        def note_and_close(responder: Responder) -> None:
            note(responder)
            responder.close_connection = True

        server.play(note, note_and_close, note)
        with both(server.address) as calls:
            for _ in range(4):
                calls["lean"]("GetItem", {})
                sleep(0.05)

        assert len(server.requests) == 4
        first, second, third, fourth = peers
        assert first == second != third == fourth

    def test_no_more_than_the_pools_size_are_kept(self, settings: Settings) -> None:
        connection = a_connection(settings.endpoint, max_pool_connections=2)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: connection.dispatch("GetItem", {"TableName": TABLE, "Key": KEY}), range(64)))

        assert 1 <= len(connection.client._pool._idle) <= 2  # noqa: SLF001
        connection.client.close()
        assert not connection.client._pool._idle  # noqa: SLF001
