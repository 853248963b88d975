"""What the first rule of an instance costs: reading all items, or a packed catalog and the changes since."""

import gc
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import UUID

from app.domain.items import Item
from app.domain.recommendations import RecommendationQuery
from app.entry.local import dynamodb, environment
from app.services.catalog.reader import SETTLED
from app.storage.neighbors import ListRow
from app.storage.packed_catalogs import pointer_of
from app.telemetry import RequestLog, logging_context
from app.wiring import Wired
from tests.bench.latency import logs_discarded
from tests.support.builders import wired_on
from tests.support.datasets import ROOT
from tests.support.fake_clock import FakeClock

SIZES, LARGEST = (20_000, 50_000), 100_000
ROUNDS = 5
CHANGED = 500
"""Items that were changed since the catalog was packed."""
RULE = RecommendationQuery(filters=("item.price < 10.0",), limit=10)


@dataclass(frozen=True)
class Cost:
    """What one instance's first rule took."""

    calls: int
    units: float
    seconds: float
    cpu_seconds: float
    listed: list[str]

    def __str__(self) -> str:
        return f"{self.calls} calls, {self.units:,.0f} read units, {self.seconds:.2f} s, {self.cpu_seconds:.2f} CPU s"


def run() -> None:
    print(f"\nThe first rule of an instance, median of {ROUNDS} pairs on DynamoDB Local")
    with logs_discarded():
        for size in (*SIZES, LARGEST):
            with _shop(size) as (wired, clock):
                _compare(wired, clock, size)


def _compare(wired: Wired, clock: FakeClock, size: int) -> None:
    project, settings = wired.services.settings.project, wired.services.settings
    _put(wired, range(size))
    clock.advance(2 * SETTLED.total_seconds())
    log = RequestLog()
    started, cpu = time.monotonic(), time.process_time()
    with logging_context(log):
        assert wired.services.packer.consider(project)
    seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    clock.advance(2 * SETTLED.total_seconds())
    _put(wired, range(0, size, size // CHANGED), price=5.0)
    pointer = ListRow.get(pointer_of(project))
    full, packed = list[Cost](), list[Cost]()

    def first() -> Cost:
        cold = wired_on(settings, clock=clock)
        try:
            return _cost(lambda: _listed(cold))
        finally:
            cold.database.close()

    for _ in range(ROUNDS):
        pointer.delete()
        full.append(first())
        pointer.save()
        packed.append(first())
    assert len({tuple(cost.listed) for cost in (*full, *packed)}) == 1
    print(
        f"  {size:,} items, {CHANGED} changed since, packed for {log.read_units:,.0f} read and {log.write_units:,.0f} "
        f"write units in {seconds:.1f} s ({cpu:.1f} CPU s)"
    )
    print(f"    read in full: {_middle(full)}")
    print(f"    packed:       {_middle(packed)}")
    print(f"    in memory: {_megabytes(wired, clock):.0f} MB", flush=True)


def _listed(wired: Wired) -> list[str]:
    answer = wired.services.recommend.for_user(wired.services.settings.project, "new", RULE)
    return [each.item_id for each in answer.recommendations]


def _cost(ask: Callable[[], list[str]]) -> Cost:
    log = RequestLog()
    gc.collect()
    started, cpu = time.monotonic(), time.process_time()
    with logging_context(log):
        listed = ask()
    return Cost(log.calls, log.read_units, time.monotonic() - started, time.process_time() - cpu, listed)


def _middle(costs: list[Cost]) -> Cost:
    seconds, cpu = median(cost.seconds for cost in costs), median(cost.cpu_seconds for cost in costs)
    return Cost(costs[0].calls, costs[0].units, seconds, cpu, [])


def _megabytes(wired: Wired, clock: FakeClock) -> float:
    """Returns what the items and the values of one rule take in the memory of an instance."""
    cold = wired_on(wired.services.settings, clock=clock)
    tracemalloc.start()
    _listed(cold)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    cold.database.close()
    return size / 2**20


@contextmanager
def _shop(size: int) -> Iterator[tuple[Wired, FakeClock]]:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        home.mkdir()
        (home / "dynamodb-local").symlink_to(dynamodb.install(ROOT / ".serendip"))
        with environment.connected(home, Path(name) / "data") as wired:
            clock = FakeClock()
            settings = wired.services.settings.model_copy(update={"catalog_items": size + size // 10})
            shop = wired_on(settings, clock=clock)
            yield shop, clock
            shop.database.close()


def _put(wired: Wired, numbers: range, **more: object) -> None:
    project = wired.services.settings.project
    for start in range(0, len(numbers), 1_000):
        wired.services.items.put_many(project, [_item(number, more) for number in numbers[start : start + 1_000]])


def _item(number: int, more: dict[str, object]) -> Item:
    """Returns an item as shops have them: a UUID, a title of a few words, two categories and five properties."""
    name = str(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))
    words = [f"word{number * prime % 2_000}" for prime in (7, 31, 101)]
    properties = {
        "price": float(10 + number % 500),
        "brand": f"brand{number % 300}",
        "color": f"color{number % 12}",
        "stock": number % 90,
        "image": f"https://cdn.example.com/products/{name}.jpg",
    }
    return Item(name, " ".join(words), (f"shelf{number % 60}", f"room{number % 9}"), {**properties, **more})
