"""A project with three versions that prefer different neighbors."""

import pytest

from app.config import Settings
from app.wiring import Wired
from tests.support.builders import an_event, an_item
from tests.support.planted_models import Table, plant

ITEMS = 12
USERS = [f"u{number}" for number in range(40)]


def neighbors_at(*distances: int) -> Table:
    """Rows in which each item's neighbors have these distances, best first. Even distances stay within a taste."""
    return {
        f"i{item}": {f"i{(item + distance) % ITEMS}": 1.0 / (1 + rank) for rank, distance in enumerate(distances)}
        for item in range(ITEMS)
    }


@pytest.fixture
def shop(wired: Wired, settings: Settings) -> Wired:
    """A project of forty users with two tastes and three versions; `middle` is active."""
    project = settings.project
    wired.services.items.put_many(project, [an_item(f"i{number}") for number in range(ITEMS)])
    wired.services.events.accept(project, [an_event(user, f"i{number % 2}") for number, user in enumerate(USERS)])
    plant(wired, project, "middle", neighbors_at(2, 3, 5))
    plant(wired, project, "good", neighbors_at(2, 4, 6))
    plant(wired, project, "bad", neighbors_at(1, 3, 5))
    wired.services.rollout.activate(project, "middle")
    return wired
