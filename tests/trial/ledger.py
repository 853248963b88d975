"""Events that are sent until they are acknowledged, and a recount of what is stored and listed afterwards."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from threading import Event, Thread

import httpx2

from app.services.counters.lists import HEAD
from tests.trial.record import Record
from tests.trial.stage import Stage

ITEMS = 3
PAUSE_SECONDS = 0.05
SETTLED_SECONDS, STAYS_SECONDS = 60.0, 2.0
"""The latter: lists are refreshed a second later."""
READERS = 4
REFUSED = (409, 429, 503)


class Ledger:
    """Each event is of a user of its own, for one of a few items of its own, so each stands for itself."""

    def __init__(self, stage: Stage, record: Record, name: str) -> None:
        self._stage, self._record, self._name = stage, record, name
        self._numbers, self._marks = count(), count()
        self._started = int(time.time()) - 2_000
        self._acknowledged: set[int] = set()
        self._sent: set[int] = set()
        self._item_number = self._stored_item_number = 0

    def prepare(self) -> None:
        """Creates the items."""
        with self._stage.client() as client:
            for number in range(ITEMS):
                self._record.send(client, "PUT", f"/v1/items/{self._item(number)}", 200, json={"title": "Counted"})

    def write(self, client: httpx2.Client, number: int, *, may_break: bool = False) -> bool:
        """Sends an event; returns whether the next one may be sent: whether there was a response.

        Three of four name their time, the others have an Idempotency-Key.
        """
        self._sent.add(number)
        event: dict[str, object] = {"user_id": self._user(number), "item_id": self._item(number)}
        headers = {}
        if number % 4:
            event |= {"timestamp": self._started + number % 1_000, "event_id": "only"}
        else:
            headers = {"Idempotency-Key": f"{self._name}-{number}"}
        response = self._record.send(
            client, "POST", "/v1/events", 202, *REFUSED, may_break=may_break, json={"events": [event]}, headers=headers
        )
        if response is not None and response.status_code == 202:
            self._acknowledged.add(number)
        return response is not None

    @contextmanager
    def writing(self, threads: int, *, may_break: bool = False) -> Iterator[None]:
        """Sends events from some threads, and one item again and again, until the context ends."""
        stop = Event()
        writers = [Thread(target=self._write_until, args=(stop, may_break)) for _ in range(threads)]
        writers.append(Thread(target=self._change_until, args=(stop, may_break)))
        for writer in writers:
            writer.start()
        try:
            yield
        finally:
            stop.set()
            for writer in writers:
                writer.join()

    def _write_until(self, stop: Event, may_break: bool) -> None:  # noqa: FBT001
        with self._stage.client() as client:
            number = next(self._numbers)
            while not stop.wait(PAUSE_SECONDS):
                if self.write(client, number, may_break=may_break):
                    number = next(self._numbers)

    def _change_until(self, stop: Event, may_break: bool) -> None:  # noqa: FBT001
        with self._stage.client() as client:
            while not stop.wait(PAUSE_SECONDS):
                self._item_number += 1
                body = {"title": "Changed", "properties": {"number": self._item_number}}
                response = self._record.send(
                    client, "PUT", f"/v1/items/{self._name}-changed", 200, *REFUSED, may_break=may_break, json=body
                )
                if response is not None and response.status_code == 200:
                    self._stored_item_number = self._item_number

    def recount(self) -> None:
        """Sends what is not acknowledged again, and compares events and lists with what was acknowledged."""
        ends_at = time.monotonic() + SETTLED_SECONDS
        with self._stage.client(seconds=60.0) as client, ThreadPoolExecutor(READERS) as readers:
            while left := self._sent - self._acknowledged:
                list(readers.map(lambda number: self.write(client, number, may_break=True), left))
                if time.monotonic() > ends_at:
                    self._record.fault(f"{len(left)} events are still refused after {SETTLED_SECONDS:.0f} s")
                    break
                if self._sent > self._acknowledged:  # killed requests keep their Idempotency-Key for a while
                    time.sleep(PAUSE_SECONDS)
            numbers = sorted(self._sent)
            stored = list(readers.map(lambda number: self._stored(client, number), numbers))
            missing = {number for number, rows in zip(numbers, stored, strict=True) if not rows}
            self._record.lost += len(missing & self._acknowledged)
            self._record.doubled += sum(rows - 1 for rows in stored if rows > 1)
            self._recount_lists(client, numbers, stored)
            self._check_item(client)
        self._record.note(f"{len(self._acknowledged)} events recounted")

    def _recount_lists(self, client: httpx2.Client, numbers: Sequence[int], stored: Sequence[int]) -> None:
        expected = {self._item(number): 0.0 for number in range(ITEMS)}
        for number, rows in zip(numbers, stored, strict=True):
            expected[self._item(number)] += min(rows, 1)
        ends_at, difference = time.monotonic() + SETTLED_SECONDS, [1]
        while any(difference) and time.monotonic() < ends_at:
            self._reorder(client)
            difference = self._difference(client, expected)
        if not any(difference):  # what is counted twice may come later
            self._reorder(client)
            difference = self._difference(client, expected)
        if any(difference):
            self._record.note(f"lists differ from the stored events by {difference}")
        self._record.lost += sum(-each for each in difference if each < 0)
        self._record.doubled += sum(each for each in difference if each > 0)

    def _reorder(self, client: httpx2.Client) -> None:
        """Adds an item to the head of the popular list, without which it is not stored, and waits until it is there."""
        item_id = f"{self._name}-mark-{next(self._marks)}"
        last = [*_popular(client).values()][HEAD - 1 : HEAD]
        events = [{"user_id": f"{item_id}-{number}", "item_id": item_id} for number in range(round(sum(last)) + 1)]
        self._record.send(client, "PUT", f"/v1/items/{item_id}", 200, *REFUSED, json={"title": "Mark"})
        self._record.send(client, "POST", "/v1/events", 202, *REFUSED, json={"events": events})
        time.sleep(STAYS_SECONDS)

    def _difference(self, client: httpx2.Client, expected: dict[str, float]) -> list[int]:
        scores = _popular(client)
        return [round(scores.get(item_id, 0.0) - number) for item_id, number in expected.items()]

    def _stored(self, client: httpx2.Client, number: int) -> int:
        return len(client.get(f"/v1/users/{self._user(number)}/events").raise_for_status().json()["events"])

    def _check_item(self, client: httpx2.Client) -> None:
        if self._stored_item_number:
            item = client.get(f"/v1/items/{self._name}-changed").json()
            self._record.lost += item["properties"]["number"] < self._stored_item_number

    def _user(self, number: int) -> str:
        return f"{self._name}-{number}"

    def _item(self, number: int) -> str:
        return f"{self._name}-item-{number % ITEMS}"


def _popular(client: httpx2.Client) -> dict[str, float]:
    """Returns the popular items and their scores, best first."""
    listed = client.get("/v1/lists/popular", params={"limit": 100}).raise_for_status().json()["items"]
    return {item["item_id"]: item["score"] for item in listed}
