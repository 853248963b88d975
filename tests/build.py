"""Builders with defaults, and the twins that tests wire in."""

from datetime import UTC, datetime, timedelta
from random import Random

from pydantic import SecretStr

from app.config import Settings
from app.domain import Event, Item, ModelVersion
from app.services.train import Train
from app.wiring import Wired, wire

SECRET = SecretStr("tests only: not a secret at all!!")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class DirectLauncher:
    """Trains at once, in the caller's thread."""

    train: Train | None = None

    def launch(self, project: str, version: ModelVersion, *, force: bool) -> None:
        assert self.train is not None
        self.train.run(project, version, force=force)


def wired_on(settings: Settings) -> Wired:
    return wire(settings, DirectLauncher())


def an_event(
    user_id: str = "ann", item_id: str = "tea", event_type: str = "view", minutes: float = 0, value: float | None = None
) -> Event:
    moment = NOON + timedelta(minutes=minutes)
    return Event(user_id, item_id, event_type, moment, f"{item_id}-{event_type}", value)


def an_item(item_id: str = "tea", *categories: str, **properties: object) -> Item:
    return Item(item_id, item_id.title(), categories, properties)


def two_tastes(users: int = 40, items: int = 12, seed: int = 1) -> list[Event]:
    """Even users like even items, odd users odd ones; each has most of his kind, in random order."""
    random = Random(seed)
    events = []
    for user in range(users):
        liked = random.sample(range(user % 2, items, 2), items // 2 - 2)
        events += [an_event(f"u{user}", f"i{item}", "view", minute) for minute, item in enumerate(liked)]
    return events
