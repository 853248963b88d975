"""Bodies that are deep, wide, large once decoded or slow, and responses that would be large."""

import gzip
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from tests.trial.record import DEADLINE_SECONDS, GRACE_SECONDS, Record
from tests.trial.stage import Stage

HUGE = "9" * 400
DEEP, WIDE, NAMES, MANY = 5_000, 49_000, 48_000, 1_600_000
JSON = {"Content-Type": "application/json"}
CLIENT_ERRORS = (400, 413, 422)
LARGE_ITEMS, LARGE_CHARACTERS = 40, 300_000
SLOW_SENDERS, SLOW_BYTE_SECONDS = 250, 0.2


def documents(stage: Stage, record: Record) -> None:
    """Numbers of 400 digits, deep and wide JSON, wrong and repeated names, gzip bombs; rules over what was stored."""
    values = [HUGE, f"-{HUGE}", f"[{HUGE}]", f'{{"a": {{"b": [{HUGE}]}}}}', "1e999", "-1e999", "NaN", "0." + HUGE]
    values += ["[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, f"[{'1,' * WIDE}1]"]
    names = ",".join(f'"k{n}":{n}' for n in range(NAMES))
    values += [f"{{{names}}}", f'{{{names},"k{NAMES - 1}":0}}', f"[{'[],' * (WIDE // 2)}1]", f"[{'1e999,' * WIDE}1]"]
    values += ["{" + ",".join(f'"k{n}":{n}' for n in range(WIDE // 10)) + "}", '"\\ud800"', f'"{"é" * 10_000}"']
    bombs = [gzip.compress(b" " * 50_000_000), gzip.compress(gzip.compress(b"[" * 10_000_000)), b"\x1f\x8b" + b"x" * 90]
    bombs += [
        gzip.compress(b'{"properties": {"n": [' + b"1," * MANY + b"1]}}"),
        gzip.compress(b'{"events": [' + b"{}," * MANY),
    ]
    stage.serve(item_ttl_seconds="0")
    with stage.client() as client, stage.watched(record):

        def send(path: str, method: str, body: str | bytes, **headers: str) -> None:
            content = body if isinstance(body, bytes) else body.encode()
            record.send(
                client, method, path, 200, 202, 503, *CLIENT_ERRORS, content=content, headers={**JSON, **headers}
            )

        for value in values:
            properties = f'{{"title": "T", "properties": {{"n": {value}}}}}'
            send("/v1/items/i1", "PUT", properties)
            send("/v1/items/i1", "PATCH", properties)
            send("/v1/users/odd", "PUT", f'{{"properties": {{"n": {value}}}}}')
            send("/v1/events", "POST", f'{{"events": [{{"user_id": "odd", "item_id": "i1", "value": {value}}}]}}')
            send("/v1/recommendations", "POST", f'{{"limit": {value}}}')
            send("/v1/recommendations", "POST", value)
            send("/v1/users/odd", "PUT", value)
            for rule in ("item.n > 1.0 || item.n == item.n", "has(user.n) && user.n == 1.0"):
                query = {"limit": 100, "include_seen": True, "filter": rule}
                record.send(client, "GET", "/v1/users/odd/recommendations", 200, params=query)
        for bomb in bombs:
            send("/v1/events", "POST", bomb, **{"Content-Encoding": "gzip"})
            send("/v1/items/i1", "PUT", bomb, **{"Content-Encoding": "gzip"})
        record.send(client, "PUT", "/v1/items/i1", 200, json={"title": "Item 1"})


def large_answers(stage: Stage, record: Record) -> None:
    """Items of 300 KB each, asked for in one response."""
    stage.serve()
    ids = [f"large-{number}" for number in range(LARGE_ITEMS)]
    with stage.client() as client:
        for item_id in ids:
            body = {"title": "Large", "properties": {"text": "x" * LARGE_CHARACTERS}}
            record.send(client, "PUT", f"/v1/items/{item_id}", 200, json=body)
        with stage.watched(record):
            ranking = {"user_id": "u1", "item_ids": ids, "properties": True}
            record.send(client, "POST", "/v1/rankings", 200, 422, json=ranking)
            for path in ("/v1/items?limit=200", "/v1/items:search?text=large&limit=200", "/v1/export"):
                response = record.send(client, "GET", path, 200, 422)
                for _ in range(20):
                    cursor = response.json().get("next_cursor") if response is not None else None
                    if not cursor:
                        break
                    more = "&" if "?" in path else "?"
                    response = record.send(client, "GET", path + more + f"cursor={cursor}", 200, 422)
        for item_id in ids:
            record.send(client, "DELETE", f"/v1/items/{item_id}", 204)


def slow_senders(stage: Stage, record: Record) -> None:
    """250 connections that send a byte of their body every 0.2 s, and others that never end their headers."""
    stage.serve()
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-API-Key: {stage.keys['admin']}\r\nContent-Type: application/json\r\n"
    )
    with stage.client("other") as client, stage.watched(record):
        connections = [socket.create_connection(("127.0.0.1", stage.port), 5) for _ in range(SLOW_SENDERS)]
        start = time.monotonic()
        for number, connection in enumerate(connections):
            connection.sendall((head + ("Content-Length: 1000\r\n\r\n" if number % 5 else "")).encode())
            connection.setblocking(False)
        open_bodies = [connection for number, connection in enumerate(connections) if number % 5]
        with ThreadPoolExecutor(4) as others:
            ends_at = start + DEADLINE_SECONDS + GRACE_SECONDS
            while time.monotonic() < ends_at:
                list(others.map(lambda _: record.send(client, "GET", "/v1/users/u1/recommendations", 200), range(8)))
                open_bodies = [connection for connection in open_bodies if not _has_ended(connection)]
                time.sleep(SLOW_BYTE_SECONDS)
        open_bodies = [connection for connection in open_bodies if not _has_ended(connection)]
        record.late += len(open_bodies)
        record.expect(not open_bodies, "slow bodies are not cut off")
        for connection in connections:
            connection.close()


def _has_ended(connection: socket.socket) -> bool:
    """Sends one byte more; returns whether the server has answered or closed."""
    try:
        if connection.recv(1_000) is not None:
            return True
    except BlockingIOError:
        pass
    except OSError:
        return True
    try:
        connection.send(b" ")
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False
