"""What a warm answer costs as a shop grows: calls, read units, and CPU without the emulator's."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from mangum import Mangum

from app.api.application import create_application
from app.clock import now
from app.domain.access import Limits, Scope
from app.domain.events import Event
from app.domain.items import Item
from app.entry.local import dynamodb, environment
from app.wiring import Wired
from tests.bench import synthetic
from tests.bench.latency import logs_discarded
from tests.support.builders import a_key
from tests.support.calls import capacities, surround
from tests.support.datasets import ROOT
from tests.support.payloads import http_api

SMALL, GROWN = (350, 280, 14_000), (35_000, 7_000, 1_400_000)
"""Users, items and events: about as many as the sample shop has, and 100, 25 and 100 times as many."""
FEW, CATALOG = 1_000, 100_000
"""Items of a catalog; most are newer than the model."""
SHORT, LONG = 500, 50_000
"""Events of one user."""
DAYS, ASKED, ROUNDS = 90, 100, 5
RULE = "&filter=item.price%20%3C%2050.0"


@dataclass(frozen=True)
class Cost:
    """The means of a warm answer."""

    calls: float
    units: float
    cpu_ms: float

    def against(self, other: "Cost") -> str:
        pairs = zip(("calls", "read units", "CPU ms"), vars(self).values(), vars(other).values(), strict=True)
        return ", ".join(f"{name} {ours:.2f} / {theirs:.2f} ({theirs / ours:.2f} x)" for name, ours, theirs in pairs)


def run() -> None:
    users, items, events = (grown // small for small, grown in zip(SMALL, GROWN, strict=True))
    print(
        f"\nGrowth: warm answers of 10 items to {ASKED} users, with {users} x users, {items} x items, {events} x events"
    )
    with logs_discarded(), _shop(*SMALL) as (small, answer), _shop(*GROWN) as (_, grown_answer):
        for name, more in (("recommendations", ""), ("with a filter", RULE)):
            one, hundred = answer(more, ""), grown_answer(more, "")
            print(f"  {name}: {one.against(hundred)}", flush=True)
        for name, length in (("short", SHORT), ("long", LONG)):
            _load_events(small, ((0, number % SMALL[1]) for number in range(length)), name)
        print(
            f"  a user with {SHORT:,} / {LONG:,} events: {answer('', 'short').against(answer('', 'long'))}", flush=True
        )
        _load_items(small, FEW)
        before = answer(RULE, "")
        _load_items(small, CATALOG)
        print(f"  {FEW:,} / {CATALOG:,} items, with a filter: {before.against(answer(RULE, ''))}", flush=True)


@contextmanager
def _shop(users: int, items: int, events: int) -> Iterator[tuple[Wired, Callable[[str, str], Cost]]]:
    """A trained shop, and what a warm answer costs, given more of its query and the user to ask for, or "" for many."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        home.mkdir()
        (home / "dynamodb-local").symlink_to(dynamodb.install(ROOT / ".serendip"))
        with environment.connected(home, Path(name) / "data") as wired:
            _load_items(wired, items)
            numbers = synthetic.interactions(users, items, events)
            started = time.monotonic()
            _load_events(wired, zip(*(column.tolist() for column in numbers), strict=True), "user")
            loaded = time.monotonic()
            services, project = wired.services, wired.services.settings.project
            services.train.run(project, services.train.queue(project))
            trained = time.monotonic()
            print(
                f"  {users:,} users, {items:,} items, {len(numbers[0]):,} events: loaded in {loaded - started:.0f} s, "
                f"trained in {trained - loaded:.0f} s",
                flush=True,
            )
            key = a_key(wired, project, Scope.ADMIN, limits=Limits(requests_per_second=100_000))
            handler: Any = Mangum(create_application(services), lifespan="off")

            def answer(more: str, user: str) -> Cost:
                names = [user] if user else [f"user{number * users // ASKED}" for number in range(ASKED)]
                return _cost(
                    wired, handler, key, [f"/v1/users/{name}/recommendations?limit=10{more}" for name in names]
                )

            yield wired, answer


def _cost(wired: Wired, handler: Any, key: str, targets: list[str]) -> Cost:
    names, units = list[str](), list[float]()

    def ask() -> None:
        for target in targets:
            assert handler(http_api(("GET", target, {"x-api-key": key}, None)), None)["statusCode"] == 200

    def counted(operation: str, _request: dict[str, Any], call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        names.append(operation)
        result = call()
        units.extend(each["CapacityUnits"] for each in capacities(result))
        return result

    rounds = max(ROUNDS, ROUNDS * ASKED // len(targets))
    ask()
    undo = surround(wired.database, counted)
    ask()
    undo()
    started = time.process_time()
    for _ in range(rounds):
        ask()
    cpu_ms = (time.process_time() - started) * 1_000 / rounds / len(targets)
    return Cost(len(names) / len(targets), sum(units) / len(targets), cpu_ms)


def _load_items(wired: Wired, number: int) -> None:
    project = wired.services.settings.project
    for start in range(0, number, 1_000):
        wired.services.items.put_many(project, [_item(each) for each in range(start, min(start + 1_000, number))])


def _item(number: int) -> Item:
    properties = {"price": float(number % 100), "brand": f"brand{number % 40}"}
    return Item(f"item-{number:06}", f"Item {number}", (f"shelf{number % 20}",), properties)


def _load_events(wired: Wired, pairs: Iterator[tuple[int, int]], user: str) -> None:
    """Stores an event for each pair of user and item, at a time that follows from both."""
    services, newest = wired.services, now()
    while batch := list(islice(pairs, services.events.batch_size)):
        events = list[Event]()
        for who, item in batch:
            user_id = f"{user}{who}" if user == "user" else user
            age = timedelta(seconds=(who * 7_919 + item * 104_729) % (DAYS * 86_400))
            events.append(Event(user_id, f"item-{item:06}", "view", newest - age, f"{len(events)}-{item}"))
        services.events.accept(services.settings.project, events)
